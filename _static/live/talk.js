/* Chapter 25: a conversation with the replies of the chapter, and what the assistant believes. */
"use strict";

live.mount("talk", (place) => {
  const { html, button } = live;
  const MESSAGES = {
    hello: ["hello", "hello"],
    milk: ["Do you have oat milk?", "product"],
    coupons: ["Any coupons?", "coupons"],
    why: ["Why did I get these coupons?", "why"],
    use: ["How do I use it?", "use"],
    thanks: ["thanks", "thanks"],
    nonsense: ["asdf jkl", "unknown"],
    late: ["My order is late", "complaint"],
  };
  const READ = "A colleague reads what you wrote.";
  const SAYS = {
    hello: "Hello! I can tell you about coupons, how to use them, and why they were chosen.",
    product: "I know coupons, not products. Shall I bring in a colleague?",
    coupons: "You have:",
    why: "Why these coupons were chosen for you, as far as I know:",
    use: "Coupons are shown at the till, in the app or on paper: whether one counts is decided there.",
    thanks: "Thank you for writing to us.",
    unknown:
      'I did not understand that. Say "coupons" to see coupons, "stop" to get none, or ask for a ' +
      "colleague.",
    complaint: `I am sorry that I cannot settle this myself. ${READ}`,
    person: READ,
    waiting: "A colleague has this conversation, and gets what you write.",
    offer: "By the way, you have:",
  };
  const BETWEEN = ["hello", "product", "thanks"];
  const TELLS = {
    hello: [0.25, 0.25, 0.1],
    product: [0.22, 0.45, 0.1],
    use: [0.32, 0.05, 0.03],
    why: [0.03, 0.1, 0.05],
    thanks: [0.12, 0.05, 0.02],
    unknown: [0.04, 0.08, 0.15],
    complaint: [0.02, 0.02, 0.55],
  };
  const GAIN = [-0.9, 0.6, -1.2];
  const LEAVES = 0.25;
  const COUPONS = [
    ["coffee", "25% off coffee, until 26 November 2017", "you buy these"],
    ["oat milk", "0.50 off oat milk, until 3 December 2017", "you buy others of their kind"],
  ];
  const KINDS = ["decided", "undecided", "upset"];

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
    const found = { replies: [], intents: [], shown: COUPONS, quiet: false, left: false };
    for (const name of said) found.replies.push(reply(name, MESSAGES[name][1], found));
    return found;
  }

  function reply(name, intent, found) {
    found.heard = intent;
    if (found.left) return SAYS.waiting;
    const before = found.intents.filter((each) => !BETWEEN.includes(each)).at(-1);
    found.intents.push(intent);
    if (intent === "coupons" || intent === "why") {
      if (intent === "coupons") found.shown = COUPONS;
      found.offered = found.quiet = true;
      const line = ([, off, why]) => `\n– ${off}${intent === "why" ? ` (${why})` : ""}`;
      return SAYS[intent] + found.shown.map(line).join("");
    }
    found.left = intent === "complaint" || (intent === "unknown" && before === "unknown");
    found.quiet ||= found.left || intent === "unknown";
    const says = SAYS[found.left && intent === "unknown" ? "person" : intent];
    if (found.quiet || !offerNow(found.intents)) return says;
    found.offered = found.quiet = true;
    found.shown = [COUPONS[name === "milk" ? 1 : 0]];
    return `${says}\n${SAYS.offer}\n– ${found.shown[0][1]}`;
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
  const prompts = Object.entries(MESSAGES).map(([name, [words]]) =>
    button(words, () => {
      state.said.push(name);
      show();
      aloud(talk.lastChild.textContent);
    }),
  );
  const again = button("Start again", () => {
    state.said = ["hello"];
    show();
  });
  const buttons = html("div", { class: "live-buttons" }, ...prompts, again);

  const talk = html("div", { class: "talk-words" });
  const bars = html("div", { class: "talk-bars" });
  const words = html("p", { class: "live-words" });
  const aloud = live.speaker(place);

  function show() {
    const found = conversation(state.said);
    const turns = state.said.flatMap((said, turn) => [
      html("p", { class: "talk-customer" }, html("strong", {}, "You: "), MESSAGES[said][0]),
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

  place.append(undecided.element, talk, buttons, bars, words);
  show();
});
