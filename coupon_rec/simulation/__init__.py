r"""A market whose truth is known: `simulate_market` draws it, and `Truth` tells what drove it.

`simulate_market` draws a year at once; `open_market` and `simulate` let it pass campaign by
campaign, under any policy. Both are one engine, block of users by block and period by period:
`period.py` lets one period pass for one block. Without mechanisms nothing that is sent changes what
comes later: equations (1) to (5). Mechanisms (6) to (17) are switched on one by one.

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
s(3 + z_ui), at list price. With any mechanism, both follow the price of the period. One purchase in
fifty is reviewed; the stars follow t_u . v_i, not the price.

**A market that answers back.** Below, k is a campaign, T the type of items of the coupon, C its
category, [.] is 1 where the condition holds, and every number is a constant beside the code. All of
it is known on the first day of a campaign and holds for the whole of it, so (2) stays exact. In
(3), tau_uc is multiplied by `strength`; 0 makes a null world.

- *fatigue*: in (3) h_u gives way to what a retailer can see,

      h_uk = 0.1 + 0.6 [no trip in the last period] - w(age_u) M_uk,
      M_uk = M_u,k-1 / 2 + [u was mailed in k - 1]                                           (6)

  with w from 0.4 for the youngest to 1.3 for the oldest. M is the person's, over all accounts.
  Those who have not shopped answer to mail, those who had much do not (Neslin, Taylor, Grantham
  and McNeil 2013; Godfrey, Seiders and Voss 2011).
- *response*: in (3) the second term is multiplied by

      s((d_c - theta_u) / 0.06) e_u a_C                                                   (7)

  theta_u is the depth that a user takes notice of, near 0.25 and less for the price-sensitive;
  e_u = 0.75 / rho_u, between 0.2 and 4: who shops rarely answers more; a_C is log-normal
  with deviation 0.2 by category. Gupta and Cooper (1992) find thresholds near 15% and saturation at
  20 to 30%; ours lie outside of that range, to tell three depths apart. Narasimhan,
  Neslin and Sen (1996) find differences between categories.
- *depths*: all three coupons of a type are in the campaign. Who is mailed gets one, with a
  probability proportional to exp(3 d) if there was no trip in the last period, exp(-3 d) if
  there was                                                                                   (8)

  (The policy is of our making, and the 3 a guess.)
- *elasticity*: a cut x of an item's log price moves its logit by g_u c_i x, and the units on a trip
  with a purchase, geometric, have the mean 1.3 exp(f_i x), with c_i = 0.85 E_i / 1.5,
  f_i = 0.15 E_i, and E_i between 1 and 6, 2.7 in the mean                                    (9)

  (Bijmolt, van Heerde and Pieters 2005: 2.62 in the mean of 1,851 estimates. The units answer to a
  cut more than in Complete Journey and less than in Ta Feng, a chain of grocers. Bell, Chiang and
  Padmanabhan 1999: buying sooner and buying more are a quarter of the response, switching is the
  rest.)
- *season*: z + A_C cos(2 pi (week - peak_C) / 52), A_C ~ N(0, 0.2^2)                        (10)

  (The size is a guess.)
- *stockpiling*: z - 2.5 S_uTk, S_uTk = max(S_uT,k-1 / 2, log price saved on T in k - 1)     (11)

  (van Heerde, Leeflang and Wittink 2000: dips of 4 to 25% of what a promotion brought.)
- *substitution*: z - g_u / 3 (sum of the cuts of the other types of C, each times its share of the
  sales of C) for what is on sale. A coupon multiplies the rates softplus(z) of the rest of its
  category by 1 - q, q a third of what it adds to the rates of T over the rates of the rest, at most
  0.9 and at least 0. A campaign then has coupons for one type of a category only            (12)

  (van Heerde, Gupta and Wittink 2003: a third of the units gained are taken from others.)
- *supply*: a unit costs (1 - m_i)(1 - 0.85 s_ik) of list price, m_i ~ N(0.23, 0.07^2), s_ik the
  share that is off in the period: the maker bears 0.85 (1 - m_i) of a sale. Each store, one for
  500 users, counts what a week has left, orders up to 2.15 weeks of usual sales, and has it when
  the next week begins; an order of your own is placed before a week and comes with the next. Who
  finds too little left buys nothing                                                         (13)

  (The mean and deviation of m_i are Ta Feng's. Gruen, Corsten and Bharadwaj 2002: 8.3% of items are
  out of stock; a quarter of shoppers then take another brand, which here nobody does.)
- *novelty*: half of the types have coupons from the first campaign on, the others from a later one.
  tau_uc + alpha_T, alpha_T ~ N(0, 0.25^2), is in no table                                    (14)

  (The half and the size are guesses.)
- *drift*: z + D_Ck, a random walk with steps N(0, 0.1^2)                                    (15)

  (The size is a guess.)
- *delay*: a redemption is reported an exponential time of 14 days later, and until then the
  retailer does not know of it.

  (Chapelle 2014: what an ad brings comes up to a month after it. The 14 days are a guess.)
- *content*: tau_uc + 0.25 [a photo] + 0.15 [a deadline in the text] + 0 [a border]          (16)

  (The sizes are guesses.)
- *platforms*: a coupon in place j of the list is looked at with probability j^(-0.5) on a phone,
  j^(-0.15) on a desk; who does not look acts as if it had not been sent. A view on a phone is
  clicked with a logit that is 0.8 lower. Lists are in an order by chance.

  (The powers and the 0.8 are guesses.)
- *accounts*: 12% of accounts are a person's second, with the same tastes, habit and patience, and
  four in ten of the trips.

  (Both shares are guesses.)
- *waiting*: 12% of users lower z for the types that have coupons by 0.6 X_uk, and buy at once what
  they have a coupon for; X_uk = (X_u,k-1 + [u was mailed in k - 1]) / 2                     (17)

  (Li, Granados and Netessine 2014: 5 to 19% of travellers wait in the middle half of markets.)
- *collecting*: 4% of accounts belong to the person of the account before, never shop, and redeem on
  what that person would have bought, with a logit that is 2.5 higher: the effect on the account is
  large, on the person nothing.

  (The share and the 2.5 are guesses.)

**Money.** A coupon adds to profit the margin of its type's units with it, less that without it,
less the margin that the rest of its category loses, less p(redeem) d_c times the price of a unit.
Where supply is off, costs are the same and nothing runs out. Without mechanisms the retailer bears
a fifth of what coupons take off, and the makers the rest. Sending costs extra: `oracle` counts it.

**Names.** In `truth.users`: rho is `trips` (a week), a `activity`, g `price_sensitivity`,
h `reaction`, q `habit`, t `taste_0` and so on. In `truth.items`: b is `popularity`, v `taste_0` and
so on. In `truth.coupons`: d is `depth`. `truth.candidates` holds (2) to (5) for each campaign at
its prices; the matrices, such as `truth.purchase`, hold p(u, i) at list prices.

**What is left out.** Baskets: items that go together, large and small trips, days of the week,
trips that a coupon brings. Loyalty that grows with each purchase, competitors, users who come or
leave, and word of mouth. List prices move only where a change is planted, and sales are drawn item
by item. Coupons are for one type and one campaign, and are not combined. Pictures are paths and
traits. A store of `supply` is the only one of its 500 users, who take nothing else where a shelf is
empty. No policy ranks the list, and views and clicks move nothing.

The parameters are set so that the market without mechanisms resembles Complete Journey;
`marginals` measures it, `price_marginals` does so for prices and costs, beside Ta Feng's, and
`tests/test_simulation.py` says how closely. With 1,000 items each is
bought far more often than one of 68,000: coupons therefore cover few items, 1 to 5, and not the
types that sell best.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
