/* Chapter 11: the price of a dollar, for the forty users of the page "In your browser". */
"use strict";

live.mount("lambda", (place) => {
  const { html, svg } = live;
  const HEIGHT = 240;
  const PRICES = 120; // to draw the curves at

  // Value and expected cost of every offer, equations eq-offer-value and eq-expected-cost, in cents

  const { users, coupons, columns, economics } = couponModel;
  const at = columns.coupon.findIndex(({ name }) => name === "coupon_discount");
  const lists = users.map(({ id, offers }) => ({
    id,
    offers: offers.map(({ coupon, redeemed }) => {
      const { category, spend, coupon: own } = coupons[coupon];
      const value = 100 * choice.profit(redeemed, spend, own[at], economics);
      return { category, value, cost: 100 * redeemed * own[at] };
    }),
  }));

  /** What each user takes at a price of a dollar, null for nothing; eq-adjusted. */
  function taken(price) {
    return lists.map(({ offers }) => {
      const kept = offers.map(({ value, cost }) => value - price * cost);
      const best = kept.indexOf(Math.max(...kept));
      return kept[best] > 0 ? { ...offers[best], kept: kept[best] } : null;
    });
  }
  const sum = (choices, what) => choices.reduce((total, chosen) => total + (chosen?.[what] ?? 0), 0);
  const bound = (price, budget) => price * budget + sum(taken(price), "kept"); // eq-dual

  const wanted = sum(taken(0), "cost");
  const state = { price: 0, budget: Math.round(wanted / 3) };

  /** The lowest price at which no more than the budget is taken, by bisection. */
  function rightPrice(budget) {
    let [low, high] = [0, 50];
    if (sum(taken(0), "cost") <= budget) return 0;
    for (let k = 0; k < 40; k++) {
      const middle = (low + high) / 2;
      if (sum(taken(middle), "cost") > budget) low = middle;
      else high = middle;
    }
    return high;
  }

  const highest = Math.ceil(10 * rightPrice(Math.max(2, wanted / 10))) / 10;
  const cents = (number) => `${number.toFixed(1)} ¢`;
  const move = (name) => (value) => {
    state[name] = value;
    show();
  };
  const price = live.slider({
    label: "Price of a dollar, λ", from: 0, to: highest, step: 0.01, value: 0, text: (number) => number.toFixed(2), move: move("price"),
  });
  const budget = live.slider({
    label: "Budget B", from: 1, to: Math.ceil(wanted), step: 1, value: state.budget, text: (number) => `${number} ¢`, move: move("budget"),
  });
  const find = () => {
    state.price = Math.ceil(100 * rightPrice(state.budget)) / 100;
    price.set(state.price);
    show();
  };
  const spending = html("div", { class: "live-chart" });
  const dual = html("div", { class: "live-chart" });
  const crowd = html("ul", { class: "lambda-users", "aria-label": "Users" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);

  function panel(element, css, label, heightOf, now, level) {
    const prices = Array.from({ length: PRICES + 1 }, (_, k) => (k / PRICES) * highest);
    const points = prices.map((one) => [one, heightOf(one)]);
    const heights = [now, level ?? now, ...points.map(([, height]) => height)];
    const chart = live.chart({
      width: element.clientWidth,
      height: HEIGHT,
      x: { range: [0, highest], label: "price λ of a dollar" },
      y: { range: [level === undefined ? 0.95 * Math.min(...heights) : 0, 1.05 * Math.max(...heights)], label },
    });
    chart.line(points, { class: css });
    if (level !== undefined) {
      chart.line([[0, level], [highest, level]], { class: "lambda-budget" });
      chart.drawing.append(svg("text", { class: "live-axis", x: chart.box.right, y: chart.y(level) - 6, "text-anchor": "end" }, "budget"));
    }
    chart.drawing.append(svg("circle", { class: `${css}-dot`, cx: chart.x(state.price), cy: chart.y(now), r: 6 }));
    element.replaceChildren(chart.drawing);
  }

  function show() {
    const choices = taken(state.price);
    const [spent, value] = [sum(choices, "cost"), sum(choices, "value")];
    const limit = bound(state.price, state.budget);
    panel(spending, "lambda-spent", "face value spent, ¢", (one) => sum(taken(one), "cost"), spent, state.budget);
    panel(dual, "lambda-bound", "bound on the profit, ¢", (one) => bound(one, state.budget), limit);
    crowd.replaceChildren(
      ...choices.map((chosen, k) => {
        const what = chosen ? `takes the coupon for ${chosen.category.toLowerCase()}` : "takes none";
        const told = html("span", { class: "live-aloud" }, `User ${lists[k].id} ${what}`);
        return html("li", { class: chosen ? "lambda-takes" : "", title: `User ${lists[k].id} ${what}` }, told);
      }),
    );
    const count = choices.filter(Boolean).length;
    const fits = spent <= state.budget;
    const verdict = fits
      ? `That keeps the budget, and is within ${cents(limit - value)} of the bound`
      : `That is ${cents(spent - state.budget)} too much`;
    words.textContent =
      `At λ = ${state.price.toFixed(2)}, ${count} of ${lists.length} users take a coupon. They spend ${cents(spent)} of ${state.budget} ¢, ` +
      `for a profit of ${cents(value)}. ${verdict}: within the budget, no allocation is worth more than ${cents(limit)}.`;
    say(`${count} users take a coupon, ${cents(spent)} spent, bound ${cents(limit)}.`);
  }

  place.append(
    html("div", { class: "live-pair" }, spending, dual),
    html("div", { class: "live-pair" }, price.element, budget.element),
    html("p", { class: "live-buttons" }, html("button", { type: "button", onclick: find }, "Find the right price")),
    crowd,
    words,
  );
  live.fitted(spending, show);
});
