/* Chapter 4: the log-likelihood of one user's offers over intercept and slope, to walk on. */
"use strict";

live.mount("likelihood", (place) => {
  const { html } = live;

  // User 2489 in campaign 13: days since the last purchase of a coupon's items, 365 for never;
  // how many coupons had so many, and how many of these were redeemed.
  const DAYS = [
    9, 19, 29, 31, 40, 46, 56, 63, 68, 76, 80, 89, 100, 122, 128, 134, 147, 188, 197, 213, 365,
  ];
  const OFFERED = [12, 1, 2, 1, 13, 1, 3, 1, 2, 2, 1, 2, 1, 2, 1, 2, 2, 1, 3, 2, 152];
  const REDEEMED = [4, 0, 1, 0, 2, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 5];
  const B = [-5, 1]; // the range of the intercept
  const W = [-2.5, 1.5]; // and that of the slope
  const HEIGHT = 300;

  // The model: z = b + W x, with x the standardized log(1 + recency)

  const n = OFFERED.reduce((sum, offered) => sum + offered);
  const mean = (values) => values.reduce((sum, value, k) => sum + value * OFFERED[k], 0) / n;
  const logs = DAYS.map(Math.log1p);
  const center = mean(logs);
  const spread = Math.sqrt(mean(logs.map((log) => (log - center) ** 2)));
  const standard = (log) => (log - center) / spread;
  const inputs = logs.map(standard);
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));

  /** The log-likelihood, its gradient, and the entries of H: eq-stable-loss and those after it. */
  function look(b, w) {
    const found = { likelihood: 0, gradient: [0, 0], curvature: [0, 0, 0] };
    inputs.forEach((x, k) => {
      const z = b + w * x;
      const p = sigmoid(z);
      const off = REDEEMED[k] - OFFERED[k] * p;
      const bend = OFFERED[k] * p * (1 - p);
      found.likelihood += REDEEMED[k] * z + OFFERED[k] * Math.log1p(-p);
      [1, x].forEach((part, entry) => (found.gradient[entry] += off * part));
      [1, x, x * x].forEach((part, entry) => (found.curvature[entry] += bend * part));
    });
    return found;
  }

  const small = ({ gradient: [g, h] }) => [g / (n / 4), h / (n / 4)]; // no curvature exceeds n / 4
  const newton = ({ gradient: [g, h], curvature: [a, b, c] }) => {
    const size = a * c - b * b;
    return [(c * g - b * h) / size, (a * h - b * g) / size];
  };
  const stepped = ([b, w], step) => step(look(b, w)).map((part, k) => [b, w][k] + part);
  const top = Array(20).fill(newton).reduce(stepped, [0, 0]);
  const highest = look(...top).likelihood;

  // The state, and what changes it

  let path = [[0, 0]]; // it ends where we stand
  const draws = [];

  function go(way) {
    path = way.map(([b, w]) => [live.limited(b, B), live.limited(w, W)]);
    const [b, w] = path.at(-1);
    intercept.set(b);
    slope.set(w);
    show();
  }
  const walk = (step) => () => go([...path, stepped(path.at(-1), step)]);
  const two = (number) => live.written(number.toFixed(2));
  const slider = (label, [from, to], move) =>
    live.slider({ label, from, to, step: 0.01, value: 0, text: two, move });
  const intercept = slider("Intercept b", B, (b) => go([[b, path.at(-1)[1]]]));
  const slope = slider("Slope W", W, (w) => go([[path.at(-1)[0], w]]));

  // What is shown

  const surface = html("div", { class: "live-chart" });
  const data = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);
  const buttons = html("p", { class: "live-buttons" });
  buttons.append(
    live.button("A step of gradient descent", walk(small)),
    live.button("A step of Newton's method", walk(newton)),
    live.button("Back to zero", () => go([[0, 0]])),
  );

  function drawSurface() {
    const x = { range: B, label: "intercept b" };
    const y = { range: W, label: "slope W" };
    const map = live.chart({ width: surface.clientWidth, height: HEIGHT, x, y });
    const below = (b, w) => highest - look(b, w).likelihood;
    const lines = live.contours(below, [0.3, 1, 3, 10, 30, 100, 300], B, W);
    const d = lines.map(map.path).join("");
    map.add("path", { class: "live-contour", fill: "none", d });
    const cross = `M${map.x(top[0])},${map.y(top[1])}m-5,-5l10,10m0,-10l-10,10`;
    map.add("path", { class: "likelihood-top", d: cross });
    const trail = map.line(path, "likelihood-path");
    const arrow = map.add("path", { class: "likelihood-arrow" });
    const point = map.add("circle", { r: 9, class: "likelihood-point" });
    map.draggable(point, (b, w) => go([[b, w]]));
    surface.replaceChildren(map.drawing);
    draws[0] = ([b, w], { gradient: [g, h] }) => {
      const [x, y] = [map.x(b), map.y(w)];
      const turn = Math.atan2(map.y(w + h) - y, map.x(b + g) - x) * (180 / Math.PI);
      const length = 14 + 12 * Math.log1p(Math.hypot(g, h));
      const shape = Math.hypot(g, h) > 0.005 ? `M0,0H${length}m-8,-6l8,6l-8,6` : "";
      live.set(arrow, { d: shape, transform: `translate(${x} ${y}) rotate(${turn})` });
      live.set(point, { cx: x, cy: y });
      live.set(trail, { d: map.path(path) });
    };
  }

  function drawData() {
    const range = [Math.log1p(5), Math.log1p(365)];
    const text = (log) => (log === range[1] ? "never" : Math.round(Math.expm1(log)));
    const ticks = [7, 30, 100, 365].map(Math.log1p);
    const x = { range, ticks, text, label: "days since the last purchase" };
    const y = { range: [0, 1], text: (p) => `${100 * p}%`, label: "redeemed" };
    const fit = live.chart({ width: data.clientWidth, height: HEIGHT, x, y });
    logs.forEach((log, k) => {
      const place = { cx: fit.x(log), cy: fit.y(REDEEMED[k] / OFFERED[k]) };
      fit.add("circle", { class: "likelihood-data", r: 2 + Math.sqrt(OFFERED[k]), ...place });
    });
    const curve = fit.add("path", { class: "likelihood-curve" });
    data.replaceChildren(fit.drawing);
    const along = Array.from({ length: 61 }, (_, k) => range[0] + (k / 60) * (range[1] - range[0]));
    const pointOf = (log, [b, w]) => [log, sigmoid(b + w * standard(log))];
    draws[1] = (theta) => live.set(curve, { d: fit.path(along.map((log) => pointOf(log, theta))) });
  }

  function show() {
    const here = look(...path.at(-1));
    draws.forEach((draw) => draw(path.at(-1), here));
    words.textContent =
      `Log-likelihood ${two(here.likelihood)}, at most ${two(highest)}; log loss ` +
      `${(-here.likelihood / n).toFixed(4)}; gradient (${here.gradient.map(two).join(", ")}).`;
    say(words.textContent);
  }

  place.append(
    html("div", { class: "live-pair" }, surface, data),
    html("div", { class: "live-pair" }, intercept.element, slope.element),
    buttons,
    words,
  );
  live.fitted(surface, () => {
    drawSurface();
    drawData();
    show();
  });
});
