/* Chapter 25: a conversation with the rules of the chapter, and what the assistant believes. */
"use strict";

live.mount("talk", (place) => {
  const { html, button } = live;
  const { SAYS, BETWEEN, TELLS, GAIN, LEAVES, MOST_TURNS } = hearing;
  const { OFFERING, hear, allowsOffer, meant } = hearing;
  const COUPONS = [
    ["coffee", "25% off coffee, until 26 November 2017", "you buy these"],
    ["oat milk", "0.50 off oat milk, until 3 December 2017", "you buy others of their kind"],
  ];
  const KINDS = ["decided", "undecided", "upset"];
  const FOR_A_PERSON = ["stop", "forget", "complaint", "person"];

  /** Bayes' rule: eq-kinds. */
  function believed(intents) {
    const rest = 1 - state.undecided;
    let belief = [(rest * 0.45) / 0.65, state.undecided, (rest * 0.2) / 0.65];
    for (const intent of intents) {
      belief = belief.map((share, kind) => share * (TELLS[intent] ?? [1, 1, 1])[kind]);
      const sum = belief.reduce((a, b) => a + b);
      belief = belief.map((share) => share / sum);
    }
    return belief;
  }

  const expected = (intents) => believed(intents).reduce((sum, p, kind) => sum + p * GAIN[kind], 0);

  /** Whether an offer pays, and more than waiting: eq-moment. */
  function offerNow(intents) {
    const belief = believed(intents);
    let later = 0;
    for (const [intent, chances] of Object.entries(TELLS)) {
      const chance = chances.reduce((sum, q, kind) => sum + q * belief[kind], 0);
      later += chance * Math.max(0, expected([...intents, intent]));
    }
    return expected(intents) > 0 && expected(intents) >= (1 - LEAVES) * later;
  }

  /** The whole conversation again: every reply, and the state after the last. */
  function conversation(said) {
    const found = { replies: [], intents: [], offered: false, refused: false, left: false };
    for (const words of said) found.replies.push(reply(words, found));
    return found;
  }

  function reply(words, found) {
    const last = found.intents.at(-1);
    const about = found.now || (found.shown && last !== "product" && last !== "unknown");
    const heard = hear(words, last, about);
    Object.assign(found, { heard: heard.intent, now: false }); // now: whether one was just offered
    if (found.left) return SAYS.waiting;
    const before = found.intents.filter((each) => !BETWEEN.includes(each)).at(-1);
    const twice = heard.intent === "unknown" && before === "unknown";
    found.intents = [...found.intents, heard.intent].slice(-MOST_TURNS);
    const intent = twice ? "person" : heard.intent;
    if ((found.left = FOR_A_PERSON.includes(intent))) return SAYS[intent];
    if (OFFERING.includes(intent)) {
      const listed = intent === "coupons" && !heard.which;
      let some = listed ? [] : meant(found.shown ?? [], heard);
      if (!some.length) some = meant(COUPONS, heard);
      const key = some.length ? intent : "others";
      const known = found.shown && some.length && some.every((one) => found.shown.includes(one));
      if (listed || !known) found.shown = some.length && !heard.which ? some : COUPONS;
      found.offered = true;
      const line = ([, off, why]) => `\n– ${off}${key === "why" ? ` (${why})` : ""}`;
      return SAYS[key] + (some.length ? some : COUPONS).map(line).join("");
    }
    found.refused ||= !allowsOffer(words, heard.intent);
    if (found.offered || found.refused || !offerNow(found.intents)) return SAYS[intent];
    found.offered = found.now = true;
    const best = COUPONS.find(([name]) => name === heard.product) ?? COUPONS[0];
    found.shown = [best];
    return `${SAYS[intent]}\n${SAYS.offer}\n– ${best[1]}`;
  }

  // The state, and what changes it

  const state = { undecided: 0.35, said: ["hello"] };
  const undecided = live.slider({
    label: "Customers who are undecided",
    from: 5,
    to: 95,
    step: 5,
    value: 100 * state.undecided,
    text: (share) => `${share}%`,
    move: (share) => {
      state.undecided = share / 100;
      show();
    },
  });
  function say(words) {
    if (!words.trim()) return;
    state.said.push(words.trim().slice(0, 200));
    show();
    aloud(talk.lastChild.textContent);
  }
  const field = html("input", { type: "text", maxlength: 200, "aria-label": "Your message" });
  const form = html(
    "form",
    {
      class: "live-buttons talk-form",
      onsubmit: (event) => {
        event.preventDefault();
        say(field.value);
        field.value = "";
      },
    },
    field,
    html("button", { type: "submit" }, "Say"),
    button("Start again", () => {
      state.said = ["hello"];
      show();
    }),
  );
  const ideas = ["Do you have oat milk?", "Any coupons?", "How do I use it?", "My order is late"];
  const prompts = ideas.map((idea) => button(idea, () => say(idea)));
  const buttons = html("div", { class: "live-buttons" }, ...prompts);

  const talk = html("div", { class: "talk-words" });
  const bars = html("div", { class: "talk-bars" });
  const words = html("p", { class: "live-words" });
  const aloud = live.speaker(place);

  function show() {
    const found = conversation(state.said);
    const turns = state.said.flatMap((said, turn) => [
      html("p", { class: "talk-customer" }, html("strong", {}, "You: "), said),
      html("p", { class: "talk-shop" }, html("strong", {}, "Assistant: "), found.replies[turn]),
    ]);
    talk.replaceChildren(...turns);
    const belief = believed(found.intents);
    bars.replaceChildren(
      ...KINDS.map((kind, place) => {
        const share = Math.round(100 * belief[place]);
        const bar = html("span", { class: "talk-bar", style: `width: ${share}%` });
        return html("div", {}, html("span", {}, `${kind} ${share}%`), bar);
      }),
    );
    const gain = expected(found.intents).toFixed(2).replace("-", "\u2212");
    const shown = found.offered ? "A coupon has been shown." : "Nothing has been offered.";
    const ending = found.left ? "A person has the conversation." : shown;
    const now = `An offer now would add ${gain} to profit on average.`;
    words.textContent = `Heard last: ${found.heard}. ${now} ${ending}`;
  }

  place.append(undecided.element, talk, form, buttons, bars, words);
  show();
});
