/* Chapter 11: the price of a dollar, for the forty users of the page "In your browser". */
"use strict";

live.mount("lambda", (place) => {
  const { html } = live;
  const HEIGHT = 240;
  const POINTS = 120; // of a curve

  // What each offer is worth and expected to cost, in cents: eq-offer-value, eq-expected-cost

  const { users, coupons, economics } = couponModel;
  const lists = users.map(({ offers }) =>
    offers.map(({ coupon, redeemed }) => {
      const { category, spend, discount } = coupons[coupon];
      const value = 100 * choice.profit(redeemed, spend, discount, economics);
      return { category, value, cost: 100 * redeemed * discount };
    }),
  );

  /** What each user takes at a price of a dollar, null for nothing: eq-adjusted. */
  function taken(price) {
    return lists.map((offers) => {
      const kept = offers.map(({ value, cost }) => value - price * cost);
      const best = kept.indexOf(Math.max(...kept));
      return kept[best] > 0 ? { ...offers[best], kept: kept[best] } : null;
    });
  }
  const sum = (choices, what) => choices.reduce((so, one) => so + (one ? one[what] : 0), 0);
  const spentAt = (price) => sum(taken(price), "cost");
  const boundAt = (price, budget) => price * budget + sum(taken(price), "kept"); // eq-dual

  /** The lowest price at which the users spend no more than the budget, by bisection. */
  function rightPrice(budget) {
    let [low, high] = [0, 50];
    if (spentAt(low) <= budget) return low;
    for (let halving = 0; halving < 40; halving++) {
      const middle = (low + high) / 2;
      if (spentAt(middle) > budget) low = middle;
      else high = middle;
    }
    return high;
  }

  // The state, and what changes it

  const wanted = spentAt(0);
  const state = { price: 0, budget: Math.round(wanted / 3) };
  const dearest = Math.ceil(10 * rightPrice(wanted / 10)) / 10;

  function slider(name, label, from, to, step, text) {
    const move = (value) => {
      state[name] = value;
      show();
    };
    return live.slider({ label, from, to, step, value: state[name], text, move });
  }
  const twoDigits = (number) => number.toFixed(2);
  const price = slider("price", "Price of a dollar, λ", 0, dearest, 0.01, twoDigits);
  const most = Math.ceil(wanted);
  const least = Math.ceil(wanted / 10);
  const budget = slider("budget", "Budget B", least, most, 1, (number) => `${number} ¢`);
  const find = live.button("Find the right price", () => {
    state.price = Math.ceil(100 * rightPrice(state.budget)) / 100; // at a stop of the slider
    price.set(state.price);
    show();
  });

  // What is shown

  const spending = html("div", { class: "live-chart" });
  const dual = html("div", { class: "live-chart" });
  const crowd = html("ul", { class: "lambda-users", "aria-label": "Users" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);
  const cents = (number) => `${number.toFixed(1)}\u00a0¢`;

  /** A curve against the price, with a dot where the price stands. */
  function panel(element, css, label, heightAt, lines = []) {
    const prices = Array.from({ length: POINTS + 1 }, (_, k) => (k / POINTS) * dearest);
    const points = prices.map((one) => [one, heightAt(one)]);
    const heights = [...lines, ...points.map(([, height]) => height)];
    const room = 0.05 * Math.max(...heights);
    const range = [Math.max(0, Math.min(...heights) - room), Math.max(...heights) + room];
    const x = { range: [0, dearest], label: "price λ of a dollar" };
    const width = element.clientWidth;
    const chart = live.chart({ width, height: HEIGHT, x, y: { range, label } });
    for (const line of lines) {
      chart.line([[0, line], [dearest, line]], "lambda-budget");
      const end = { x: chart.box.right, y: chart.y(line) - 6, "text-anchor": "end" };
      chart.add("text", { class: "live-axis", ...end }, "budget");
    }
    chart.line(points, css);
    const dot = { cx: chart.x(state.price), cy: chart.y(heightAt(state.price)), r: 6 };
    chart.add("circle", { class: `${css}-dot`, ...dot });
    element.replaceChildren(chart.drawing);
  }

  function user(chosen, k) {
    const what = chosen ? `takes the coupon for ${chosen.category.toLowerCase()}` : "takes none";
    const title = `User ${users[k].id} ${what}`;
    const told = html("span", { class: "live-aloud" }, title);
    return html("li", { class: chosen ? "lambda-takes" : "", title }, told);
  }

  function show() {
    const choices = taken(state.price);
    const [spent, value] = [sum(choices, "cost"), sum(choices, "value")];
    const limit = boundAt(state.price, state.budget);
    const boundHere = (one) => boundAt(one, state.budget);
    panel(spending, "lambda-spent", "face value spent, ¢", spentAt, [state.budget]);
    panel(dual, "lambda-bound", "bound on the profit, ¢", boundHere);
    crowd.replaceChildren(...choices.map(user));
    const count = choices.filter(Boolean).length;
    const verdict =
      spent > state.budget
        ? `that is ${cents(spent - state.budget)} too much`
        : `that keeps the budget, ${cents(limit - value)} below the bound`;
    words.textContent =
      `At λ = ${state.price.toFixed(2)}, ${count} of ${users.length} users take a coupon and ` +
      `spend ${cents(spent)} of ${state.budget} ¢, for a profit of ${cents(value)}: ${verdict}. ` +
      `Within the budget, no choice is worth more than ${cents(limit)}.`;
    say(`${count} users take a coupon: ${cents(spent)} spent, bound ${cents(limit)}.`);
  }

  place.append(
    html("div", { class: "live-pair" }, spending, dual),
    html("div", { class: "live-pair" }, price.element, budget.element),
    html("p", { class: "live-buttons" }, find),
    crowd,
    words,
  );
  live.fitted(spending, show);
});
