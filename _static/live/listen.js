/* Chapter 26: where an alarm on the share of negative talk rings, and what a threshold costs. */
"use strict";

live.mount("listen", (place) => {
  const { html, chances, poisson } = live;
  const HEIGHT = 220;
  const HOURS = 672; // four weeks
  const MEAN = 20; // opinions an hour
  const LONGEST = 24; // hours of a crisis; a missed one costs all of them
  const COOLDOWN = 24;
  const STREAMS = 300;
  const USUAL = 0.24; // shares that are called negative: usually, and when negatives double
  const DOUBLED = 0.1 + 0.7 / 3;
  const RATIO = DOUBLED / USUAL;
  const FALSE_ALARM = 240; // dollars
  const CRISES = 12; // a year
  const THRESHOLDS = Array.from({ length: 25 }, (_, k) => 1 + k / 4);

  /** The evidence of each hour: eq-share-step. In a crisis the negatives double. */
  function steps(hours, crisis, random) {
    return Float64Array.from({ length: hours }, () => {
      const all = crisis ? 1.2 * MEAN : MEAN; // one in five is negative, and there are two
      const share = crisis ? DOUBLED : USUAL;
      const negative = poisson(all * share, random);
      const opinions = negative + poisson(all * (1 - share), random);
      return negative * Math.log(RATIO) + (1 - RATIO) * USUAL * opinions;
    });
  }
  const random = chances(1);
  const quiet = Array.from({ length: STREAMS }, () => steps(HOURS, false, random));
  const bad = Array.from({ length: STREAMS }, () => steps(LONGEST, true, random));

  /** The hours at which it rings; after an alarm it is silent for a day, then starts anew. */
  function rings(stream, h) {
    const found = [];
    let sum = 0;
    for (let t = 0; t < stream.length; t++) {
      sum = Math.max(0, sum + stream[t]);
      if (sum < h) continue;
      found.push(t);
      sum = 0;
      t += COOLDOWN;
    }
    return found;
  }
  const average = (streams, value) => streams.reduce((sum, s) => sum + value(s), 0) / STREAMS;
  /** False alarms in four weeks; hours of a crisis until it rings, all of them if it does not. */
  const falseAlarms = (h) => average(quiet, (stream) => rings(stream, h).length);
  const delay = (h) => average(bad, (stream) => (rings(stream, h)[0] ?? LONGEST - 1) + 1);

  // The state, and what changes it

  const state = { threshold: 3.5, price: 60 };
  const curve = THRESHOLDS.map((h) => ({ h, wrong: falseAlarms(h), late: delay(h) }));
  const year = (point) => 13 * FALSE_ALARM * point.wrong + CRISES * state.price * point.late;
  function slider(name, label, from, to, step, text) {
    const move = (value) => {
      state[name] = value;
      show();
    };
    return live.slider({ label, from, to, step, value: state[name], text, move });
  }
  const dollars = (amount) => `$${Math.round(amount).toLocaleString("en-US")}`;
  const threshold = slider("threshold", "Threshold of evidence", 1, 7, 0.25, (h) => h.toFixed(2));
  const price = slider("price", "Price of an hour of delay", 0, 200, 10, dollars);

  // What is shown

  const days = html("div", { class: "live-chart" });
  const wrong = html("div", { class: "live-chart" });
  const cost = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);

  function drawDays() {
    const before = 48; // hours of a quiet stream, then a crisis
    let sum = 0;
    const points = [...quiet[0].slice(0, before), ...bad[0]].map((step, t) => {
      sum = Math.max(0, sum + step);
      return [t - before + 1, Math.min(sum, 12)];
    });
    const x = { range: [-before, 24], label: "hours since the negatives doubled" };
    const y = { range: [0, 12], label: "sum S, until it would start anew" };
    const chart = live.chart({ width: days.clientWidth, height: HEIGHT, x, y });
    chart.line(points.slice(0, before), "alarm-quiet");
    chart.line(points.slice(before - 1), "alarm-fallen");
    chart.line([[-before, state.threshold], [24, state.threshold]], "alarm-threshold");
    days.replaceChildren(chart.drawing);
  }

  function drawCurve(element, heightAt, top, label) {
    const x = { range: [1, 7], label: "threshold" };
    const y = { range: [0, top], label };
    const chart = live.chart({ width: element.clientWidth, height: HEIGHT, x, y });
    const inside = curve.filter((point) => heightAt(point) <= top);
    if (inside.length > 1) chart.line(inside.map((p) => [p.h, heightAt(p)]), "alarm-curve");
    const here = heightAt(curve.find((point) => point.h === state.threshold));
    if (here <= top) {
      const dot = { cx: chart.x(state.threshold), cy: chart.y(here), r: 6 };
      chart.add("circle", { class: "alarm-dot", ...dot });
    }
    element.replaceChildren(chart.drawing);
  }

  function show() {
    const here = curve.find((point) => point.h === state.threshold);
    const best = curve.reduce((a, b) => (year(b) < year(a) ? b : a));
    drawDays();
    drawCurve(wrong, (point) => point.wrong, 8, "false alarms in four weeks");
    drawCurve(cost, (point) => year(point) / 1000, 40, "thousand $ a year");
    words.textContent =
      `At a threshold of ${state.threshold.toFixed(2)}, four quiet weeks bring ` +
      `${here.wrong.toFixed(2)} false alarms, and a doubling of the negatives is found after ` +
      `${here.late.toFixed(1)} hours on average, 24 where it is missed. ` +
      `A year costs ${dollars(year(here))}; ` +
      `the cheapest threshold is ${best.h.toFixed(2)}, at ${dollars(year(best))}.`;
    say(`${here.wrong.toFixed(2)} false alarms; ${here.late.toFixed(1)} hours; ` +
      `${dollars(year(here))} a year.`);
  }

  place.append(
    html("div", { class: "live-pair" }, threshold.element, price.element),
    days,
    html("div", { class: "live-pair" }, wrong, cost),
    words,
  );
  live.fitted(days, show);
});
