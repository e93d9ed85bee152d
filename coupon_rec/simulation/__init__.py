r"""A market whose truth is known: `simulate_market` draws it, and `Truth` tells what drove it.

The whole model, for user u, item i, coupon c and campaign k. Greek and small letters below are
drawn once and for all; `model.py` holds each equation once.

**Trips.** Time runs in periods of W = 4 weeks. A user makes Poisson(W rho_u) trips in a period,
rho_u log-normal. On each trip, each item is bought or not, independently.

**Purchases.** With s the logistic function, the probability that a trip brings the item is
s(z_uik), where

    z_uik = a_u + b_i + t_u . v_i - g_u log(price_ik / usual price)                           (1)

- a_u: how much the user buys at all; b_i: how popular the item is, a power law of its rank;
- t_u . v_i: tastes, t_u ~ N(0, 1) in 8 dimensions, v_i near the vector of the item's category;
- g_u > 0: price sensitivity; price_ik: list price less the sale of the period, if there is one.

A campaign lasts one period, so the probability that the user buys some item of a set S in it is

    p(u, S) = 1 - exp(-W rho_u (1 - prod over i in S of (1 - s(z_uik))))                      (2)

and p(u, i) is the case of a single item. For one week instead of four it is
1 - (1 - p(u, i))^(1/4).

**Coupons.** Coupon c takes the share d_c off the price of all items of one type, its set S_c.
Offered to u, it moves the logits of these items, for the campaign, by

    tau_uc = h_u - 0.7 g_u log(1 - d_c)                                                       (3)

where h_u is 0.1, or -1.2 for the 15% of users whom mail annoys. buy_without and buy_with are (2)
without and with tau_uc in z; their difference is the effect. A campaign holds at most one coupon
for an item and campaigns do not overlap, so no purchase is moved by two coupons.
p(u, i, c) is (2) for a single item of the coupon with tau_uc in z.

**Redemption.** It needs a purchase under the coupon, and then has probability

    r_uc = s(q_u + 4 (d_c - 1/4)),   p(redeem | u, c) = buy_with(u, c) r_uc                   (4)

where q_u is the user's habit, N(-3.15, 1.8^2): most users never redeem, some nearly always. The
chain rule holds exactly.

**Offers.** The logging policy is known, and `market.offers` has both factors of it. It prefers
users who shop often, and in a campaign of type A also coupons whose items they buy:

    propensity = (0.02 + 0.48 s(4 log(rho_u / 1.1))) e_uc                                     (5)

The first factor is drawn once for a user and campaign. e_uc is 1 in campaigns of types B and C;
in type A it is 0.2 + 0.6 s(3 + log buy_without), drawn for each coupon.

**Potential outcomes.** The world with a coupon adds purchases to the world without it if
tau_uc > 0 and takes some away if tau_uc < 0. So each user and coupon is of one of four kinds: buys
anyway, buys only with it, buys only without it, does not buy.

**Views, clicks, reviews.** Users view items in proportion to what they would buy at its best
price, and a fifth of the items they buy within the day before. A view is clicked with probability
s(3 + z_ui). One purchase in fifty is reviewed; the stars follow t_u . v_i, not the price.

**Names.** In `truth.users`: rho is `trips` (a week), a `activity`, g `price_sensitivity`,
h `reaction`, q `habit`, t `taste_0` and so on. In `truth.items`: b is `popularity`, v `taste_0` and
so on. In `truth.coupons`: d is `depth`. `truth.candidates` holds (2) to (5) for each campaign at
its prices; the matrices, such as `truth.purchase`, hold p(u, i) at list prices.

**What is left out.** Seasons, stocking up, items that replace each other, loyalty that grows with
each purchase, and large and small shopping trips of one user. The parameters are set so that the
market resembles Complete Journey; `marginals` measures it and `tests/test_simulation.py` says how
closely. With 1,000 items each is bought far more often than one of 68,000: coupons therefore
cover few items, 1 to 5, and not the types that sell best.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
