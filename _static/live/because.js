/* Chapter 19: why this coupon, for a user whom the reader composes, by the model of the page. */
"use strict";

live.mount("because", (place) => {
  const { html } = live;
  const { users, stranger, coupons, columns } = couponModel;
  const { OF_COUPON, OF_USER } = whatIf;
  const FEW = 8; // others to compare with
  const ofUser = OF_USER.filter(({ name }) => /redemption|trips/.test(name));
  const MOVED = [...OF_COUPON.slice(1), ...ofUser];
  const predict = coupled.scorer(couponModel);
  const logP = (offer) => Math.log(predict(offer).redeemed);
  const state = { user: users[0], chosen: null, moved: new Map(), rivals: true };
  const named = (offer) => words.title(coupons[offer.coupon].category);

  const spread = (list) => {
    if (list.length <= FEW) return list;
    const middle = (k) => list[Math.floor(((k + 0.5) * list.length) / FEW)];
    return Array.from({ length: FEW }, (_, k) => middle(k));
  };
  const NONE = new Map();
  const everybody = spread(users).map((user, k) =>
    whatIf.answer(user, user.offers[(7 * k) % user.offers.length], null, NONE).read,
  );

  function found() {
    const { read } = whatIf.answer(state.user, state.chosen, state.chosen, state.moved);
    const rest = whatIf
      .ranked(state.user, state.chosen, state.moved)
      .filter(({ offer }) => offer !== state.chosen)
      .sort((a, b) => a.redeemed - b.redeemed);
    const others = state.rivals ? spread(rest).map((row) => row.read) : everybody;
    return credit.shared(logP, read, others, columns);
  }

  // What is chosen

  const picker = html("select", { id: "because-user" });
  picker.append(
    ...users.map(({ id }, k) => html("option", { value: k }, `User ${id}`)),
    html("option", { value: "stranger" }, "A user whom you compose"),
  );
  const offers = html("select", { id: "because-coupon" });
  const others = html("select", { id: "because-others" });
  others.append(
    html("option", { value: "rivals" }, "the user's other coupons"),
    html("option", { value: "everybody" }, "offers to everybody"),
  );
  const handles = html("div", { class: "live-pair" });

  function slider(subject) {
    const { name, stops } = subject;
    const [label, put] = words.SLIDERS[name];
    const now = whatIf.current(subject, state.user, state.chosen, state.moved);
    const away = stops.map((stop) => Math.abs(stop - now));
    const value = away.indexOf(Math.min(...away));
    const text = (stop) => put(stops[stop]);
    const move = (stop) => {
      state.moved.set(name, stops[stop]);
      show();
    };
    return live.slider({ label, from: 0, to: stops.length - 1, step: 1, value, text, move })
      .element;
  }

  function choose(offer) {
    state.chosen = offer;
    for (const { name } of OF_COUPON) state.moved.delete(name);
    handles.replaceChildren(...MOVED.map(slider));
    show();
  }

  function pick(user) {
    state.user = user;
    state.moved.clear();
    const best = whatIf.ranked(user, null, NONE).slice(0, 10);
    offers.replaceChildren(
      ...best.map(({ offer }, k) => html("option", { value: k }, `${k + 1}. ${named(offer)}`)),
    );
    offers.onchange = () => choose(best[offers.value].offer);
    choose(best[0].offer);
  }
  picker.addEventListener("change", () => pick(users[picker.value] ?? stranger));
  others.addEventListener("change", () => {
    state.rivals = others.value === "rivals";
    show();
  });

  // What is shown

  const chart = html("div", { class: "live-chart" });
  const said = html("p", { class: "live-words" });
  const say = live.speaker(place);

  function show() {
    const account = found();
    credit.draw(chart, account.topics);
    const [topic, most] = Object.entries(account.topics).sort((a, b) => b[1] - a[1])[0];
    const typical = state.rivals ? "one of the user's other coupons" : "an offer to anybody";
    const because =
      most > 1e-9
        ? `What speaks for it most is ${credit.TEXTS[topic]}, ${credit.times(most)}.`
        : "Nothing speaks for it.";
    const parts = credit.TOPICS.map((name) => `${name} ${credit.times(account.topics[name])}`);
    said.textContent =
      `The coupon for ${named(state.chosen)} has a probability of ` +
      `${words.exact(Math.exp(account.score))}; ${typical} typically has ` +
      `${words.exact(Math.exp(account.others))}. ${because} (${parts.join(", ")}.)`;
    say(because);
  }

  const control = (id, label, select) =>
    html("p", { class: "try-pick" }, html("label", { for: id }, label), select);
  place.append(
    control("because-user", "User", picker),
    control("because-coupon", "Coupon", offers),
    control("because-others", "Compared with", others),
    handles,
    chart,
    said,
  );
  pick(users[0]);
  live.fitted(chart, show);
});
