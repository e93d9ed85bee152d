/* Chapter 21: what a noisy count gives away, and how many answers bring it back. */
"use strict";

live.mount("noise", (place) => {
  const { html } = live;
  const HEIGHT = 220;
  const WITH = 120; // households that redeemed, with household 2448
  const SHOWN = Array.from({ length: 31 }, (_, k) => 105 + k);
  const MOST = 100; // answers

  /** How likely an answer is when the true count is `count`: eq-geometric. */
  function chance(answer, count, epsilon) {
    const alpha = Math.exp(-epsilon);
    return ((1 - alpha) / (1 + alpha)) * alpha ** Math.abs(answer - count);
  }

  /** How often the majority of so many votes is right; half of the time in a tie. */
  function right(answers, epsilon) {
    const vote = 1 / (1 + Math.exp(-epsilon));
    let exactly = (1 - vote) ** answers; // so many right votes, from none on
    let sum = 0;
    for (let k = 0; k <= answers; k++) {
      if (2 * k > answers) sum += exactly;
      if (2 * k === answers) sum += exactly / 2;
      exactly *= ((answers - k) / (k + 1)) * (vote / (1 - vote));
    }
    return sum;
  }

  // The state, and what changes it

  const state = { epsilon: 0.5, answers: 1 };
  function slider(name, label, from, to, step, text) {
    const move = (value) => {
      state[name] = value;
      show();
    };
    return live.slider({ label, from, to, step, value: state[name], text, move });
  }
  const epsilon = slider("epsilon", "Epsilon of an answer", 0.1, 2, 0.1, (e) => e.toFixed(1));
  const answers = slider("answers", "Answers asked", 1, MOST, 1, String);

  // What is shown

  const bars = html("div", { class: "live-chart" });
  const curve = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);

  function drawBars() {
    const x = { range: [104, 136], label: "answer" };
    const top = Math.max(0.1, chance(WITH, WITH, state.epsilon));
    const label = "probability, %: with 2448 (filled), without (outline)";
    const y = { range: [0, 105 * top], label };
    const chart = live.chart({ width: bars.clientWidth, height: HEIGHT, x, y });
    const wide = chart.x(1) - chart.x(0);
    for (const answer of SHOWN) {
      for (const [count, css] of [[WITH, "noise-with"], [WITH - 1, "noise-without"]]) {
        const high = 100 * chance(answer, count, state.epsilon);
        const box = { x: chart.x(answer) - 0.4 * wide, width: 0.8 * wide };
        const height = chart.y(0) - chart.y(high);
        chart.add("rect", { class: css, ...box, y: chart.y(high), height });
      }
    }
    bars.replaceChildren(chart.drawing);
  }

  function drawCurve() {
    const x = { range: [1, MOST], label: "answers to the same question" };
    const y = { range: [50, 100], label: "the attacker is right, %" };
    const chart = live.chart({ width: curve.clientWidth, height: HEIGHT, x, y });
    const asked = Array.from({ length: MOST }, (_, k) => k + 1);
    chart.line(asked.map((n) => [n, 100 * right(n, state.epsilon)]), "noise-curve");
    const at = [chart.x(state.answers), chart.y(100 * right(state.answers, state.epsilon))];
    chart.add("circle", { class: "noise-dot", cx: at[0], cy: at[1], r: 6 });
    curve.replaceChildren(chart.drawing);
  }

  function show() {
    drawBars();
    drawCurve();
    const share = (100 * right(state.answers, state.epsilon)).toFixed(0);
    const miss = (2 / (Math.exp(state.epsilon) - Math.exp(-state.epsilon))).toFixed(1);
    const total = (state.answers * state.epsilon).toFixed(1);
    words.textContent =
      `An answer misses the truth by ${miss} on average. After ${state.answers} ` +
      `answer${state.answers === 1 ? "" : "s"}, an ε of ${total} in all, the attacker is right ` +
      `about household 2448 in ${share}% of the cases.`;
    say(`The attacker is right in ${share}% of the cases.`);
  }

  place.append(
    html("div", { class: "live-pair" }, epsilon.element, answers.element),
    bars,
    curve,
    words,
  );
  live.fitted(bars, show);
});
