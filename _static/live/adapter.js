/* Chapter 27: how much of a difference between two screens two thin matrices catch. */
"use strict";

live.mount("adapter", (place) => {
  const { html, svg } = live;
  const SIZE = 12;
  const FADES = 0.75; // each way in which the screens differ, beside the one before
  const numbers = Array.from({ length: SIZE }, (_, k) => k);

  /** Directions at right angles to each other, of length 1: cosines of 0, 1, 2, ... half waves. */
  const wave = (k, i) =>
    Math.sqrt((k ? 2 : 1) / SIZE) * Math.cos((Math.PI * k * (i + 0.5)) / SIZE);
  const strength = (k) => FADES ** k;

  /** The sum of the first ways: what the best product of matrices so thin can be. */
  function cells(ways) {
    const used = numbers.slice(0, ways);
    const one = (i, j) => (sum, k) => sum + strength(k) * wave(k + 1, i) * wave(SIZE - 1 - k, j);
    return numbers.map((i) => numbers.map((j) => used.reduce(one(i, j), 0)));
  }
  /** The share of the squares of the difference that a rank leaves. */
  function left(ways, rank) {
    const squares = numbers.slice(0, ways).map((k) => strength(k) ** 2);
    const sum = (some) => some.reduce((a, b) => a + b, 0);
    return sum(squares.slice(rank)) / sum(squares);
  }

  // The state, and what changes it

  const state = { ways: 4, rank: 1 };
  function slider(name, label, to) {
    const move = (value) => {
      state[name] = value;
      show();
    };
    return live.slider({ label, from: 1, to, step: 1, value: state[name], text: String, move });
  }
  const ways = slider("ways", "Ways in which the screens differ", SIZE - 1);
  const rank = slider("rank", "Rank of the adapter", SIZE - 1);

  // What is shown

  const maps = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);

  function draw() {
    const width = maps.clientWidth;
    const side = Math.min(220, (width - 24) / 2);
    const drawing = svg("svg", { width, height: side + 28, "aria-hidden": "true" });
    const pair = [
      ["the difference", cells(state.ways)],
      [`rank ${state.rank}`, cells(Math.min(state.rank, state.ways))],
    ];
    const most = Math.max(...pair[0][1].flat().map(Math.abs));
    const step = side / SIZE;
    pair.forEach(([name, matrix], panel) => {
      const from = panel * (side + 24);
      drawing.append(svg("text", { class: "live-axis", x: from, y: 14 }, name));
      matrix.forEach((row, i) =>
        row.forEach((value, j) => {
          const css = value > 0 ? "adapter-up" : "adapter-down";
          const at = { x: from + j * step, y: 24 + i * step, width: step, height: step };
          const opacity = Math.min(1, Math.abs(value) / most).toFixed(3);
          drawing.append(svg("rect", { class: css, ...at, "fill-opacity": opacity }));
        }),
      );
    });
    maps.replaceChildren(drawing);
  }

  function show() {
    draw();
    const rest = (100 * left(state.ways, state.rank)).toFixed(0);
    const trained = 2 * SIZE * state.rank;
    const more = trained >= SIZE * SIZE ? ": no longer fewer" : "";
    words.textContent =
      `Two matrices of rank ${state.rank} have ${trained} numbers, the difference has ` +
      `${SIZE * SIZE}${more}. They leave ${rest}% of it, in squares.`;
    say(`${trained} numbers leave ${rest}% of the difference.`);
  }

  place.append(
    html("div", { class: "live-pair" }, ways.element, rank.element),
    maps,
    words,
  );
  live.fitted(maps, show);
});
