/* From probabilities to a coupon, or none: what coupon_rec.decisions computes, with its words. */
"use strict";

const choice = (() => {
  const NEVER = 365;

  /** Expected incremental profit of an offer that is redeemed with probability p, in dollars. */
  function profit(p, spend, discount, economics) {
    const gain = economics.incremental * economics.margin * spend;
    return p * (gain - economics.retailer_match * discount) - economics.contact;
  }

  /** The users who get a letter: those for whom it does most, while there are letters. */
  function mailed(values, letters) {
    const order = values.map((_, user) => user).sort((a, b) => values[b] - values[a]);
    return new Set(order.slice(0, letters).filter((user) => values[user] > 0));
  }

  const count = (number, one, many) =>
    `${Math.round(number)} ${Math.round(number) === 1 ? one : many}`;

  /** What speaks for an offer, in words; `feature` gives a feature by its name. */
  function reason(feature) {
    const facts = [];
    if (feature("match_recency") < NEVER) {
      const items = count(feature("match_distinct_items"), "of its items", "of its items");
      facts.push(`bought ${items}, last ${count(feature("match_recency"), "day", "days")} ago`);
    } else if (feature("match_category_recency") < NEVER) {
      const ago = count(feature("match_category_recency"), "day", "days");
      facts.push(`shopped its category ${ago} ago`);
    } else {
      facts.push("has not bought anything like it; its items sell well");
    }
    if (feature("user_redemption_recency") < NEVER) {
      const ago = count(feature("user_redemption_recency"), "day", "days");
      facts.push(`redeemed a coupon ${ago} ago`);
    }
    return facts.join("; ");
  }

  return { profit, mailed, reason };
})();
