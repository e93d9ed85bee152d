/* Chapter 17: where an alarm rings, and what that costs in false alarms and in days. */
"use strict";

live.mount("alarm", (place) => {
  const { html, chances, poisson } = live;
  const HEIGHT = 220;
  const DAYS = 336; // twelve campaigns of four weeks
  const EXPECTED = 100 / 28; // redemptions a day
  const RATIO = 0.5; // what the sum is tuned to
  const YEARS = 400;
  const THRESHOLDS = Array.from({ length: 23 }, (_, k) => 1 + k / 2);

  /** The sum of each day: eq-cusum. */
  function path(left, random) {
    let sum = 0;
    return Array.from({ length: DAYS }, () => {
      const observed = poisson(left * EXPECTED, random);
      sum = Math.max(0, sum + observed * Math.log(RATIO) + EXPECTED * (1 - RATIO));
      return sum;
    });
  }
  function years(left, seed) {
    const random = chances(seed);
    return Array.from({ length: YEARS }, () => path(left, random));
  }
  const quiet = years(1, 1);
  const highest = quiet.map((sums) => Math.max(...sums));
  const falseAlarms = (h) => highest.filter((sum) => sum >= h).length / YEARS;

  let fallen = [];
  /** The day by which half of the alarms have come; Infinity if fewer than half ring. */
  function delay(h) {
    const days = fallen.map((sums) => sums.findIndex((sum) => sum >= h) + 1 || Infinity);
    return days.sort((a, b) => a - b)[YEARS / 2];
  }

  // The state, and what changes it

  const state = { threshold: 4, left: 0.5 };
  const percent = (share) => `${(100 * share).toFixed(0)}%`;
  function slider(name, label, from, to, step, text) {
    const move = (value) => {
      state[name] = value;
      if (name === "left") fallen = years(value, 2);
      show();
    };
    return live.slider({ label, from, to, step, value: state[name], text, move });
  }
  const oneDigit = (number) => number.toFixed(1);
  const threshold = slider("threshold", "Threshold h", 1, 12, 0.5, oneDigit);
  const left = slider("left", "Redemptions that are left", 0.3, 0.9, 0.1, percent);
  fallen = years(state.left, 2);

  // What is shown

  const year = html("div", { class: "live-chart" });
  const wrong = html("div", { class: "live-chart" });
  const late = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);

  function drawYear() {
    const width = year.clientWidth;
    const x = { range: [0, 56], label: "day" };
    const y = { range: [0, 14], label: "sum S: quiet (dashed), fallen (solid)" };
    const chart = live.chart({ width, height: HEIGHT, x, y });
    const points = (sums) => sums.slice(0, 57).map((sum, day) => [day, Math.min(sum, 14)]);
    chart.line(points(quiet[0]), "alarm-quiet");
    chart.line(points(fallen[0]), "alarm-fallen");
    chart.line([[0, state.threshold], [56, state.threshold]], "alarm-threshold");
    year.replaceChildren(chart.drawing);
  }

  function drawCurve(element, heightAt, top, label) {
    const width = element.clientWidth;
    const x = { range: [1, 12], label: "threshold h" };
    const chart = live.chart({ width, height: HEIGHT, x, y: { range: [0, top], label } });
    const inside = THRESHOLDS.filter((h) => heightAt(h) <= top);
    if (inside.length > 1) chart.line(inside.map((h) => [h, heightAt(h)]), "alarm-curve");
    const height = heightAt(state.threshold);
    if (height <= top) {
      const dot = { cx: chart.x(state.threshold), cy: chart.y(height), r: 6 };
      chart.add("circle", { class: "alarm-dot", ...dot });
    }
    element.replaceChildren(chart.drawing);
  }

  function show() {
    const wrongly = falseAlarms(state.threshold);
    const days = delay(state.threshold);
    drawYear();
    drawCurve(wrong, (h) => 100 * falseAlarms(h), 100, "quiet years with a false alarm, %");
    drawCurve(late, delay, 120, "days until half of the alarms");
    const found =
      days === Infinity ? "fewer than half ring within a year" : `half ring by day ${days}`;
    words.textContent =
      `At a threshold of ${oneDigit(state.threshold)}, ${percent(wrongly)} of the quiet years ` +
      `have a false alarm. If redemptions fall to ${percent(state.left)} on the first day, ` +
      `${found}.`;
    say(`${percent(wrongly)} false alarms; ${found}.`);
  }

  place.append(
    html("div", { class: "live-pair" }, threshold.element, left.element),
    year,
    html("div", { class: "live-pair" }, wrong, late),
    words,
  );
  live.fitted(year, show);
});
