/* The words of the page "In your browser": what can be moved, in which unit, and what it means. */
"use strict";

const words = (() => {
  const percent = (p) => `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)}%`;
  const exact = (p) => `${(100 * p).toFixed(2)}%`;
  const cents = (dollars) => `${live.written((100 * dollars).toFixed(2))}\u00a0¢`;
  const dollars = (digits) => (amount) => `$${amount.toFixed(digits)}`;
  const number = (digits) => (value) => value.toFixed(digits);
  function ago(days) {
    if (days >= 365) return "never";
    return days === 1 ? "1 day ago" : `${Math.round(days)} days ago`;
  }
  const title = (category) => category[0] + category.slice(1).toLowerCase();

  /** The label of a slider, and its value in words. */
  const SLIDERS = {
    coupon_discount: ["Its discount", dollars(2)],
    match_recency: ["This user last bought its items", ago],
    match_lines_per_week: ["This user buys its items, times a week", number(2)],
    user_recency: ["Last trip to the shop", ago],
    user_trips_per_week: ["Trips to the shop, times a week", number(1)],
    user_spend_per_week: ["Spend a week", dollars(0)],
    user_coupon_share: ["Purchases made with a coupon", percent],
    user_redemption_rate: ["Redemptions per campaign mailed", number(2)],
    user_redemption_recency: ["Last redemption", ago],
    incremental: ["Share of redemptions that the coupon causes", percent],
    contact: ["Cost of a letter", cents],
    letters: ["Letters for the 40 users", String],
  };

  const ALONE =
    "Only this number moves; all others stay as they are. A user for whom it had really changed " +
    "would differ in others too, so the curve says what the model makes of this number alone. " +
    "The farther from the dot, the less likely that there is such a user.";
  const MEANINGS = {
    coupon_discount:
      "A discount counts twice: in the probability, and in what a redemption costs. Nobody drew " +
      "these discounts at random, so the curve shows what goes with a discount, not what a " +
      "discount does. Only this number moves; the discount's share of the price stays.",
    incremental: "This is an assumption about money, not a feature: no probability moves.",
    contact:
      "This is a cost, not a feature: no probability moves. Every coupon loses the same, and " +
      "“no coupon” loses nothing.",
  };
  const meaning = (name) => MEANINGS[name] ?? ALONE;

  function letters(count, worth, next) {
    return (
      `${count} letters earn ${cents(worth)} together; one more would earn ${cents(next)}. That ` +
      "is the price of a letter: a user gets one whose best coupon is worth more."
    );
  }

  return { percent, exact, cents, ago, title, SLIDERS, meaning, letters };
})();
