/* Chapter 6: what each rung of the ladder makes of the same two probabilities. */
"use strict";

live.mount("ladder", (place) => {
  const { html, svg } = live;
  const HEIGHT = 300;
  const INSIDE = [0.01, 0.99];
  const POINT = 0.01; // of a probability
  const HEADS = ["rung", "on a scale from 0 to 2", "gives", "1% more of s₂ adds"];

  const logit = (p) => Math.log(p / (1 - p));
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));
  const RUNGS = {
    sum: (s1, s2) => s1 + s2,
    mixture: (s1, s2) => (s1 + s2) / 2,
    "noisy-or": (s1, s2) => 1 - (1 - s1) * (1 - s2),
    "logit sum": (s1, s2, prior) => sigmoid(logit(s1) + logit(s2) - logit(prior)),
    chain: (s1, s2) => s1 * s2,
  };

  // The state, and what changes it

  const state = { s1: 0.6, s2: 0.3, prior: 0.05 };
  const percent = (p) => `${(100 * p).toFixed(0)}%`;
  const [from, to] = INSIDE;
  function slider(name, label) {
    const move = (value) => change({ [name]: value });
    return live.slider({ label, from, to, step: POINT, value: state[name], text: percent, move });
  }
  const sliders = {
    s1: slider("s1", "Purchase, s₁"),
    s2: slider("s2", "Coupon, s₂"),
    prior: slider("prior", "Base rate, for the logit sum, p₀"),
  };

  function change(values) {
    Object.assign(state, values);
    for (const name of Object.keys(values)) sliders[name].set(state[name]);
    show();
  }

  // What is shown

  const square = html("div", { class: "live-chart" });
  const rungs = html("div", { class: "ladder-rungs" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);
  let placePoint = () => {};

  const number = (p) => p.toFixed(p < 0.1 ? 3 : 2);

  function line([name, couple]) {
    const { s1, s2, prior } = state;
    const value = couple(s1, s2, prior);
    const added = couple(s1, Math.min(s2 + POINT, 0.999), prior) - value;
    const over = value > 1;
    const part = (start, end, css) => {
      const style = `left: ${50 * start}%; width: ${50 * (end - start)}%`;
      return html("span", { class: css, style });
    };
    const parts = [part(0, Math.min(value, 1), "ladder-inside")];
    if (over) parts.push(part(1, value, "ladder-over"));
    return html(
      "tr",
      { class: over ? "ladder-wrong" : "" },
      html("th", { scope: "row" }, name),
      html("td", {}, html("span", { class: "ladder-bar", "aria-hidden": "true" }, ...parts)),
      html("td", {}, `${over ? "✗ " : ""}${number(value)}`),
      html("td", {}, `${(100 * added).toFixed(2)}%`),
    );
  }

  function show() {
    const { s1, s2 } = state;
    placePoint();
    rungs.replaceChildren(live.table(HEADS, Object.entries(RUNGS).map(line)));
    const sum = s1 + s2;
    words.textContent =
      sum > 1
        ? `The sum is ${number(sum)}: no probability. With a purchase of ${percent(s1)} it ` +
          `passes 1 when the coupon passes ${percent(1 - s1)}.`
        : `The sum is ${number(sum)}. It could be a probability, but not of a redemption: ` +
          "that cannot be likelier than the purchase that it needs.";
    say(`Sum ${number(sum)}, chain ${number(s1 * s2)}.`);
  }

  function draw() {
    const width = Math.min(square.clientWidth, 340);
    const unit = { range: [0, 1], ticks: [0, 0.5, 1] };
    const x = { ...unit, label: "purchase, s₁" };
    const y = { ...unit, label: "coupon, s₂" };
    const chart = live.chart({ width, height: HEIGHT, x, y });
    const stripe = svg("line", { class: "ladder-stripe", y2: 7 });
    const size = { width: 7, height: 7, patternUnits: "userSpaceOnUse" };
    const turn = { patternTransform: "rotate(45)" };
    chart.add("defs", {}, svg("pattern", { id: "ladder-hatch", ...size, ...turn }, stripe));
    const above = chart.path([[1, 0], [1, 1], [0, 1]]);
    chart.add("path", { d: above, fill: "url(#ladder-hatch)" });
    chart.line([[0, 1], [1, 0]], "ladder-edge");
    const corner = { x: chart.x(0.97), y: chart.y(0.9), "text-anchor": "end" };
    chart.add("text", { class: "ladder-note", ...corner }, "the sum exceeds 1");
    const point = chart.add("circle", { r: 9, class: "ladder-point" });
    chart.draggable(point, (s1, s2) => {
      change({ s1: live.limited(s1, INSIDE), s2: live.limited(s2, INSIDE) });
    });
    square.replaceChildren(chart.drawing);
    placePoint = () => live.set(point, { cx: chart.x(state.s1), cy: chart.y(state.s2) });
    show();
  }

  const handles = Object.values(sliders).map(({ element }) => element);
  place.append(
    html("div", { class: "live-pair" }, square, html("div", {}, ...handles, words)),
    rungs,
  );
  live.fitted(square, draw);
});
