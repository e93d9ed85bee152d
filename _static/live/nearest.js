/* Chapter 23: type a product, and see what is near to it by three kinds of vectors. */
"use strict";

live.mount("nearest", (place) => {
  const { html, button } = live;
  const NAMES = { words: "Counted words", others: "From the web", own: "Our own baskets" };
  const state = { kind: nearTo.kinds.findIndex((kind) => kind.includes("YOGURT")) };

  /** The first kind that holds every word that was typed, in any order; none if there is none. */
  function found(typed) {
    const asked = typed.toUpperCase().split(/\s+/).filter(Boolean);
    if (!asked.length) return -1;
    return nearTo.kinds.findIndex((kind) => asked.every((word) => kind.includes(word)));
  }

  const input = html("input", { type: "text", "aria-label": "Product", list: "near-kinds" });
  const options = nearTo.kinds.map((kind) => html("option", { value: kind }));
  const hint = html("p");
  const go = button("Find", () => find());
  const form = html("form", { class: "talk-form live-buttons" }, input, go);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  const next = button("Another product", () => {
    state.kind = (state.kind + 37) % nearTo.kinds.length;
    show();
  });
  const lists = html("div");
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);

  function find() {
    const kind = found(input.value);
    hint.textContent = kind < 0 ? "None of the 150 best-selling kinds has these words." : "";
    if (kind < 0) return say(hint.textContent);
    state.kind = kind;
    show();
  }

  function bars(name) {
    const rows = nearTo[name][state.kind].map(([kind, cosine]) => {
      const bar = html("span", { class: "near-bar" });
      bar.style.width = `${100 * Math.max(0, cosine)}%`;
      return html("div", {}, `${nearTo.kinds[kind]} ${cosine.toFixed(2)}`, bar);
    });
    return html("div", { class: "near-list" }, html("strong", {}, NAMES[name]), ...rows);
  }

  function show() {
    input.value = nearTo.kinds[state.kind];
    hint.textContent = "";
    lists.replaceChildren(...Object.keys(NAMES).map(bars));
    const first = (name) => nearTo.kinds[nearTo[name][state.kind][0][0]];
    words.textContent =
      `Nearest to ${nearTo.kinds[state.kind]}: ${first("words")} by counted words, ` +
      `${first("others")} by vectors from the web, ${first("own")} by our own baskets.`;
    say(words.textContent);
  }

  place.append(
    form,
    html("datalist", { id: "near-kinds" }, ...options),
    html("p", { class: "live-buttons" }, next),
    hint,
    lists,
    words,
  );
  show();
});
