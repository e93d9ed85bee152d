/* Chapter 13: pick coupons for one user after the other, beside Thompson sampling. */
"use strict";

live.mount("bandit", (place) => {
  const { html, chances } = live;
  const HEIGHT = 250;
  const COUPONS = ["A", "B", "C", "D"];
  const GAMES = 50;
  const MOST = 50; // users at a time

  // A game: each coupon earns a dollar with a probability of its own

  const gamma = (shape, chance) => {
    let sum = 0;
    for (let k = 0; k < shape; k++) sum -= Math.log(1 - chance());
    return sum;
  };
  const bestOf = (values) => values.indexOf(Math.max(...values));
  const player = () => ({ sent: [0, 0, 0, 0], earned: [0, 0, 0, 0], regret: [0] });

  /** What Thompson sampling sends: the coupon whose rate is the best in a draw of beliefs. */
  function lots(machine, chance) {
    const drawn = COUPONS.map((_, k) => {
      const [won, lost] = [machine.earned[k] + 1, machine.sent[k] - machine.earned[k] + 1];
      const top = gamma(won, chance);
      return top / (top + gamma(lost, chance));
    });
    return bestOf(drawn);
  }

  let game;
  function open(seed) {
    const chance = chances(1000 * seed);
    const rates = COUPONS.map(() => 0.05 + 0.5 * chance());
    game = { seed, rates, chance, own: chances(1000 * seed + 1), you: player(), machine: player() };
  }

  function send(who, k, luck) {
    who.sent[k] += 1;
    who.earned[k] += luck < game.rates[k] ? 1 : 0;
    who.regret.push(who.regret.at(-1) + Math.max(...game.rates) - game.rates[k]);
  }

  function serve(k) {
    for (let user = 0; user < atOnce; user++) {
      const luck = game.chance(); // the same for both
      send(game.you, k, luck);
      send(game.machine, lots(game.machine, game.own), luck);
    }
    show(`You sent ${COUPONS[k]}. `);
  }

  // What the reader works

  let atOnce = 1;
  const several = live.slider({
    label: "Users at a time",
    ...{ from: 1, to: MOST, step: 1, value: atOnce, text: String },
    move: (value) => (atOnce = value),
  });
  const seed = live.slider({
    label: "Game",
    ...{ from: 1, to: GAMES, step: 1, value: 1, text: (number) => `number ${number}` },
    move: (value) => {
      open(value);
      show();
    },
  });
  const buttons = COUPONS.map((name, k) => live.button(`Send coupon ${name}`, () => serve(k)));
  const again = live.button("Start again", () => {
    open(game.seed);
    show();
  });

  // What is shown

  const lines = html("div", { class: "live-chart" });
  const keys = html(
    "p",
    { class: "live-keys" },
    html("span", { class: "bandit-key-you" }, "you"),
    html("span", { class: "bandit-key-machine" }, "Thompson sampling"),
  );
  const counts = html("div", { class: "bandit-counts" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);
  const sum = (numbers) => numbers.reduce((so, one) => so + one, 0);
  const dollars = (number) => `$${number.toFixed(2)}`;

  function draw() {
    const { you, machine } = game;
    const users = you.regret.length - 1;
    const most = Math.max(1, you.regret.at(-1), machine.regret.at(-1));
    const x = { range: [0, Math.max(20, users)], label: "users served" };
    const y = { range: [0, 1.1 * most], label: "regret, $" };
    const chart = live.chart({ width: lines.clientWidth, height: HEIGHT, x, y });
    const points = ({ regret }) => regret.map((height, user) => [user, height]);
    chart.line(points(machine), "bandit-machine");
    chart.line(points(you), "bandit-you");
    lines.replaceChildren(chart.drawing);
  }

  function show(before = "") {
    const { you, machine, seed: number } = game;
    const users = you.regret.length - 1;
    draw();
    const rows = COUPONS.map((name, k) => {
      const [mine, its] = [you, machine].map(({ sent, earned }) => `${earned[k]} of ${sent[k]}`);
      const cells = [mine, its].map((text) => html("td", {}, text));
      return html("tr", {}, html("th", { scope: "row" }, name), ...cells);
    });
    counts.replaceChildren(live.table(["coupon", "you: redeemed", "Thompson: redeemed"], rows));
    const [mine, its] = [you, machine].map(({ regret }) => dollars(regret.at(-1)));
    words.textContent =
      users === 0
        ? `Game ${number}: each coupon earns a dollar with a probability that you do not know.`
        : `Game ${number}, ${users} users. You earned ${dollars(sum(you.earned))}, with a regret ` +
          `of ${mine}; Thompson sampling earned ${dollars(sum(machine.earned))}, with ${its}.`;
    say(`${before}After ${users} users your regret is ${mine}, that of Thompson sampling ${its}.`);
  }

  place.append(
    html("p", { class: "live-buttons" }, ...buttons, again),
    html("div", { class: "live-pair" }, several.element, seed.element),
    html("div", { class: "live-pair" }, html("div", {}, lines, keys), counts),
    words,
  );
  open(1);
  live.fitted(lines, () => show());
});
