/* Chapter 22: what a limit on the gap between groups does to coupons and profit. */
"use strict";

live.mount("frontier", (place) => {
  const { html } = live;
  const HEIGHT = 220;

  // Cents of profit if the best 0%, 1%, ..., 100% of a band's lists are sent their best coupon
  // (benchmarks/fairness.py curves).
  const BANDS = [
    { name: "under 50K", cents: [
      0, 173, 244, 296, 340, 379, 416, 449, 480, 510, 536, 561, 585, 608, 630, 650, 669, 688,
      705, 722, 738, 753, 769, 783, 796, 809, 821, 833, 844, 854, 865, 874, 883, 892, 901,
      909, 917, 925, 933, 941, 948, 955, 961, 968, 974, 980, 986, 991, 996, 1001, 1006, 1011,
      1016, 1020, 1024, 1028, 1032, 1035, 1038, 1041, 1044, 1047, 1050, 1052, 1055, 1057,
      1059, 1061, 1063, 1064, 1066, 1067, 1068, 1069, 1070, 1071, 1072, 1073, 1073, 1074,
      1074, 1074, 1074, 1074, 1074, 1074, 1074, 1073, 1073, 1072, 1071, 1070, 1069, 1067,
      1066, 1064, 1062, 1060, 1058, 1055, 1053,
    ] },
    { name: "50–99K", cents: [
      0, 238, 355, 457, 539, 603, 655, 701, 744, 785, 823, 858, 891, 922, 952, 981, 1010,
      1037, 1063, 1089, 1113, 1137, 1159, 1181, 1202, 1221, 1240, 1259, 1276, 1292, 1308,
      1323, 1338, 1351, 1365, 1377, 1389, 1401, 1412, 1422, 1433, 1443, 1453, 1462, 1471,
      1480, 1488, 1496, 1504, 1512, 1519, 1526, 1533, 1540, 1546, 1552, 1558, 1563, 1568,
      1573, 1578, 1582, 1587, 1591, 1594, 1598, 1602, 1605, 1608, 1611, 1614, 1617, 1620,
      1622, 1625, 1627, 1629, 1631, 1632, 1634, 1635, 1637, 1638, 1639, 1640, 1640, 1641,
      1641, 1641, 1641, 1641, 1641, 1640, 1640, 1639, 1638, 1637, 1635, 1634, 1632, 1630,
    ] },
    { name: "100K+", cents: [
      0, 120, 200, 244, 278, 306, 332, 356, 375, 391, 406, 420, 433, 446, 458, 469, 480, 491,
      501, 511, 521, 530, 539, 547, 555, 562, 570, 577, 583, 590, 597, 603, 609, 614, 620,
      625, 630, 634, 639, 643, 648, 652, 655, 659, 663, 666, 670, 673, 676, 679, 682, 685,
      688, 691, 693, 696, 698, 700, 703, 705, 707, 709, 711, 713, 715, 717, 718, 720, 722,
      723, 724, 726, 727, 728, 729, 730, 731, 731, 732, 733, 733, 734, 734, 735, 735, 735,
      735, 735, 735, 735, 735, 735, 734, 734, 733, 733, 732, 731, 730, 729, 728,
    ] },
    { name: "unknown", cents: [
      0, 155, 212, 251, 284, 313, 338, 360, 378, 396, 412, 426, 440, 451, 462, 471, 480, 489,
      497, 504, 511, 518, 524, 530, 536, 541, 546, 551, 555, 559, 563, 567, 570, 574, 577,
      580, 583, 585, 588, 590, 592, 594, 595, 597, 598, 600, 601, 602, 603, 603, 604, 604,
      605, 605, 605, 605, 605, 605, 605, 604, 604, 603, 602, 601, 600, 599, 598, 597, 596,
      594, 593, 591, 590, 588, 586, 584, 582, 580, 578, 575, 573, 570, 568, 565, 562, 559,
      557, 554, 550, 547, 544, 541, 537, 534, 530, 527, 523, 519, 515, 510, 506,
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
