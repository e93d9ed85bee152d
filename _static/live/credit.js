/* Who shares the credit: what coupon_rec.explain.credit computes, for the model of the page. */
"use strict";

const credit = (() => {
  const SAVING = ["user_discount_share", "user_coupon_share", "user_mailed_90"];
  SAVING.push("user_redemption_rate", "user_redemption_recency", "user_redemptions_decayed");
  const TOPICS = ["habit", "category", "shopping", "saving", "items", "coupon"];
  const TEXTS = {
    habit: "buying these items",
    category: "buying in their category",
    shopping: "shopping in general",
    saving: "using coupons",
    items: "the items themselves",
    coupon: "the coupon itself",
  };
  const HEIGHT = 250;
  const times = (value) => `×${Math.exp(value).toFixed(2)}`;
  const OF_SIDE = { user: "shopping", item: "items", match: "habit", coupon: "coupon" };

  function topicOf(name, array) {
    if (SAVING.includes(name)) return "saving";
    if (/^match_(category|brand)/.test(name)) return "category";
    return OF_SIDE[array.split("_")[0]];
  }

  /** By array, the topic of each of its columns. */
  function topics(columns) {
    const of = ([array, list]) => [array, list.map(({ name }) => topicOf(name, array))];
    return Object.fromEntries(Object.entries(columns).map(of));
  }

  /** An offer with the columns of some topics, and another's columns elsewhere. */
  function mixed(offer, other, places, taken) {
    const half = ([array, topic]) => [
      array,
      topic.map((one, k) => (taken.has(one) ? offer : other)[array][k]),
    ];
    return Object.fromEntries(Object.entries(places).map(half));
  }

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** Shapley's rule: `worth` has a number for each coalition, whose bits say who is in it. */
  function shapley(worth) {
    const n = Math.log2(worth.length);
    const factorial = [1];
    for (let k = 1; k <= n; k++) factorial.push(k * factorial[k - 1]);
    const size = (coalition) => coalition.toString(2).replaceAll("0", "").length;
    return Array.from({ length: n }, (_, player) =>
      worth.reduce((sum, value, coalition) => {
        if (coalition & (1 << player)) return sum;
        const s = size(coalition);
        const weight = (factorial[s] * factorial[n - s - 1]) / factorial[n];
        return sum + weight * (worth[coalition | (1 << player)] - value);
      }, 0),
    );
  }

  /** What each topic adds to the mean score of the others, to make the score of the offer. */
  function shared(score, offer, others, columns) {
    const places = topics(columns);
    const differs = (topic) =>
      Object.entries(places).some(([array, of]) =>
        of.some((one, k) => one === topic && others.some((o) => o[array][k] !== offer[array][k])),
      );
    const playing = TOPICS.filter(differs);
    const worth = Array.from({ length: 2 ** playing.length }, (_, coalition) => {
      const taken = new Set(playing.filter((_, bit) => coalition & (1 << bit)));
      return mean(others.map((other) => score(mixed(offer, other, places, taken))));
    });
    const values = shapley(worth);
    const found = TOPICS.map((topic) => [topic, values[playing.indexOf(topic)] ?? 0]);
    return { topics: Object.fromEntries(found), others: worth[0], score: score(offer) };
  }

  /** Draw by how much each topic multiplies the probability. */
  function draw(chart, topics) {
    const width = chart.clientWidth;
    if (!width) return;
    const values = Object.values(topics);
    const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)];
    const left = 150;
    const start = left + (low < 0 ? 50 : 4);
    const x = (value) => start + ((value - low) / (high - low)) * (width - 50 - start);
    const drawing = live.svg("svg", { width, height: HEIGHT, "aria-hidden": "true" });
    const step = (HEIGHT - 20) / values.length;
    const line = { x1: x(0), x2: x(0), y1: 4, y2: HEIGHT - 16, class: "because-zero" };
    drawing.append(live.svg("line", line));
    TOPICS.forEach((topic, k) => {
      const value = topics[topic];
      const y = 4 + k * step;
      const bar = {
        x: Math.min(x(0), x(value)),
        y: y + 6,
        width: Math.abs(x(value) - x(0)),
        height: step - 12,
        class: value < 0 ? "because-less" : "because-more",
      };
      const text = (content, attributes) =>
        live.svg("text", { class: "live-axis", y: y + step / 2 + 4, ...attributes }, content);
      drawing.append(
        live.svg("rect", bar),
        text(TEXTS[topic], { x: left - 8, "text-anchor": "end" }),
        value < 0
          ? text(times(value), { x: x(value) - 5, "text-anchor": "end" })
          : text(times(value), { x: x(value) + 5, "text-anchor": "start" }),
      );
    });
    chart.replaceChildren(drawing);
  }

  return { TOPICS, TEXTS, times, shapley, shared, draw };
})();
