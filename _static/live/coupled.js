/* The coupled model in plain JavaScript: what coupon_rec.serving.bundle.scorer.Scorer computes.

   An offer holds its features by group, as the offers table has them: numbers in `user`, `item`,
   `match` and `coupon`, names in `user_category` and `coupon_category`. */
"use strict";

const coupled = (() => {
  const PURCHASE = ["user", "item", "match", "user_category"];
  const EVERYTHING = ["user", "item", "match", "coupon", "user_category", "coupon_category"];
  const SMALLEST = 2 ** -52;

  const sigmoid = (z) => 1 / (1 + Math.exp(-z));
  const relu = (x) => x.map((value) => Math.max(0, value));

  /** Read float32 numbers, little end first, from base64. */
  function floats(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Float64Array.from({ length: bytes.length / 4 }, (_, k) => view.getFloat32(4 * k, true));
  }

  /** Numbers as the model reads them: skewed ones as log(1 + x). */
  function read(values, columns) {
    return values.map((value, k) => Math.fround(columns[k].log1p ? Math.log1p(value) : value));
  }

  /** Numbers less their mean, times one over their deviation, cut. */
  function normalized(seen, { mean, scale, cut }) {
    return seen.map((value, k) => Math.min(Math.max((value - mean[k]) * scale[k], -cut), cut));
  }

  /** Ones and zeros: a one for each value that was seen in training, none for another. */
  function oneHot(values, columns) {
    return columns.flatMap((column, k) => column.values.map((value) => Number(value === values[k])));
  }

  /** Weighted sums of x, one for each unit of a layer. */
  function dense(x, { weights, bias }) {
    const sums = Float64Array.from(bias);
    x.forEach((value, row) => {
      if (value === 0) return;
      for (let unit = 0; unit < sums.length; unit++) {
        sums[unit] += value * weights[row * sums.length + unit];
      }
    });
    return sums;
  }

  /** What the trees add up to: of each tree, the value of the leaf whose whole path x takes. */
  function direct(x, leaves) {
    const takes = ([column, threshold, right]) => x[column] > Math.fround(threshold) === (right === 1);
    return leaves.reduce((sum, { value, path }) => sum + (path.every(takes) ? value : 0), 0);
  }

  function logOdds(p, smallest) {
    const inside = Math.min(Math.max(p, smallest), 1 - smallest);
    return Math.log(inside / (1 - inside));
  }

  /** A line on the log odds of p. */
  function calibrated(p, { intercept, slope }) {
    if (intercept === 0 && slope === 1) return p;
    return sigmoid(intercept + slope * logOdds(p, SMALLEST));
  }

  /** From a network, as tools/page_model.py writes it, to a function that predicts an offer. */
  function scorer({ columns, normal, layers, leaves, calibration }) {
    const layer = {};
    for (const [name, { weights, bias }] of Object.entries(layers)) {
      layer[name] = { weights: floats(weights), bias: floats(bias) };
    }

    return function predict(offer) {
      const seen = {};
      const ready = {};
      for (const name of EVERYTHING) {
        const numbers = normal[name];
        seen[name] = (numbers ? read : oneHot)(offer[name], columns[name]);
        ready[name] = numbers ? normalized(seen[name], numbers) : seen[name];
      }
      const known = PURCHASE.flatMap((name) => ready[name]);
      const interest = relu(dense(relu(dense(known, layer.purchase_1)), layer.purchase_2));
      const all = [...interest, ...EVERYTHING.flatMap((name) => ready[name])];
      const response = relu(dense(relu(dense(all, layer.coupon_1)), layer.coupon_2));
      const bought = sigmoid(dense(interest, layer.bought_logit)[0]);
      const ifBought = sigmoid(dense(response, layer.redeemed_if_bought_logit)[0]);
      const chain = logOdds(bought * ifBought, 1e-7); // the chain rule
      const trees = direct(EVERYTHING.flatMap((name) => seen[name]), leaves);
      return {
        bought: calibrated(bought, calibration.bought),
        redeemed: calibrated(sigmoid((chain + trees) / 2), calibration.redeemed),
      };
    };
  }

  return { scorer };
})();
