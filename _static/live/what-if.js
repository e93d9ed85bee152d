/* What the model and the money say of a user of the page, as the data are or with things moved.

   `moved` is a map from the name of what was moved to its value; `chosen` is the offer that the
   features of a coupon are moved of. */
"use strict";

const whatIf = (() => {
  const { users, coupons, columns, economics } = couponModel;
  const predict = coupled.scorer(couponModel);
  const STEPS = 40; // of a slider

  /** Values of a slider from the lowest to the highest, evenly spaced as the model sees them. */
  function stops({ lowest, highest, log1p = false, whole = false }) {
    const [from, to] = log1p ? [Math.log1p(lowest), Math.log1p(highest)] : [lowest, highest];
    const even = Array.from({ length: STEPS + 1 }, (_, k) => {
      const seen = from + (k / STEPS) * (to - from);
      return log1p ? Math.expm1(seen) : seen;
    });
    return whole ? [...new Set(even.map(Math.round))] : even;
  }

  function feature(group, name, whole) {
    const column = columns[group].findIndex((one) => one.name === name);
    return { name, group, column, stops: stops({ ...columns[group][column], whole }) };
  }

  const OF_COUPON = [
    feature("coupon", "coupon_discount"),
    feature("match", "match_recency", true),
    feature("match", "match_lines_per_week"),
  ];
  const OF_USER = [
    feature("user", "user_recency", true),
    feature("user", "user_trips_per_week"),
    feature("user", "user_spend_per_week"),
    feature("user", "user_coupon_share"),
    feature("user", "user_redemption_rate"),
    feature("user", "user_redemption_recency", true),
  ];
  const OF_MONEY = [
    { name: "incremental", stops: stops({ lowest: 0, highest: 1 }) },
    { name: "contact", stops: stops({ lowest: 0, highest: 0.04 }) },
    { name: "letters", stops: stops({ lowest: 0, highest: users.length, whole: true }) },
  ];
  const DISCOUNT = OF_COUPON[0].column;

  /** An offer of a user as the model reads it. */
  function described(user, offer, chosen, moved) {
    const coupon = coupons[offer.coupon];
    const read = {
      user: [...user.user, offer.rank],
      item: coupon.item,
      match: [...offer.match],
      coupon: [...coupon.coupon, ...offer.seen],
      user_category: user.user_category,
      coupon_category: coupon.coupon_category,
    };
    for (const { name, group, column } of offer === chosen ? [...OF_COUPON, ...OF_USER] : OF_USER) {
      if (moved.has(name)) read[group][column] = moved.get(name);
    }
    return read;
  }

  const money = (moved) => ({
    ...economics,
    incremental: moved.get("incremental") ?? economics.incremental,
    contact: moved.get("contact") ?? economics.contact,
  });

  /** An offer with its probabilities, what its redemption is worth, and its expected profit. */
  function answer(user, offer, chosen, moved) {
    const read = described(user, offer, chosen, moved);
    const { bought, redeemed } = predict(read);
    const { spend, discount: usual, coupon: own } = coupons[offer.coupon];
    const discount = Math.max(0, usual + read.coupon[DISCOUNT] - own[DISCOUNT]); // moved with it
    return {
      offer,
      read,
      bought,
      redeemed,
      ifBought: Math.min(1, redeemed / bought), // both are calibrated, each by itself
      worth: choice.profit(1, spend, discount, { ...money(moved), contact: 0 }),
      profit: choice.profit(redeemed, spend, discount, money(moved)),
    };
  }

  /** The answers of all offers of a user, the most profitable first. */
  function ranked(user, chosen, moved) {
    return user.offers
      .map((offer) => answer(user, offer, chosen, moved))
      .sort((a, b) => b.profit - a.profit);
  }

  /** What the best coupon of each of the users is worth, 0 for none; `best` is that of `user`. */
  function crowd(user, best, moved) {
    return users.map((other) => {
      if (other === user) return Math.max(0, best.profit);
      const profits = other.offers.map(({ coupon, redeemed }) => {
        const { spend, discount } = coupons[coupon];
        return choice.profit(redeemed, spend, discount, money(moved));
      });
      return Math.max(0, ...profits);
    });
  }

  /** The offer to send, or null, with the reason in words. */
  function decided(user, rows, moved) {
    const [best] = rows;
    if (best.profit <= 0) return { best, sent: null, why: "no coupon is worth its cost" };
    const letters = moved.get("letters") ?? users.length;
    const mailed = choice.mailed(crowd(user, best, moved), letters);
    if (users.includes(user) && !mailed.has(users.indexOf(user))) {
      return { best, sent: null, why: "the letters do more for other users" };
    }
    const value = (name) => {
      const group = name.split("_")[0];
      return best.read[group][columns[group].findIndex((one) => one.name === name)];
    };
    return { best, sent: best, why: choice.reason(value) };
  }

  /** The value of something that can be moved, as it stands. */
  function current({ name, group, column }, user, chosen, moved) {
    if (moved.has(name)) return moved.get(name);
    if (name === "letters") return users.length;
    return group ? described(user, chosen, chosen, moved)[group][column] : economics[name];
  }

  return { OF_COUPON, OF_USER, OF_MONEY, answer, ranked, crowd, decided, current };
})();
