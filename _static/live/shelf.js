/* Chapter 14: a shelf that runs empty. The reader sets the order and the depth of a coupon. */
"use strict";

live.mount("shelf", (place) => {
  const { html } = live;
  const HEIGHT = 230;
  const PRICE = 4; // dollars
  const COST = 2.5; // dollars; what is left over is thrown away
  const USUAL = 20; // packs a week that are wanted without a coupon
  const ELASTICITY = -2.6;
  const MOST = 140; // packs that are counted
  // One number in (0, 1) for each week says how lucky it is, whatever is set
  const LUCK = [
    0.41, 0.68, 0.12, 0.87, 0.55, 0.3, 0.95, 0.49, 0.22, 0.76, 0.61, 0.07, 0.84, 0.36, 0.58, 0.71,
    0.17, 0.92, 0.45, 0.27,
  ];

  const wanted = (depth) => USUAL * (1 - depth) ** ELASTICITY;

  /** Probabilities of 0, 1, ... packs, of Poisson's distribution. */
  function chances(mean) {
    const p = [Math.exp(-mean)];
    for (let k = 1; k <= MOST; k++) p.push((p[k - 1] * mean) / k);
    return p;
  }

  /** What is wanted in each week: the smallest number that luck does not exceed. */
  function weeks(p) {
    return LUCK.map((luck) => {
      let [k, sum] = [0, p[0]];
      while (sum < luck && k < MOST) sum += p[++k];
      return k;
    });
  }

  const profit = (order, sold, depth) => PRICE * (1 - depth) * sold - COST * order;

  function expectedProfit(order, depth, p) {
    const sold = p.reduce((so, chance, k) => so + chance * Math.min(k, order), 0);
    return profit(order, sold, depth);
  }

  function bestOrder(depth, p) {
    const earns = Array.from({ length: MOST }, (_, order) => expectedProfit(order, depth, p));
    return earns.indexOf(Math.max(...earns));
  }

  // The state, and what changes it

  const state = { order: 12, depth: 0 };
  const packs = (number) => `${number} packs`;
  const percent = (depth) => `${(100 * depth).toFixed(0)}%`;

  function slider(name, label, to, step, text) {
    const move = (value) => {
      state[name] = value;
      show();
    };
    return live.slider({ label, from: 0, to, step, value: state[name], text, move });
  }
  const order = slider("order", "Packs ordered a week", 60, 1, packs);
  const depth = slider("depth", "Discount", 0.35, 0.01, percent);
  const find = live.button("Order what earns most", () => {
    state.order = Math.min(60, bestOrder(state.depth, chances(wanted(state.depth))));
    order.set(state.order);
    show();
  });

  // What is shown

  const shelves = html("div", { class: "live-chart" });
  const earnings = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);
  const dollars = (number) => `${number < 0 ? "\u2212" : ""}$${Math.abs(number).toFixed(2)}`;

  function drawWeeks(asked) {
    const most = Math.max(60, ...asked) + 4;
    const x = { range: [0.4, LUCK.length + 0.6], label: "week", ticks: [1, 5, 10, 15, 20] };
    const y = { range: [0, most], label: "packs" };
    const chart = live.chart({ width: shelves.clientWidth, height: HEIGHT, x, y });
    asked.forEach((number, k) => {
      const bar = (css, height) =>
        chart.add("rect", {
          class: css,
          x: chart.x(k + 0.7),
          width: chart.x(k + 1.3) - chart.x(k + 0.7),
          y: chart.y(height),
          height: chart.y(0) - chart.y(height),
        });
      bar("shelf-wanted", number);
      bar("shelf-sold", Math.min(number, state.order));
    });
    chart.line([[0.4, state.order], [LUCK.length + 0.6, state.order]], "shelf-order");
    shelves.replaceChildren(chart.drawing);
  }

  function drawProfit(p) {
    const orders = Array.from({ length: 61 }, (_, k) => [k, expectedProfit(k, state.depth, p)]);
    const heights = orders.map(([, height]) => height);
    const x = { range: [0, 60], label: "order, packs a week" };
    const range = [Math.min(-10, ...heights), Math.max(10, ...heights) * 1.1];
    const y = { range, label: "expected profit a week, $" };
    const chart = live.chart({ width: earnings.clientWidth, height: HEIGHT, x, y });
    chart.line([[0, 0], [60, 0]], "shelf-nothing");
    chart.line(orders, "shelf-profit");
    const here = heights[state.order];
    chart.add("circle", { class: "shelf-dot", cx: chart.x(state.order), cy: chart.y(here), r: 6 });
    earnings.replaceChildren(chart.drawing);
    return here;
  }

  function show() {
    const p = chances(wanted(state.depth));
    const asked = weeks(p);
    drawWeeks(asked);
    const here = drawProfit(p);
    const sum = (list) => list.reduce((so, one) => so + one, 0);
    const sold = sum(asked.map((number) => Math.min(number, state.order)));
    const lost = sum(asked) - sold;
    const left = state.order * asked.length - sold;
    const empty = asked.filter((number) => number >= state.order).length;
    const earned = asked.length * profit(state.order, sold / asked.length, state.depth);
    words.textContent =
      `Order ${state.order} packs with ${percent(state.depth)} off. In twenty weeks ${sold} are ` +
      `sold, ${lost} are wanted in vain, ${left} are left over, and the shelf runs empty ` +
      `${empty} times. That earns ${dollars(earned)}; expect ${dollars(here)} a week.`;
    say(`${sold} sold, ${lost} lost, ${left} left over, ${dollars(earned)} earned.`);
  }

  place.append(
    html("div", { class: "live-pair" }, shelves, earnings),
    html("div", { class: "live-pair" }, order.element, depth.element),
    html("p", { class: "live-buttons" }, find),
    words,
  );
  live.fitted(shelves, show);
});
