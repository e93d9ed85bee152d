/* Chapter 22: what a limit on the gap between groups does to coupons and profit. */
"use strict";

live.mount("frontier", (place) => {
  const { html } = live;
  const HEIGHT = 220;

  // Cents of profit if the best 0%, 1%, ..., 100% of a band's lists are sent their best coupon
  // (benchmarks/fairness.py curves).
  const BANDS = [
    { name: "under 50K", cents: [
      0, 185, 248, 297, 338, 374, 407, 438, 467, 494, 519, 542, 564, 585, 605, 625, 643, 660,
      677, 692, 708, 722, 736, 749, 762, 774, 786, 797, 807, 817, 827, 836, 845, 853, 862, 869,
      877, 885, 892, 899, 905, 912, 918, 924, 929, 935, 940, 945, 950, 955, 959, 964, 968, 972,
      975, 979, 982, 986, 989, 992, 995, 997, 1000, 1002, 1005, 1007, 1009, 1011, 1012, 1014,
      1015, 1016, 1017, 1018, 1019, 1020, 1020, 1021, 1021, 1022, 1022, 1022, 1022, 1022, 1022,
      1021, 1021, 1021, 1020, 1019, 1018, 1017, 1016, 1014, 1013, 1011, 1009, 1007, 1004, 1002,
      999,
    ] },
    { name: "50–99K", cents: [
      0, 250, 361, 454, 526, 585, 631, 674, 713, 750, 786, 819, 851, 881, 909, 937, 963, 988,
      1013, 1036, 1058, 1080, 1100, 1120, 1138, 1156, 1173, 1189, 1205, 1220, 1235, 1249, 1261,
      1274, 1286, 1297, 1308, 1319, 1329, 1339, 1348, 1357, 1366, 1375, 1383, 1391, 1399, 1406,
      1413, 1420, 1427, 1433, 1439, 1445, 1451, 1457, 1462, 1467, 1472, 1477, 1481, 1485, 1489,
      1492, 1496, 1499, 1503, 1506, 1509, 1512, 1515, 1517, 1519, 1522, 1524, 1525, 1527, 1529,
      1530, 1532, 1533, 1534, 1535, 1536, 1537, 1537, 1538, 1538, 1538, 1537, 1537, 1537, 1536,
      1536, 1535, 1534, 1532, 1531, 1529, 1527, 1525,
    ] },
    { name: "100K+", cents: [
      0, 112, 188, 229, 260, 287, 310, 331, 347, 363, 377, 390, 403, 415, 426, 437, 447, 457,
      467, 477, 486, 494, 502, 510, 518, 525, 532, 538, 545, 551, 557, 563, 568, 573, 578, 583,
      588, 593, 597, 601, 605, 609, 612, 616, 619, 622, 626, 629, 632, 635, 638, 640, 643, 646,
      648, 650, 653, 655, 657, 659, 661, 663, 665, 667, 668, 670, 671, 673, 674, 675, 676, 677,
      678, 679, 680, 681, 682, 683, 684, 684, 685, 685, 686, 686, 686, 687, 687, 687, 687, 686,
      686, 686, 686, 685, 685, 684, 683, 683, 682, 681, 680,
    ] },
    { name: "unknown", cents: [
      0, 141, 192, 230, 260, 287, 311, 331, 350, 368, 383, 397, 409, 420, 431, 440, 449, 457,
      464, 471, 478, 485, 491, 496, 501, 506, 511, 516, 520, 524, 528, 532, 536, 539, 542, 545,
      548, 551, 553, 555, 557, 559, 561, 562, 564, 565, 567, 568, 569, 570, 570, 571, 572, 572,
      572, 573, 573, 573, 572, 572, 572, 571, 571, 570, 569, 568, 567, 566, 565, 564, 562, 561,
      559, 558, 556, 554, 552, 550, 548, 546, 543, 541, 538, 536, 533, 530, 527, 524, 521, 518,
      515, 512, 508, 505, 501, 497, 494, 490, 486, 482, 477,
    ] },
  ];
  const STEPS = 100;

  /** The most that is earned with no two rates further apart, and the rates, in percent. */
  function best(gap) {
    let found = null;
    for (let lowest = 0; lowest <= STEPS; lowest++) {
      const highest = Math.min(STEPS, lowest + gap);
      const rates = BANDS.map(({ cents }) => {
        let top = lowest;
        for (let rate = lowest; rate <= highest; rate++) if (cents[rate] > cents[top]) top = rate;
        return top;
      });
      const worth = rates.reduce((sum, rate, k) => sum + BANDS[k].cents[rate], 0);
      if (!found || worth > found.worth + 1e-9) found = { rates, worth };
    }
    return found;
  }

  const free = best(STEPS);
  const widest = Math.max(...free.rates) - Math.min(...free.rates);
  const most = 5 * Math.ceil((widest + 5) / 5);
  const curve = Array.from({ length: most + 1 }, (_, gap) => [gap, best(gap).worth]);

  // The state, and what changes it

  const state = { gap: 10 };
  const gap = live.slider({
    label: "Largest gap allowed, points",
    from: 0,
    to: most,
    step: 1,
    value: state.gap,
    text: String,
    move: (value) => {
      state.gap = value;
      show();
    },
  });

  // What is shown

  const bars = html("div", { class: "live-chart" });
  const profit = html("div", { class: "live-chart" });
  const words = html("p", { class: "live-words" });
  const say = live.speaker(place);

  function drawBars(rates) {
    const x = { range: [0, BANDS.length], label: "", ticks: [] };
    const y = { range: [0, 100], label: "sent a coupon, %" };
    const chart = live.chart({ width: bars.clientWidth, height: HEIGHT, x, y });
    BANDS.forEach(({ name }, k) => {
      const [left, right] = [chart.x(k + 0.15), chart.x(k + 0.85)];
      const top = chart.y(rates[k]);
      const box = { x: left, width: right - left, y: top, height: chart.y(0) - top };
      chart.add("rect", { class: "frontier-bar", ...box });
      const was = chart.y(free.rates[k]);
      chart.add("line", { class: "frontier-was", x1: left, x2: right, y1: was, y2: was });
      const at = { x: (left + right) / 2, y: chart.y(0) + 18, "text-anchor": "middle" };
      chart.add("text", { class: "live-axis", ...at }, name);
    });
    bars.replaceChildren(chart.drawing);
  }

  function drawProfit(worth) {
    const low = Math.min(...curve.map(([, height]) => height));
    const room = 0.15 * (free.worth - low);
    const x = { range: [0, most], label: "largest gap allowed, points" };
    const range = [(low - room) / 100, (free.worth + room) / 100];
    const y = { range, label: "expected profit, $" };
    const chart = live.chart({ width: profit.clientWidth, height: HEIGHT, x, y });
    chart.line(curve.map(([at, height]) => [at, height / 100]), "frontier-curve");
    const dot = { cx: chart.x(state.gap), cy: chart.y(worth / 100), r: 6 };
    chart.add("circle", { class: "frontier-dot", ...dot });
    profit.replaceChildren(chart.drawing);
  }

  function show() {
    const { rates, worth } = best(state.gap);
    drawBars(rates);
    drawProfit(worth);
    const said = BANDS.map(({ name }, k) => `${rates[k]}% of ${name}`).join(", ");
    const cost = ((100 * (free.worth - worth)) / free.worth).toFixed(2);
    words.textContent =
      `With a gap of at most ${state.gap} points, a coupon is sent to ${said}. ` +
      `That is worth $${(worth / 100).toFixed(2)}, ${cost}% less than without a limit.`;
    say(`Limit ${state.gap} points: ${cost}% less profit.`);
  }

  place.append(html("div", { class: "live-pair" }, gap.element), bars, profit, words);
  live.fitted(bars, show);
});
