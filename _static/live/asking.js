/* Chapter 24: which offers to ask about, and what a line through their answers promises. */
"use strict";

live.mount("asking", (place) => {
  const { html } = live;
  const HEIGHT = 280;
  const OFFERS = 10000;
  const APPEAL = Array.from({ length: 121 }, (_, k) => -3 + k / 20);
  const whole = (number) => Math.round(number).toLocaleString("en-US");

  const sigmoid = (z) => 1 / (1 + Math.exp(-z));
  /** Redemptions of an offer: the log odds bend, and a line cannot follow them everywhere. */
  const TRUE = APPEAL.map((x) => sigmoid(-1 - 0.5 * (3 - x) ** 1.5));
  /** Offers at each appeal: a bell curve. */
  const bell = APPEAL.map((x) => Math.exp((-x * x) / 2));
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const COUNT = bell.map((height) => (OFFERS * height) / sum(bell));

  /** The intercept and slope that explain the answers of the asked offers best, by Newton. */
  function fit(asked) {
    let [a, b] = [-4, 0.5];
    for (let step = 0; step < 50; step++) {
      const total = [0, 0, 1e-9, 0, 1e-9]; // two slopes, and a Hessian that is never singular
      for (const k of asked) {
        const [x, p] = [APPEAL[k], sigmoid(a + b * APPEAL[k])];
        const [off, heavy] = [COUNT[k] * (TRUE[k] - p), COUNT[k] * p * (1 - p)];
        [off, off * x, heavy, heavy * x, heavy * x * x].forEach((part, i) => (total[i] += part));
      }
      const [s, t, h, i, j] = total;
      const size = h * j - i * i;
      const move = [(j * s - i * t) / size, (h * t - i * s) / size];
      const short = Math.min(1, 1 / Math.max(...move.map(Math.abs)));
      a += short * move[0];
      b += short * move[1];
    }
    return APPEAL.map((x) => sigmoid(a + b * x));
  }

  const state = { from: 2, to: 3 };
  function slider(name, label, from, to) {
    const move = (value) => {
      state[name] = value;
      show();
    };
    const text = (appeal) => live.written(appeal.toFixed(1));
    return live.slider({ label, from, to, step: 0.1, value: state[name], text, move });
  }
  const from = slider("from", "Ask from appeal", -3, 2.4);
  const to = slider("to", "Ask up to appeal", -2, 3);

  const curves = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);

  function show() {
    const end = Math.max(state.to, state.from + 0.5);
    const inside = (x) => x > state.from - 1e-9 && x < end + 1e-9;
    const asked = APPEAL.flatMap((x, k) => (inside(x) ? [k] : []));
    const line = fit(asked);
    const x = { range: [-3, 3], label: "appeal of an offer" };
    const powers = [-4, -3, -2, -1];
    const text = (power) => `${Number((100 * 10 ** power).toPrecision(1))}%`;
    const label = "probability: true (solid), line (dashed)";
    const y = { range: [-4, -0.4], label, ticks: powers, text };
    const chart = live.chart({ width: curves.clientWidth, height: HEIGHT, x, y });
    const left = chart.x(state.from);
    const band = { x: left, width: chart.x(end) - left, y: chart.box.top };
    chart.add("rect", { class: "asking-band", ...band, height: chart.box.bottom - chart.box.top });
    const drawn = (values) =>
      APPEAL.map((x, k) => [x, Math.log10(values[k])]).filter(([, log]) => log > -4 && log < -0.4);
    chart.line(drawn(TRUE), "asking-true");
    chart.line(drawn(line), "asking-line");
    curves.replaceChildren(chart.drawing);
    const of = (values) => sum(values.map((p, k) => p * COUNT[k]));
    const [promised, came] = [of(line), of(TRUE)];
    const ratio = (promised / came).toFixed(2);
    words.textContent =
      `You ask about ${whole(sum(asked.map((k) => COUNT[k])))} of ${whole(OFFERS)} offers ` +
      `(shaded). The line promises ${whole(promised)} redemptions among all of them, and there ` +
      `are ${whole(came)}: ${ratio} times as many as there are.`;
    say(`The line promises ${ratio} times the redemptions.`);
  }

  place.append(html("div", { class: "live-pair" }, from.element, to.element), curves, words);
  live.fitted(curves, show);
});
