/* Chapter 6: what each rung of the ladder makes of the same two probabilities. */
"use strict";

live.mount("ladder", (place) => {
  const { html, svg } = live;
  const HEIGHT = 300;
  const SMALL = 0.01; // a point of the coupon's probability

  const logit = (p) => Math.log(p / (1 - p));
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));
  const RUNGS = {
    sum: (s1, s2) => s1 + s2,
    mixture: (s1, s2) => (s1 + s2) / 2,
    "noisy-or": (s1, s2) => 1 - (1 - s1) * (1 - s2),
    "logit sum": (s1, s2, prior) => sigmoid(logit(s1) + logit(s2) - logit(prior)),
    chain: (s1, s2) => s1 * s2,
  };

  const state = { s1: 0.6, s2: 0.3, prior: 0.05 };
  const percent = (p) => `${(100 * p).toFixed(0)}%`;
  const slider = (name, label) =>
    live.slider({
      label, from: 0.01, to: 0.99, step: 0.01, value: state[name], text: percent, move: (value) => set({ [name]: value }),
    });
  const sliders = {
    s1: slider("s1", "Purchase, s₁"),
    s2: slider("s2", "Coupon, s₂"),
    prior: slider("prior", "Base rate, for the logit sum, p₀"),
  };
  const square = html("div", { class: "live-chart" });
  const table = html("table", { class: "ladder-table" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);
  let update = () => {};

  function set(change) {
    Object.assign(state, change);
    for (const name of Object.keys(change)) sliders[name].set(state[name]);
    update();
  }

  const number = (p) => p.toFixed(p < 0.1 ? 3 : 2);

  function row([name, couple]) {
    const { s1, s2, prior } = state;
    const value = couple(s1, s2, prior);
    const added = couple(s1, Math.min(s2 + SMALL, 0.999), prior) - value;
    const over = value > 1;
    const part = (from, to, css) => html("span", { class: css, style: `left: ${50 * from}%; width: ${50 * (to - from)}%` });
    const bar = html("span", { class: "ladder-bar", "aria-hidden": "true" }, part(0, Math.min(value, 1), "ladder-inside"));
    if (over) bar.append(part(1, value, "ladder-over"));
    return html(
      "tr",
      { class: over ? "ladder-wrong" : "" },
      html("th", { scope: "row" }, name),
      html("td", { class: "ladder-cell" }, bar),
      html("td", {}, `${over ? "✗ " : ""}${number(value)}`),
      html("td", {}, `+${(100 * added).toFixed(2)}`),
    );
  }

  function showTable() {
    const heads = ["rung", "from 0 to 2, the line is 1", "gives", "a point more of s₂ adds, points"];
    table.replaceChildren(
      html("thead", {}, html("tr", {}, ...heads.map((text) => html("th", { scope: "col" }, text)))),
      html("tbody", {}, ...Object.entries(RUNGS).map(row)),
    );
    const { s1, s2 } = state;
    const sum = s1 + s2;
    words.textContent =
      sum > 1
        ? `The sum is ${number(sum)}: no probability. At a purchase of ${percent(s1)} it passes 1 as soon as the coupon passes ${percent(1 - s1)}.`
        : `The sum is ${number(sum)}, which looks like a probability, and is above both of its parts; a redemption cannot be likelier than its purchase.`;
    say(`Sum ${number(sum)}, chain ${number(s1 * s2)}.`);
  }

  function draw() {
    const width = Math.min(square.clientWidth, 340);
    const unit = { range: [0, 1], ticks: [0, 0.5, 1] };
    const chart = live.chart({ width, height: HEIGHT, x: { ...unit, label: "purchase, s₁" }, y: { ...unit, label: "coupon, s₂" } });
    const corners = [[1, 0], [1, 1], [0, 1]].map(([a, b]) => `${chart.x(a)},${chart.y(b)}`).join(" ");
    const hatch = svg(
      "pattern",
      { id: "ladder-hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("line", { class: "ladder-line", x1: 0, x2: 0, y1: 0, y2: 7 }),
    );
    const note = svg("text", { class: "ladder-note", x: chart.x(0.97), y: chart.y(0.9), "text-anchor": "end" }, "the sum exceeds 1");
    const point = svg("circle", { r: 9, class: "ladder-point" });
    chart.drawing.append(svg("defs", {}, hatch), svg("polygon", { points: corners, fill: "url(#ladder-hatch)" }), note, point);
    chart.line([[0, 1], [1, 0]], { class: "ladder-edge" });
    chart.drawing.append(point);
    live.draggable(point, chart, (s1, s2) => {
      const inside = (p) => Math.min(0.99, Math.max(0.01, p));
      set({ s1: inside(s1), s2: inside(s2) });
    });
    square.replaceChildren(chart.drawing);
    update = () => {
      point.setAttribute("cx", chart.x(state.s1));
      point.setAttribute("cy", chart.y(state.s2));
      showTable();
    };
    update();
  }

  place.append(
    html("div", { class: "live-pair" }, square, html("div", {}, ...Object.values(sliders).map(({ element }) => element), words)),
    table,
  );
  live.fitted(square, draw);
});
