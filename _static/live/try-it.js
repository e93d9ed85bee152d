/* The page "In your browser": choose a user, see the coupons, move one thing and see what moves. */
"use strict";

live.mount("try-it", (place) => {
  const { html } = live;
  const { percent, exact, cents, SLIDERS } = words;
  const { users, stranger, coupons } = couponModel;
  const { OF_COUPON, OF_USER, OF_MONEY } = whatIf;
  const BEST = 6; // coupons in the short table
  const HEIGHT = 230; // of the chart

  const named = (offer) => words.title(coupons[offer.coupon].category);
  const brief = ({ sent }) => (sent ? `${named(sent.offer)}, ${cents(sent.profit)}` : "no coupon");

  // The state, and what changes it

  const state = { user: null, chosen: null, moved: new Map(), subject: OF_COUPON[0], all: false };
  const rankedWith = (moved) => whatIf.ranked(state.user, state.chosen, moved);
  const current = (subject) => whatIf.current(subject, state.user, state.chosen, state.moved);

  function pick(user) {
    Object.assign(state, { user, chosen: null, subject: OF_COUPON[0] });
    state.moved.clear();
    state.chosen = rankedWith(state.moved)[0].offer;
    showUser();
    showControls();
    show();
  }

  function choose(offer) {
    for (const { name } of OF_COUPON) state.moved.delete(name);
    state.chosen = offer;
    showControls();
    show();
  }

  function show() {
    const rows = rankedWith(state.moved);
    const decision = whatIf.decided(state.user, rows, state.moved);
    showChoice(decision);
    showTable(rows, decision);
    showCurve(rows);
    showNow(rows, decision);
  }

  // The user

  const picker = html("select", { id: "try-user" });
  picker.append(
    ...users.map(({ id }, k) => html("option", { value: k }, `User ${id}`)),
    html("option", { value: "stranger" }, "A user whom you compose"),
  );
  picker.addEventListener("change", () => pick(users[picker.value] ?? stranger));
  const about = html("p", { class: "try-about" });
  const FACTS = ["user_trips_per_week", "user_spend_per_week", "user_recency"];
  FACTS.push("user_redemption_recency");

  function showUser() {
    const facts = FACTS.map((name) => {
      const [label, text] = SLIDERS[name];
      return `${label.toLowerCase()}: ${text(current(OF_USER.find((one) => one.name === name)))}`;
    });
    about.textContent =
      state.user === stranger
        ? "Nothing is known of this user yet: no trip, no purchase, no redemption. Make one up."
        : `${facts.join("; ")}. ${state.user.offers.length} coupons to choose from.`;
  }

  // The choice

  const say = live.speaker(place);
  const summary = html("p", { class: "try-choice" });
  const before = html("span");
  const reset = live.button("Move everything back", () => pick(state.user));

  function showChoice(decision) {
    const { best, sent, why } = decision;
    if (sent) {
      const letter = cents(current(OF_MONEY[1]));
      summary.replaceChildren(
        html("strong", {}, `Send the coupon for ${named(sent.offer)}.`),
        ` ${exact(sent.redeemed)} of ${cents(sent.worth)}, less ${letter} for the letter, is `,
        html("strong", { class: "money" }, cents(sent.profit)),
        `. The user ${setByHand(sent) ?? why}.`,
      );
    } else {
      const rest = `: ${why}. The best is the one for ${named(best.offer)}, ${cents(best.profit)}.`;
      summary.replaceChildren(html("strong", {}, "Send no coupon"), rest);
    }
    const unmoved = whatIf.decided(state.user, rankedWith(new Map()), new Map());
    before.textContent = state.moved.size
      ? `Before you moved anything: ${brief(unmoved)}.`
      : "Nothing is moved yet.";
    reset.hidden = !state.moved.size;
    say(`Choice: ${brief(decision)}.`);
  }

  /** What speaks for an offer whose recency was moved; its other facts may contradict that. */
  function setByHand({ offer }) {
    const recency = state.moved.get("match_recency");
    if (offer !== state.chosen || recency === undefined) return null;
    const bought = recency < 365 ? `last bought its items ${words.ago(recency)}` : "never bought any";
    return `${bought}, as you set it`;
  }

  // The coupons

  const table = html("div", { class: "try-table" });
  const HEADS = ["coupon", "p(bought)", "p(redeemed | bought)", "probability"];
  HEADS.push("worth if redeemed", "expected profit");
  const CAPTION =
    "The coupons by expected profit. The marked one is the one that you can change below.";

  function showTable(rows, { sent }) {
    const inTable = (row, rank) => state.all || rank < BEST || row.offer === state.chosen;
    const shown = rows.filter(inTable);
    const lines = shown.map((row) => line(row, row === sent));
    const worthIt = shown.filter((row) => row.profit > 0).length;
    const none = tableRow("No coupon", ["–", "–", "–", "–", cents(0)], !sent, false);
    lines.splice(worthIt, 0, none);
    const focused = table.querySelector("input:focus");
    table.replaceChildren(live.table(HEADS, lines, html("caption", {}, CAPTION)));
    if (rows.length > BEST) table.append(toggle(rows.length));
    if (focused) table.querySelector("input:checked").focus();
  }

  function line(row, isSent) {
    const radio = html("input", { type: "radio", name: "try-coupon" });
    radio.checked = row.offer === state.chosen;
    radio.addEventListener("change", () => choose(row.offer));
    const number = html("small", {}, ` ${coupons[row.offer.coupon].id}`);
    const name = html("label", {}, radio, html("span", {}, named(row.offer), number));
    const chances = [row.bought, row.ifBought, row.redeemed].map(percent);
    const money = [row.worth, row.profit].map(cents);
    return tableRow(name, [...chances, ...money], isSent, row.profit <= 0);
  }

  function tableRow(name, numbers, isSent, isLoss) {
    const head = html("th", { scope: "row" }, name, isSent ? html("em", {}, "sent") : "");
    const look = isSent ? "try-sent" : isLoss ? "try-loss" : "";
    return html("tr", { class: look }, head, ...numbers.map((text) => html("td", {}, text)));
  }

  function toggle(count) {
    return live.button(state.all ? `Show the best ${BEST}` : `Show all ${count} coupons`, () => {
      state.all = !state.all;
      show();
      table.querySelector("button").focus();
    });
  }

  // What can be moved

  const composer = html("fieldset", { class: "try-composer" });
  const subjects = html("select", { id: "try-subject" });
  const handle = html("div", { class: "try-handle" });
  const now = html("p", { class: "try-now" });

  function sliderOf(subject) {
    const { name, stops } = subject;
    const [label, put] = SLIDERS[name];
    const start = current(subject); // it may lie between two stops
    const distances = stops.map((stop) => Math.abs(stop - start));
    const value = distances.indexOf(Math.min(...distances));
    const text = (stop) => put(stop === value && !state.moved.has(name) ? start : stops[stop]);
    const move = (stop) => {
      state.moved.set(name, stops[stop]);
      show();
    };
    return live.slider({ label, from: 0, to: stops.length - 1, step: 1, value, text, move })
      .element;
  }

  function showControls() {
    const composed = state.user === stranger;
    composer.hidden = !composed;
    composer.replaceChildren();
    if (composed) composer.append(html("legend", {}, "The user"), ...OF_USER.map(sliderOf));
    const group = (label, list) => {
      const option = ({ name }) => html("option", { value: name }, SLIDERS[name][0]);
      return html("optgroup", { label }, ...list.map(option));
    };
    subjects.replaceChildren(
      group(`The coupon for ${named(state.chosen)}`, OF_COUPON),
      ...(composed ? [] : [group("The user", OF_USER)]),
      group("Money", composed ? OF_MONEY.slice(0, 2) : OF_MONEY), // the letters are for the forty
    );
    subjects.value = state.subject.name;
    handle.replaceChildren(sliderOf(state.subject));
  }

  subjects.addEventListener("change", () => {
    const all = [...OF_COUPON, ...OF_USER, ...OF_MONEY];
    state.subject = all.find(({ name }) => name === subjects.value);
    handle.replaceChildren(sliderOf(state.subject));
    show();
  });

  function showNow(rows, decision) {
    const { redeemed, profit } = rows.find((row) => row.offer === state.chosen);
    const numbers = `probability ${percent(redeemed)}, expected profit ${cents(profit)}`;
    const sent = html("strong", {}, brief(decision));
    now.replaceChildren(`${named(state.chosen)}: ${numbers}. Sent: `, sent, ".");
  }

  // The chart above the slider: what would be at each of its stops

  const chart = html("div", { class: "live-chart" });
  const keys = html("p", { class: "live-keys" });
  const meaning = html("p", { class: "try-meaning" });
  const key = (css, text) => html("span", { class: css }, text);

  function showCurve(rows) {
    if (!chart.clientWidth) return;
    if (state.subject.name === "letters") showLetters(rows);
    else showProfit();
  }

  let cached = { of: null, points: null };
  /** The profit of the chosen coupon and the best of the others at each stop of the slider. */
  function profits({ name, stops }) {
    const others = new Map([...state.moved].filter(([other]) => other !== name));
    const of = JSON.stringify([state.user.id, state.chosen.coupon, name, [...others]]);
    if (cached.of === of) return cached.points;
    const points = stops.map((stop) => {
      const rows = rankedWith(new Map([...others, [name, stop]]));
      const ours = rows.findIndex((row) => row.offer === state.chosen);
      const [best] = rows.filter((_, rank) => rank !== ours);
      return { ours: 100 * rows[ours].profit, best: 100 * best.profit };
    });
    cached = { of, points };
    return points;
  }

  function showProfit() {
    const { name, stops } = state.subject;
    const points = profits(state.subject);
    const heights = [0, ...points.flatMap(({ ours, best }) => [ours, best])];
    const range = [Math.min(...heights) - 0.05, Math.max(...heights) + 0.05];
    const width = chart.clientWidth;
    const last = stops.length - 1;
    const parts = width < 480 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1];
    const ticks = parts.map((part) => Math.round(part * last));
    const text = (stop) => SLIDERS[name][1](stops[stop]);
    const x = { range: [0, last], ticks, text, label: "" };
    const drawn = live.chart({
      width,
      height: HEIGHT,
      x,
      y: { range, label: "expected profit, ¢" },
    });
    const curve = (of) => points.map((point, stop) => [stop, point[of]]);
    drawn.line(curve("best"), "try-others");
    drawn.line(
      [
        [0, 0],
        [last, 0],
      ],
      "try-none",
    );
    drawn.line(curve("ours"), "try-ours");
    const { profit } = whatIf.answer(state.user, state.chosen, state.chosen, state.moved);
    const at = { cx: drawn.x(placeOf(current(state.subject), stops)), cy: drawn.y(100 * profit) };
    drawn.add("circle", { class: "try-dot", r: 6, ...at });
    chart.replaceChildren(drawn.drawing);
    keys.replaceChildren(
      key("try-key-ours", `the coupon for ${named(state.chosen)}`),
      key("try-key-others", "the best of the others"),
      key("try-key-none", "no coupon"),
    );
    meaning.textContent = words.meaning(name);
  }

  /** Where a value stands among ascending stops, counted from 0. */
  function placeOf(value, stops) {
    const after = stops.findIndex((stop) => stop >= value);
    if (after <= 0) return after === 0 ? 0 : stops.length - 1;
    return after - (stops[after] - value) / (stops[after] - stops[after - 1]);
  }

  function showLetters(rows) {
    const values = whatIf.crowd(state.user, rows[0], state.moved);
    const order = values.map((_, user) => user).sort((a, b) => values[b] - values[a]);
    const mailed = choice.mailed(values, current(state.subject));
    const x = { range: [0, users.length], label: "users, the most profitable first" };
    const y = { range: [0, 100 * values[order[0]]], label: "profit of a user's best coupon, ¢" };
    const drawn = live.chart({ width: chart.clientWidth, height: HEIGHT, x, y });
    order.forEach((user, rank) => {
      const look = [
        "try-bar",
        mailed.has(user) && "try-mailed",
        users[user] === state.user && "try-mine",
      ];
      const top = drawn.y(100 * values[user]) - 1;
      const size = { width: drawn.x(1) - drawn.x(0) - 2, height: drawn.box.bottom - top };
      drawn.add("rect", {
        class: look.filter(Boolean).join(" "),
        x: drawn.x(rank) + 1,
        y: top,
        ...size,
      });
    });
    chart.replaceChildren(drawn.drawing);
    keys.replaceChildren(key("try-key-mailed", "gets a letter"), key("try-key-mine", "this user"));
    const worth = [...mailed].reduce((sum, user) => sum + values[user], 0);
    meaning.textContent = words.letters(mailed.size, worth, values[order[mailed.size]] ?? 0);
  }

  const control = (id, label, select) =>
    html("p", { class: "try-pick" }, html("label", { for: id }, label), select);
  place.append(
    control("try-user", "User", picker),
    about,
    composer,
    summary,
    html("p", { class: "try-back" }, before, reset),
    table,
    control("try-subject", "Move", subjects),
    chart,
    handle,
    now,
    keys,
    meaning,
  );
  pick(users[0]);
  live.fitted(chart, () => showCurve(rankedWith(state.moved)));
});
