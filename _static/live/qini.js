/* Chapter 12: a Qini curve to cut. What the 50% coupon brings, by the truth. */
"use strict";

live.mount("qini", (place) => {
  const { html } = live;
  const HEIGHT = 230;

  // Of `run_pilot(users=5000, seed=0)`: sums over each hundredth of its 80,000 coming offers,
  // best-scored first. Units gained; dollars of margin gained, and of cost: discounts and mail.

  const ORDERS = {
    effect: {
      units: [
        670.4, 345.6, 273, 206.8, 187.8, 169.3, 145.8, 136.3, 113, 115.2, 99.5, 103, 103.6, 91.1,
        84, 71.9, 72.8, 65.9, 74.4, 57.5, 64.4, 56, 55.1, 48.8, 43.3, 45.5, 45.1, 46.3, 35.4,
        34.1, 43, 34.8, 37.4, 33.7, 38.2, 30.6, 26.4, 28, 27.6, 20.1, 30.7, 20.6, 23.9, 22.3,
        21.3, 20, 20.9, 19.3, 18.5, 16.8, 16.5, 18.6, 16.4, 14.7, 14.5, 13.7, 11.8, 12, 11.7,
        11.5, 8.5, 10.2, 10.9, 12.5, 9.4, 10.3, 8.7, 7.5, 9.3, 7.6, 7.5, 6.9, 6.6, 5.4, 5.7, 6.2,
        5.9, 4.7, 4.7, 4.6, 3.6, 3.8, 6.5, 4.7, 2.6, 2.2, 2, 1.9, 2.2, 1.3, 1.7, 1.2, 1.5, 1.6,
        0.8, 0.7, 1.1, 0.8, 0.1, 28.8,
      ],
      margin: [
        224.6, 121.9, 99.5, 75.2, 68.1, 62.6, 58.3, 52.4, 44.5, 43.9, 38.9, 39.8, 44.6, 35.3,
        35.5, 30.2, 32.2, 28.7, 32.4, 23.5, 28.7, 25.5, 24.2, 22, 20.3, 20.1, 20.8, 22.5, 16.7,
        16.1, 20.5, 16.5, 18.6, 17.5, 20.5, 15, 12.3, 14.2, 14.3, 9.7, 19.3, 11, 12.8, 11.7, 11.3,
        11.2, 11.1, 10.9, 10.1, 10.1, 9.4, 11.1, 8.5, 8.1, 7.8, 7.6, 6.5, 6.9, 6.6, 6.3, 4.9, 5.6,
        5.8, 6.5, 5.4, 6.2, 5.2, 4.5, 5.2, 4.2, 4.8, 3.8, 3.6, 3.1, 3.5, 3.4, 3.6, 2.7, 2.9, 2.8,
        2.2, 2.5, 3.8, 2.9, 1.6, 1.2, 1.2, 1.2, 1.3, 0.8, 1.1, 0.8, 0.9, 1.1, 0.4, 0.4, 0.6, 0.3,
        0, 16.8,
      ],
      cost: [
        40.5, 29, 27.2, 22.3, 20.9, 17.9, 19.2, 18.4, 17.8, 15.9, 15.7, 16, 15.3, 15.7, 14.1,
        12.5, 13, 13.7, 14.1, 12.7, 12.3, 13.3, 12.3, 11.8, 10.4, 10.8, 11.6, 11.5, 11.4, 9.8,
        10.1, 9.9, 10.5, 10.4, 10.5, 8.9, 9.2, 10, 8.5, 8, 9, 8.1, 8.4, 9, 9, 8.7, 8.5, 8.5, 8.6,
        8.5, 8.4, 8.5, 8.2, 7.8, 7.6, 7.5, 7.4, 7.3, 7.2, 7.5, 6.2, 7, 7.1, 7, 6.8, 6.9, 6.4, 6.4,
        6.4, 6.4, 6.2, 6.1, 6.2, 6.1, 5.8, 5.9, 5.8, 5.8, 5.7, 5.8, 6.3, 5.4, 5.4, 5.6, 5.3, 5,
        5.1, 4.8, 5, 4.8, 4.8, 4.9, 4.8, 4.9, 4.7, 4.6, 4.5, 4.5, 5.2, 17.3,
      ],
    },
    redemption: {
      units: [
        703.3, 348.9, 264.8, 205.1, 176.7, 161.8, 152.5, 133.4, 123, 106.2, 104.9, 102.3, 95.7,
        90.6, 82.2, 72.8, 68.3, 69.7, 67.7, 58, 60.1, 55.1, 50.8, 44.3, 49.3, 45.3, 49.8, 39.4,
        35.5, 37.9, 35.9, 35.8, 32.4, 35.7, 33.7, 31.2, 27.3, 30.2, 31.1, 24, 24.6, 27.5, 22,
        21.5, 21.2, 23.8, 19.7, 21, 17, 16.4, 16.4, 15.1, 14.8, 17.3, 14.6, 17.5, 10, 13.5, 11.8,
        13.2, 10.1, 13.2, 8.4, 10.6, 11.9, 8.9, 9.7, 9.2, 8.4, 8.7, 8, 5.8, 6.2, 6.6, 5.7, 7.4,
        5.9, 6.6, 4.2, 5.1, 7.2, 7.4, 5.1, 3.9, 3.7, 3.6, 3.8, 3.8, 3.1, 3.4, 2.6, 2.3, 6.1, 2.5,
        1.5, 1.1, 1.2, 1.4, 1.4, 1.1,
      ],
      margin: [
        245.7, 128.6, 98.2, 80.1, 68.9, 64.7, 57.5, 50.6, 46.8, 41.8, 40.6, 41, 39.2, 37, 34,
        28.7, 29.1, 28.2, 29.8, 25.9, 27.7, 22, 22.6, 20.2, 23.5, 20.4, 23.8, 17.7, 17, 17.8, 16,
        17.7, 14.1, 17.1, 17.2, 14.5, 12.5, 14.9, 16, 10.9, 12.8, 14.6, 10.7, 11.2, 11.1, 11.7,
        9.6, 12.3, 8.3, 8.3, 8.7, 8.9, 7.3, 9.4, 7.7, 9.5, 5.6, 7.6, 6.5, 7, 5.5, 6.8, 4.8, 5.8,
        6.9, 4.4, 5.2, 4.9, 4.8, 5, 4.4, 3.4, 3.7, 3.5, 3, 4.5, 3.3, 3.9, 2.5, 2.8, 4.3, 3.4, 2.9,
        2.2, 2.1, 2, 1.9, 2, 1.7, 2, 1.8, 1.4, 3.4, 1.5, 0.9, 0.7, 0.9, 1, 0.9, 0.5,
      ],
      cost: [
        42.9, 32.8, 25.4, 24.2, 21, 22.1, 19.2, 19.6, 19.1, 16.6, 15.2, 17.1, 16.2, 17.3, 14.3,
        12.6, 13.9, 13.1, 14.4, 13, 13.4, 12.1, 13.8, 10.5, 11.8, 12.5, 12.5, 10.6, 10.5, 11.1,
        10.5, 9.8, 8.8, 10, 9.6, 10.2, 9, 8.3, 9.2, 8.6, 9.2, 9.2, 9, 8.5, 8.2, 8.7, 8.2, 8.2, 8,
        7.6, 8.2, 7.7, 8, 7.9, 7.8, 8, 6.7, 7.2, 6.9, 7.6, 6.5, 7, 6.4, 6.7, 7.3, 6.4, 6.6, 6.2,
        6.2, 6, 6.3, 5.9, 6.2, 5.8, 5.9, 6.2, 5.9, 6.2, 5.6, 5.7, 5.6, 5.6, 5.5, 5.3, 5.2, 5.1,
        5.2, 5.1, 4.8, 4.8, 4.8, 4.7, 4.7, 4.6, 4.6, 4.5, 4.4, 4.5, 4.3, 4.2,
      ],
    },
  };

  const NAMES = { effect: "effect, by T", redemption: "redemption" };

  /** Sums over the first hundredths: [share, sum] from 0 to 100. */
  function curve(value) {
    let so = 0;
    return [[0, 0], ...Array.from({ length: 100 }, (_, k) => [k + 1, (so += value(k))])];
  }
  const curves = Object.fromEntries(
    Object.entries(ORDERS).map(([name, { units, margin, cost }]) => {
      const earned = curve((k) => margin[k] - cost[k]);
      return [name, { units: curve((k) => units[k]), cost: curve((k) => cost[k]), earned }];
    }),
  );
  const bestShare = (points) => points.reduce((a, b) => (b[1] > a[1] ? b : a))[0];

  const state = { share: 20, order: "effect" };
  const move = (value) => {
    state.share = value;
    show();
  };
  const percent = (number) => `${number}%`;
  const label = "Share of the offers";
  const slider = live.slider({ label, from: 0, to: 100, step: 1, value: 20, text: percent, move });
  const other = live.button("", () => {
    state.order = state.order === "effect" ? "redemption" : "effect";
    show();
  });
  const top = live.button("Go to the highest profit", () => {
    state.share = bestShare(curves[state.order].earned);
    slider.set(state.share);
    show();
  });

  const gained = html("div", { class: "live-chart" });
  const earned = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);
  const whole = (number) => Math.round(number).toLocaleString("en-US").replace("-", "\u2212");

  /** One curve, the straight line of a random order, and a dot at the share. */
  function panel(element, css, text, points) {
    const highest = Math.max(...points.map(([, height]) => height));
    const end = points[100];
    const x = { range: [0, 100], label: "offers that get the coupon, %" };
    const y = { range: [0, 1.08 * highest], label: text };
    const chart = live.chart({ width: element.clientWidth, height: HEIGHT, x, y });
    chart.line([[0, 0], end], "qini-random");
    chart.line(points, css);
    const dot = { cx: chart.x(state.share), cy: chart.y(points[state.share][1]), r: 6 };
    chart.add("circle", { class: `${css}-dot`, ...dot });
    element.replaceChildren(chart.drawing);
  }

  function show() {
    const { units, cost, earned: profit } = curves[state.order];
    const [u, c, p] = [units, cost, profit].map((points) => points[state.share][1]);
    const margin = p + c;
    panel(gained, "qini-units", "units gained", units);
    panel(earned, "qini-profit", "profit, $", profit);
    other.textContent = `Order by ${NAMES[state.order === "effect" ? "redemption" : "effect"]}`;
    const best = bestShare(profit);
    words.textContent =
      `Ordered by ${NAMES[state.order]}, the first ${state.share}% of the offers gain ` +
      `${whole(u)} units, ${whole((100 * u) / units[100][1])}% of what all of them would. ` +
      `That is $${whole(margin)} of margin, less $${whole(c)} for discounts and mail: ` +
      `a profit of $${whole(p)}. The highest profit, $${whole(profit[best][1])}, is at ${best}%.`;
    say(`${whole(u)} units gained, cost $${whole(c)}, profit $${whole(p)}.`);
  }

  place.append(
    html("div", { class: "live-pair" }, gained, earned),
    slider.element,
    html("p", { class: "live-buttons" }, top, other),
    words,
  );
  live.fitted(gained, show);
});
