/* The page "In your browser": choose a user, see the coupons, move one thing and see what moves. */
"use strict";

live.mount("try-it", (place) => {
  const { html, svg } = live;
  const { users, stranger, coupons } = couponModel;
  const { OF_COUPON, OF_USER, OF_MONEY } = whatIf;
  const BEST = 6; // coupons in the short table
  const HEIGHT = 230; // of the chart

  // Words

  const percent = (p) => `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)}%`;
  const cents = (dollars) => `${(100 * dollars).toFixed(2).replace("-", "\u2212")} ¢`;
  const dollars = (digits) => (amount) => `$${amount.toFixed(digits)}`;
  const times = (digits) => (number) => number.toFixed(digits);
  const ago = (days) => (days >= 365 ? "never" : days === 1 ? "1 day ago" : `${Math.round(days)} days ago`);
  const title = (words) => words[0] + words.slice(1).toLowerCase();
  const named = (offer) => title(coupons[offer.coupon].category);

  const WORDS = {
    coupon_discount: ["Its discount", dollars(2)],
    match_recency: ["This user last bought its items", ago],
    match_lines_per_week: ["This user buys its items, times a week", times(2)],
    user_recency: ["Last trip to the shop", ago],
    user_trips_per_week: ["Trips to the shop, times a week", times(1)],
    user_spend_per_week: ["Spend a week", dollars(0)],
    user_coupon_share: ["Purchases made with a coupon", percent],
    user_redemption_rate: ["Redemptions per campaign mailed", times(2)],
    user_redemption_recency: ["Last redemption", ago],
    incremental: ["Share of redemptions that the coupon causes", percent],
    contact: ["Cost of a letter", cents],
    letters: ["Letters for the 40 users", (number) => String(number)],
  };

  const ALONE =
    "Only this number moves; all others stay as they are. A user for whom it had really changed would differ in " +
    "others too, so the curve says what the model makes of this number, and the farther from the dot, the less it has seen.";
  const MEANING = {
    coupon_discount:
      "A discount counts twice: in the probability, and in what a redemption costs. " +
      "Nobody drew these discounts at random, so the curve shows what goes with a discount, not what a discount does. " +
      "Only this number moves; the discount's share of the price stays.",
    incremental: "This is an assumption about money, not a feature: no probability moves.",
    contact: "This is a cost, not a feature: no probability moves. Every coupon loses the same, and “no coupon” loses nothing.",
  };

  // State

  const state = { user: null, chosen: null, moved: new Map(), subject: OF_COUPON[0], all: false };
  const rankedNow = (moved = state.moved) => whatIf.ranked(state.user, state.chosen, moved);
  const decidedNow = (rows, moved = state.moved) => whatIf.decided(state.user, rows, moved);

  function pick(user) {
    Object.assign(state, { user, chosen: null, subject: OF_COUPON[0] });
    state.moved.clear();
    state.chosen = rankedNow()[0].offer;
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

  function move(subject, stop) {
    state.moved.set(subject.name, subject.stops[stop]);
    show();
  }

  // The user

  const picker = html("select", { id: "try-user", onchange: () => pick(users[picker.value] ?? stranger) });
  picker.append(
    ...users.map(({ id }, k) => html("option", { value: k }, `User ${id}`)),
    html("option", { value: "stranger" }, "A user whom you compose"),
  );
  const about = html("p", { class: "try-about" });

  function showUser() {
    const fact = (name) => {
      const [words, text] = WORDS[name];
      const subject = OF_USER.find((one) => one.name === name);
      return `${words.toLowerCase()}: ${text(whatIf.current(subject, state.user, state.chosen, state.moved))}`;
    };
    const names = ["user_trips_per_week", "user_spend_per_week", "user_recency", "user_redemption_recency"];
    about.textContent =
      state.user === stranger
        ? "Nothing is known of this user yet: no trip, no purchase, no redemption. The sliders below make one up."
        : `${names.map(fact).join("; ")}. ${state.user.offers.length} coupons to choose from.`;
  }

  // The choice

  const say = live.speaker(place);
  const summary = html("p", { class: "try-choice" });
  const before = html("p", { class: "try-before" });
  const brief = ({ sent }) => (sent ? `${named(sent.offer)}, ${cents(sent.profit)}` : "no coupon");

  function showChoice(decision) {
    const { best, sent, why } = decision;
    if (sent) {
      const contact = whatIf.current(OF_MONEY[1], state.user, state.chosen, state.moved);
      summary.replaceChildren(
        html("strong", {}, `Send the coupon for ${named(sent.offer)}.`),
        ` ${percent(sent.redeemed)} of ${cents(sent.worth)}, less ${cents(contact)} for the letter, is `,
        html("strong", { class: "money" }, cents(sent.profit)),
        `. The user ${setByHand(sent) ?? why}.`,
      );
    } else {
      const rest = `: ${why}. The best would be the one for ${named(best.offer)}, at ${cents(best.profit)}.`;
      summary.replaceChildren(html("strong", {}, "Send no coupon"), rest);
    }
    const unmoved = decidedNow(rankedNow(new Map()), new Map());
    before.textContent = state.moved.size ? `Before you moved anything: ${brief(unmoved)}.` : "Nothing is moved yet.";
    reset.hidden = !state.moved.size;
    say(`Choice: ${brief(decision)}.`);
  }

  /** What speaks for an offer whose recency was moved: other facts may contradict it. */
  function setByHand({ offer }) {
    const recency = state.moved.get("match_recency");
    const moved = offer === state.chosen && recency !== undefined;
    return moved ? `bought its items ${recency < 365 ? "last " : ""}${ago(recency)}, as you set it` : null;
  }

  const reset = html("button", { type: "button", onclick: () => pick(state.user) }, "Move everything back");

  // The coupons

  const table = html("div", { class: "try-table" });
  const HEADS = ["coupon", "p(bought)", "p(redeemed | bought)", "probability", "worth if redeemed", "expected profit"];

  function showTable(rows, { sent }) {
    const shown = rows.filter((row, rank) => state.all || rank < BEST || row.offer === state.chosen);
    const lines = shown.map((row) => line(row, row === sent));
    lines.splice(shown.filter((row) => row.profit > 0).length, 0, emptyLine(!sent));
    const focused = table.querySelector("input:focus");
    table.replaceChildren(
      html(
        "table",
        {},
        html("caption", {}, "The coupons by expected profit. The marked one is the one that you can change below."),
        html("thead", {}, html("tr", {}, ...HEADS.map((text) => html("th", { scope: "col" }, text)))),
        html("tbody", {}, ...lines),
      ),
    );
    if (rows.length > BEST) table.append(toggle(rows.length));
    if (focused) table.querySelector("input:checked").focus();
  }

  function line(row, isSent) {
    const radio = html("input", { type: "radio", name: "try-coupon", onchange: () => choose(row.offer) });
    radio.checked = row.offer === state.chosen;
    const number = html("small", {}, ` ${coupons[row.offer.coupon].id}`);
    const name = html("label", {}, radio, html("span", {}, named(row.offer), number));
    const numbers = [percent(row.bought), percent(row.ifBought), percent(row.redeemed), cents(row.worth), cents(row.profit)];
    return tableRow(name, numbers, isSent, row.profit <= 0);
  }

  const emptyLine = (isSent) => tableRow("No coupon", ["–", "–", "–", "–", cents(0)], isSent, false);

  function tableRow(name, numbers, isSent, isLoss) {
    const mark = isSent ? html("em", {}, "sent") : "";
    return html(
      "tr",
      { class: isSent ? "try-sent" : isLoss ? "try-loss" : "" },
      html("th", { scope: "row" }, name, mark),
      ...numbers.map((text) => html("td", {}, text)),
    );
  }

  function toggle(count) {
    const text = state.all ? `Show the best ${BEST}` : `Show all ${count} coupons`;
    const flip = () => {
      state.all = !state.all;
      show();
      table.querySelector("button").focus();
    };
    return html("button", { type: "button", onclick: flip }, text);
  }

  // What can be moved

  const composer = html("fieldset", { class: "try-composer" });
  const subjects = html("select", { id: "try-subject" });
  const handle = html("div", { class: "try-handle" });
  const curve = html("div", { class: "live-chart" });
  const now = html("p", { class: "try-now" });
  const keys = html("p", { class: "live-keys" });
  const meaning = html("p", { class: "try-meaning" });

  function sliderOf(subject) {
    const [label, text] = WORDS[subject.name];
    const now = whatIf.current(subject, state.user, state.chosen, state.moved);
    const distances = subject.stops.map((stop) => Math.abs(stop - now));
    const at = distances.indexOf(Math.min(...distances));
    let first = true; // the text says where the user stands, which may lie between two stops
    const words = (stop) => {
      const said = text(first ? now : subject.stops[stop]);
      first = false;
      return said;
    };
    const last = subject.stops.length - 1;
    const { element } = live.slider({
      label, from: 0, to: last, step: 1, value: at, text: words, move: (stop) => move(subject, stop),
    });
    return element;
  }

  function showControls() {
    const composed = state.user === stranger;
    composer.hidden = !composed;
    if (composed) composer.replaceChildren(html("legend", {}, "The user"), ...OF_USER.map(sliderOf));
    const group = (label, list) =>
      html("optgroup", { label }, ...list.map(({ name }) => html("option", { value: name }, WORDS[name][0])));
    subjects.replaceChildren(
      group(`The coupon for ${named(state.chosen)}`, OF_COUPON),
      composed ? "" : group("The user", OF_USER),
      group("Money", composed ? OF_MONEY.slice(0, 2) : OF_MONEY),
    );
    subjects.value = state.subject.name;
    handle.replaceChildren(sliderOf(state.subject));
  }

  subjects.addEventListener("change", () => {
    state.subject = [...OF_COUPON, ...OF_USER, ...OF_MONEY].find(({ name }) => name === subjects.value);
    handle.replaceChildren(sliderOf(state.subject));
    show();
  });

  // The curve above the slider: what the expected profit would be at each of its stops

  function profits(subject) {
    const others = new Map(state.moved);
    return subject.stops.map((stop) => {
      others.set(subject.name, stop);
      const rows = rankedNow(others);
      const ours = rows.find((row) => row.offer === state.chosen).profit;
      return { ours, best: Math.max(...rows.filter((row) => row.offer !== state.chosen).map((row) => row.profit)) };
    });
  }

  function showCurve(rows) {
    const { subject } = state;
    const width = curve.clientWidth;
    if (!width) return;
    const found = subject.name === "letters" ? letterBars(rows, width) : profitCurve(subject, width);
    curve.replaceChildren(found);
  }

  let cached = { key: null, points: null };
  function profitCurve(subject, width) {
    const { stops, name } = subject;
    const [, text] = WORDS[name];
    const others = [...state.moved].filter(([other]) => other !== name);
    const key = JSON.stringify([users.indexOf(state.user), state.chosen.coupon, name, others]);
    if (cached.key !== key) cached = { key, points: profits(subject) };
    const { points } = cached;
    const all = points.flatMap(({ ours, best }) => [ours, best]);
    const last = stops.length - 1;
    const parts = width < 480 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1];
    const drawn = live.chart({
      width,
      height: HEIGHT,
      x: { range: [0, last], ticks: parts.map((part) => Math.round(part * last)), text: (stop) => text(stops[stop]), label: "" },
      y: { range: [Math.min(0, ...all) * 100 - 0.05, Math.max(0, ...all) * 100 + 0.05], label: "expected profit, ¢" },
    });
    const lineOf = (which, css) => drawn.line(points.map((point, k) => [k, 100 * point[which]]), { class: css });
    lineOf("best", "try-others");
    drawn.line([[0, 0], [last, 0]], { class: "try-none" });
    lineOf("ours", "try-ours");
    const stands = whatIf.current(subject, state.user, state.chosen, state.moved);
    const after = stops.findIndex((stop) => stop >= stands);
    const at = after < 0 ? last : after === 0 ? 0 : after - (stops[after] - stands) / (stops[after] - stops[after - 1]);
    const ours = whatIf.answer(state.user, state.chosen, state.chosen, state.moved).profit;
    drawn.drawing.append(svg("circle", { class: "try-dot", cx: drawn.x(at), cy: drawn.y(100 * ours), r: 6 }));
    keys.replaceChildren(
      html("span", { class: "try-key-ours" }, `the coupon for ${named(state.chosen)}`),
      html("span", { class: "try-key-others" }, "the best of the others"),
      html("span", { class: "try-key-none" }, "no coupon"),
    );
    meaning.textContent = MEANING[name] ?? ALONE;
    return drawn.drawing;
  }

  function letterBars(rows, width) {
    const values = whatIf.crowd(state.user, rows[0], state.moved);
    const order = values.map((_, user) => user).sort((a, b) => values[b] - values[a]);
    const letters = whatIf.current(state.subject, state.user, state.chosen, state.moved);
    const mailed = choice.mailed(values, letters);
    const drawn = live.chart({
      width,
      height: HEIGHT,
      x: { range: [0, users.length], label: "users, the most profitable first" },
      y: { range: [0, 100 * values[order[0]]], label: "expected profit of a user's best coupon, ¢" },
    });
    const thick = drawn.x(1) - drawn.x(0);
    order.forEach((user, rank) => {
      const top = drawn.y(100 * values[user]);
      const css = `try-bar ${mailed.has(user) ? "try-mailed" : ""} ${users[user] === state.user ? "try-mine" : ""}`;
      drawn.drawing.append(
        svg("rect", { class: css, x: drawn.x(rank) + 1, width: thick - 2, y: top - 1, height: drawn.box.bottom - top + 1 }),
      );
    });
    const worth = [...mailed].reduce((sum, user) => sum + values[user], 0);
    const next = values[order[mailed.size]] ?? 0;
    keys.replaceChildren(
      html("span", { class: "try-key-mailed" }, "gets a letter"),
      html("span", { class: "try-key-mine" }, "this user"),
    );
    meaning.textContent =
      `${mailed.size} letters earn ${cents(worth)} together; one more would earn ${cents(next)}. ` +
      "That is the price of a letter: this user gets one as long as the best coupon is worth more.";
    return drawn.drawing;
  }

  // All of it

  function show() {
    const rows = rankedNow();
    const decision = decidedNow(rows);
    showChoice(decision);
    showTable(rows, decision);
    showNow(rows, decision);
    showCurve(rows);
  }

  function showNow(rows, decision) {
    const { redeemed, profit } = rows.find((row) => row.offer === state.chosen);
    now.replaceChildren(
      `${named(state.chosen)}: probability ${percent(redeemed)}, expected profit ${cents(profit)}. `,
      "Sent: ",
      html("strong", {}, brief(decision)),
      ".",
    );
  }

  place.append(
    html("p", { class: "try-pick" }, html("label", { for: "try-user" }, "User"), picker),
    about,
    composer,
    summary,
    html("p", { class: "try-back" }, before, reset),
    table,
    html("p", { class: "try-pick" }, html("label", { for: "try-subject" }, "Move"), subjects),
    curve,
    handle,
    now,
    keys,
    meaning,
  );
  pick(users[0]);
  live.fitted(curve, () => showCurve(rankedNow()));
});
