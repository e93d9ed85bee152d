/* Chapter 20: what a new coupon's rate may be, before and after its first offers. */
"use strict";

live.mount("shrink", (place) => {
  const { html } = live;
  const HEIGHT = 260;
  const MEAN = 0.01; // redemptions an offer of the usual coupon
  const HIGHEST = 0.05;
  const POINTS = 500;

  const state = { offers: 100, redeemed: 3, strength: 300 };
  const whole = (number) => number.toLocaleString("en-US");
  const percent = (share) => `${(100 * share).toFixed(2)}%`;

  /** A gamma density up to a factor, at the middles of equal steps from 0 to far out. */
  function density(shape, exposure) {
    const far = Math.max(HIGHEST, (shape + 10 * Math.sqrt(shape) + 10) / exposure);
    const steps = Math.ceil((POINTS * far) / HIGHEST) * 4;
    const width = far / steps;
    const logs = Array.from({ length: steps }, (_, k) => {
      const rate = (k + 0.5) * width;
      return (shape - 1) * Math.log(rate) - exposure * rate;
    });
    const most = Math.max(...logs);
    const heights = logs.map((log) => Math.exp(log - most));
    const sum = heights.reduce((a, b) => a + b, 0);
    return { width, heights: heights.map((height) => height / sum / width) };
  }
  /** The rate below which a share of the probability lies. */
  function quantile({ width, heights }, share) {
    let sum = 0;
    const at = heights.findIndex((height) => (sum += height * width) >= share);
    return (at + 1) * width - ((sum - share) / heights[at]);
  }

  function slider(name, label, to, step, from = 0) {
    const move = (value) => {
      state[name] = value;
      show();
    };
    return live.slider({ label, from, to, step, value: state[name], text: whole, move });
  }
  const offers = slider("offers", "Offers seen", 2000, 50);
  const redeemed = slider("redeemed", "Redemptions among them", 40, 1);
  const strength = slider("strength", "Strength of the prior", 1000, 50, 50);

  const rates = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);

  function show() {
    const count = Math.min(state.redeemed, state.offers);
    const shape = count + state.strength * MEAN;
    const exposure = state.offers + state.strength;
    const before = density(state.strength * MEAN, state.strength);
    const after = density(shape, exposure);
    const shrunk = shape / exposure;
    const [low, high] = [0.025, 0.975].map((share) => quantile(after, share));
    const width = rates.clientWidth;
    const inside = ({ heights, width: step }) =>
      heights
        .map((height, k) => [100 * (k + 0.5) * step, height])
        .filter(([rate]) => rate <= 100 * HIGHEST);
    const peak = (curve) => Math.max(...inside(curve).map(([, height]) => height));
    const highest = Math.min(Math.max(peak(before), peak(after)), 2 * peak(after));
    const clip = (points) => points.map(([x, height]) => [x, Math.min(height, 1.1 * highest)]);
    const x = { range: [0, 100 * HIGHEST], label: "rate of redemption, %" };
    const y = { range: [0, 1.1 * highest], label: "how likely: before (dashed), after (solid)" };
    const chart = live.chart({ width, height: HEIGHT, x, y });
    chart.line(clip(inside(before)), "shrink-before");
    chart.line(inside(after), "shrink-after");
    const raw = state.offers ? count / state.offers : NaN;
    const top = 1.1 * highest;
    const line = (rate, css) => chart.line([[100 * rate, 0], [100 * rate, top]], css);
    if (raw <= HIGHEST) line(raw, "shrink-raw");
    if (shrunk <= HIGHEST) line(shrunk, "shrink-shrunk");
    rates.replaceChildren(chart.drawing);
    const own = (100 * state.offers) / exposure;
    const seen = state.offers
      ? `${whole(count)} of ${whole(state.offers)} offers redeemed: ` +
        `the raw rate is ${percent(raw)} (dotted line)`
      : "No offer seen: there is no raw rate";
    words.textContent =
      `${seen}, the shrunk one ${percent(shrunk)} (solid line), and 95% of its probability lies ` +
      `between ${percent(low)} and ${percent(high)}. The coupon's own offers have ` +
      `${own.toFixed(0)}% of the say, the usual rate of ${percent(MEAN)} the rest.`;
    say(`shrunk rate ${percent(shrunk)}, ${percent(low)} to ${percent(high)}.`);
  }

  place.append(
    html("div", { class: "live-pair" }, offers.element, redeemed.element),
    strength.element,
    rates,
    words,
  );
  live.fitted(rates, show);
});
