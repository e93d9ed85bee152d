/* Chapter 4: the log-likelihood of one user's offers over intercept and slope, to walk on. */
"use strict";

live.mount("likelihood", (place) => {
  const { html, svg } = live;

  // User 2489 in campaign 13: days since the last purchase of a coupon's items, 365 for never;
  // how many coupons had that many, and how many of them were redeemed.
  const GROUPS = [
    [9, 12, 4], [19, 1, 0], [29, 2, 1], [31, 1, 0], [40, 13, 2], [46, 1, 0], [56, 3, 2],
    [63, 1, 0], [68, 2, 1], [76, 2, 0], [80, 1, 0], [89, 2, 0], [100, 1, 0], [122, 2, 0],
    [128, 1, 0], [134, 2, 0], [147, 2, 0], [188, 1, 0], [197, 3, 1], [213, 2, 0], [365, 152, 5],
  ];
  const INTERCEPTS = [-5, 1];
  const SLOPES = [-2.5, 1.5];

  // The model of the chapter: z = b + W x, with x the standardized log(1 + recency)

  const n = GROUPS.reduce((sum, [, offered]) => sum + offered, 0);
  const mean = (value) => GROUPS.reduce((sum, [days, offered]) => sum + offered * value(days), 0) / n;
  const center = mean(Math.log1p);
  const spread = Math.sqrt(mean((days) => (Math.log1p(days) - center) ** 2));
  const standard = (days) => (Math.log1p(days) - center) / spread;
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));
  const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

  /** Log-likelihood, gradient and curvature at a pair of parameters. */
  function look([b, w]) {
    const found = { likelihood: 0, gradient: [0, 0], curvature: [0, 0, 0] };
    for (const [days, offered, redeemed] of GROUPS) {
      const x = standard(days);
      const z = b + w * x;
      const p = sigmoid(z);
      found.likelihood += redeemed * z - offered * softplus(z);
      [1, x].forEach((part, k) => (found.gradient[k] += (redeemed - offered * p) * part));
      [1, x, x * x].forEach((part, k) => (found.curvature[k] += offered * p * (1 - p) * part));
    }
    return found;
  }

  const steps = {
    gradient: ({ gradient }) => gradient.map((slope) => slope / (n / 4)), // no curvature exceeds n / 4
    newton: ({ gradient: [g, h], curvature: [a, b, c] }) => {
      const det = a * c - b * b;
      return [(c * g - b * h) / det, (a * h - b * g) / det];
    },
  };
  let top = [0, 0];
  for (let k = 0; k < 20; k++) top = top.map((value, axis) => value + steps.newton(look(top))[axis]);
  const highest = look(top).likelihood;

  // State

  let theta = [0, 0];
  let path = [theta];
  const within = (value, [low, high]) => Math.min(high, Math.max(low, value));

  function move(next, keep = false) {
    theta = [within(next[0], INTERCEPTS), within(next[1], SLOPES)];
    path = keep ? [...path, theta] : [theta];
    intercept.set(theta[0]);
    slope.set(theta[1]);
    update();
  }
  const step = (kind) => move(steps[kind](look(theta)).map((part, axis) => theta[axis] + part), true);

  const two = (number) => live.written(number.toFixed(2));
  const intercept = live.slider({
    label: "Intercept b", from: INTERCEPTS[0], to: INTERCEPTS[1], step: 0.01, value: 0, text: two, move: (b) => move([b, theta[1]]),
  });
  const slope = live.slider({
    label: "Slope W", from: SLOPES[0], to: SLOPES[1], step: 0.01, value: 0, text: two, move: (w) => move([theta[0], w]),
  });
  const button = (kind, text) => html("button", { type: "button", onclick: () => step(kind) }, text);
  const again = html("button", { type: "button", onclick: () => move([0, 0]) }, "Back to zero");
  const surface = html("div", { class: "live-chart" });
  const data = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);

  // Drawing

  let update = () => {};

  /** Pieces of the lines on which a function has a level: where it crosses the sides of triangles. */
  function contour(value, level, size = 60) {
    const at = (column, row) => [
      INTERCEPTS[0] + (column / size) * (INTERCEPTS[1] - INTERCEPTS[0]),
      SLOPES[0] + (row / size) * (SLOPES[1] - SLOPES[0]),
    ];
    const grid = Array.from({ length: (size + 1) ** 2 }, (_, k) => at(k % (size + 1), Math.floor(k / (size + 1))));
    const heights = grid.map((point) => value(point) - level);
    const pieces = [];
    const triangle = (...corners) => {
      const crossed = corners
        .map((a, k) => [a, corners[(k + 1) % 3]])
        .filter(([a, b]) => heights[a] < 0 !== heights[b] < 0)
        .map(([a, b]) => grid[a].map((from, axis) => from + (heights[a] / (heights[a] - heights[b])) * (grid[b][axis] - from)));
      if (crossed.length) pieces.push(crossed);
    };
    for (let k = 0; k < grid.length - size - 2; k++) {
      if (k % (size + 1) === size) continue;
      triangle(k, k + 1, k + size + 1);
      triangle(k + 1, k + size + 2, k + size + 1);
    }
    return pieces;
  }

  function draw() {
    const map = live.chart({
      width: surface.clientWidth, height: 300, x: { range: INTERCEPTS, label: "intercept b" }, y: { range: SLOPES, label: "slope W" },
    });
    for (const below of [0.3, 1, 3, 10, 30, 100, 300]) {
      contour((point) => highest - look(point).likelihood, below).forEach((piece) => map.line(piece, { class: "live-contour" }));
    }
    const trail = svg("path", { class: "likelihood-path" });
    const arrow = svg("path", { class: "likelihood-arrow" });
    const point = svg("circle", { r: 9, class: "likelihood-point" });
    map.drawing.append(trail, arrow, svg("path", { class: "likelihood-top", d: `M${map.x(top[0])},${map.y(top[1])}m-5,-5l10,10m0,-10l-10,10` }), point);
    live.draggable(point, map, (b, w) => move([b, w]));
    surface.replaceChildren(map.drawing);

    const x = [standard(5), standard(365)];
    const fit = live.chart({
      width: data.clientWidth, height: 300,
      x: { range: x, ticks: [7, 30, 100, 365].map(standard), text: (k) => ["7", "30", "100", "never"][[7, 30, 100, 365].map(standard).indexOf(k)], label: "days since the last purchase" },
      y: { range: [0, 1], text: (p) => `${100 * p}%`, label: "redeemed" },
    });
    for (const [days, offered, redeemed] of GROUPS) {
      fit.drawing.append(svg("circle", { class: "likelihood-data", cx: fit.x(standard(days)), cy: fit.y(redeemed / offered), r: 2 + Math.sqrt(offered) }));
    }
    const curve = svg("path", { class: "likelihood-curve" });
    fit.drawing.append(curve);
    data.replaceChildren(fit.drawing);

    update = () => {
      const { likelihood, gradient } = look(theta);
      const length = Math.hypot(...gradient);
      const [px, py] = [map.x(theta[0]), map.y(theta[1])];
      const tip = 14 + 12 * Math.log1p(length);
      const [ux, uy] = length > 1e-3 ? [gradient[0] / length, -gradient[1] / length] : [0, 0];
      const [tx, ty] = [px + tip * ux, py + tip * uy];
      point.setAttribute("cx", px);
      point.setAttribute("cy", py);
      arrow.setAttribute("d", `M${px},${py}L${tx},${ty}m${-8 * ux - 5 * uy},${-8 * uy + 5 * ux}L${tx},${ty}l${-8 * ux + 5 * uy},${-8 * uy - 5 * ux}`);
      trail.setAttribute("d", path.map(([b, w], k) => `${k ? "L" : "M"}${map.x(b)},${map.y(w)}`).join(""));
      const inside = Array.from({ length: 61 }, (_, k) => x[0] + (k / 60) * (x[1] - x[0]));
      curve.setAttribute("d", inside.map((at, k) => `${k ? "L" : "M"}${fit.x(at)},${fit.y(sigmoid(theta[0] + theta[1] * at))}`).join(""));
      const steep = length < 0.005 ? "the slope is zero: this is the top" : `the gradient is (${gradient.map(two).join(", ")})`;
      words.textContent = `Log-likelihood ${two(likelihood)}, at most ${two(highest)}. Log loss ${(-likelihood / n).toFixed(4)}. Here ${steep}.`;
      say(`Log-likelihood ${two(likelihood)}.`);
    };
    update();
  }

  place.append(
    html("div", { class: "live-pair" }, surface, data),
    html("div", { class: "live-pair" }, intercept.element, slope.element),
    html("p", { class: "live-buttons" }, button("gradient", "A step of gradient descent"), button("newton", "A step of Newton's method"), again),
    words,
  );
  live.fitted(surface, draw);
});
