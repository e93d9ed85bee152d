"""How large an experiment must be, and what the first one of a shop takes and costs."""

import math
from dataclasses import dataclass
from functools import partial

from scipy.optimize import brentq
from scipy.stats import norm

from coupon_rec.decisions.value import Economics


def power(
    size: float,
    effect: float,
    deviation: float,
    *,
    share: float = 0.5,
    per_user: float = 1.0,
    correlation: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """Chance that an experiment finds an effect, if there is one of this size.

    Parameters
    ----------
    size : float
        Rows of both groups together, above 0.
    effect : float
        The true difference of the means, in the unit of the outcome.
    deviation : float
        Standard deviation of the outcome within a group, above 0; of a label with mean p, the root
        of p (1 - p).
    share : float
        Of the rows that are treated, in (0, 1); the rest is the holdout.
    per_user : float
        Rows of one user, who are treated together or not at all; 1 or more.
    correlation : float
        Between two rows of one user, in [0, 1].
    confidence : float
        Of the two-sided interval that must not hold 0.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> round(power(1000, effect=0.05, deviation=0.3), 2)
    0.75

    Notes
    -----
    The error is `deviation` times the root of D / (size share (1 - share)), where
    D = 1 + (per_user - 1) correlation is the design effect of Kish (1965): equation `eq-power`.
    """
    for name, number, good, wanted in (
        ("size", size, size > 0, "above 0"),
        ("deviation", deviation, deviation > 0, "above 0"),
        ("share", share, 0 < share < 1, "in (0, 1)"),
        ("per_user", per_user, per_user >= 1, "1 or more"),
        ("correlation", correlation, 0 <= correlation <= 1, "in [0, 1]"),
        ("confidence", confidence, 0 < confidence < 1, "in (0, 1)"),
        ("effect", effect, math.isfinite(effect), "a finite number"),
    ):
        if not good or not math.isfinite(number):
            raise ValueError(f"{name} must be {wanted}, but it is {number}")
    design = 1 + (per_user - 1) * correlation
    error = deviation * math.sqrt(design / (size * share * (1 - share)))
    edge = norm.ppf((1 + confidence) / 2)
    return float(norm.sf(edge - abs(effect) / error) + norm.cdf(-edge - abs(effect) / error))


def holdout_size(
    effect: float,
    deviation: float,
    *,
    power: float = 0.8,
    share: float = 0.5,
    per_user: float = 1.0,
    correlation: float = 0.0,
    confidence: float = 0.95,
) -> int:
    """Rows that an experiment needs to find an effect of this size with this chance.

    Parameters
    ----------
    effect, deviation, share, per_user, correlation, confidence
        As for the function `power`, and so are the errors; the effect is not 0.
    power : float
        Chance of finding it, above 1 - confidence and below 1.

    Returns
    -------
    int
        Rows of both groups together; the holdout is the part 1 - share of them.

    Examples
    --------
    Half of the effect takes four times the rows:

    >>> holdout_size(effect=0.02, deviation=0.3), holdout_size(effect=0.01, deviation=0.3)
    (7064, 28256)

    Notes
    -----
    The size at which equation `eq-power` gives the power.
    """
    power_of = partial(
        _power,
        effect=effect,
        deviation=deviation,
        share=share,
        per_user=per_user,
        correlation=correlation,
        confidence=confidence,
    )
    power_of(1)  # checks the arguments
    if not 1 - confidence < power < 1:
        raise ValueError(f"power must be above {1 - confidence:g} and below 1, but it is {power}")
    if effect == 0:
        raise ValueError("effect must not be 0: no experiment is large enough to find nothing")
    design = 1 + (per_user - 1) * correlation
    scale = math.log(design / (share * (1 - share))) + 2 * math.log(deviation / abs(effect))
    size = brentq(lambda log_size: power_of(math.exp(log_size)) - power, scale - 20, scale + 20)
    return math.ceil(math.exp(size) * (1 - 1e-9))


_power = power
"""The function, where an argument has its name."""


@dataclass(frozen=True)
class Pilot:
    """A first experiment with a coupon.

    Attributes
    ----------
    mailed, held : int
        Users, drawn by chance, who get the coupon, and who get nothing and are compared with them.
    pays : float
        The effect on the probability of a purchase at which a coupon just pays for itself.
    cost : float
        What the pilot costs, in currency, if the coupon causes nothing and all who buy redeem it.
    stop : float
        Stop early where the shop has paid more than this for discounts, in currency: if the effect
        is what you hope for, chance alone does so once in twenty pilots at most.
    """

    mailed: int
    held: int
    pays: float
    cost: float
    stop: float


def first_pilot(
    bought: float,
    effect: float,
    *,
    spend: float,
    discount: float,
    shop_share: float = 1.0,
    economics: Economics | None = None,
    power: float = 0.8,
    share: float = 0.5,
) -> Pilot:
    """Size and cost a first experiment with a coupon, in a shop where none was ever redeemed.

    It needs no redemptions and no model: only what users buy without coupons. It takes all who
    buy for redeemers, as a shop that knows nothing must.

    Parameters
    ----------
    bought : float
        Share of the users who buy an item of the coupon without it, in as many days as it will be
        valid; in (0, 1).
    effect : float
        What you hope that the coupon adds to that share.
    spend, discount : float
        What a purchase brings, and what the coupon takes off it, in currency, above 0.
    shop_share : float
        Of the discount that the shop pays, in [0, 1].
    economics : Economics, optional
        For its `margin` and `contact`.
    power : float
        Chance of finding, if the effect is what you hope for, that the coupon pays.
    share : float
        Of the users of the pilot who are mailed, in (0, 1).

    Returns
    -------
    Pilot
        Whom to mail, how many, at what cost, and when to stop.

    Raises
    ------
    ValueError
        If a number is out of its range, or the coupon does not pay even if all that you hope for
        comes true.

    Examples
    --------
    >>> first_pilot(0.08, 0.08, spend=5.0, discount=0.5, economics=Economics(margin=0.3))
    Pilot(mailed=1354, held=1354, pays=0.045, cost=60.93, stop=119.41)

    Notes
    -----
    Equation `eq-first-pilot`: with m the margin on a purchase, d the shop's part of the discount
    and k the contact, a coupon pays from the effect (bought d + k) / (m - d) on. The size is that
    of `holdout_size` for the rest of the effect.
    """
    economics = economics or Economics()
    for name, value in {"bought": bought, "share": share}.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} must be in (0, 1), but it is {value}")
    if not 0 < effect < 1 - bought:
        raise ValueError(f"effect must be in (0, {1 - bought:g}), but it is {effect}")
    if not (spend > 0 and discount > 0 and 0 <= shop_share <= 1):
        raise ValueError("spend and discount must be above 0, and shop_share in [0, 1]")
    gain, paid = economics.margin * spend, shop_share * discount
    pays = (bought * paid + economics.contact) / (gain - paid) if gain > paid else math.inf
    if pays >= effect:
        raise ValueError(
            f"an effect of {effect} does not pay for this coupon, which needs one of {pays:.3f}: "
            "take less off, let the maker pay, or choose items of a higher margin"
        )
    hoped = bought + effect
    middle = bought + effect / 2
    deviation = math.sqrt(middle * (1 - middle))
    users = holdout_size(effect - pays, deviation, power=power, share=share)
    mailed = math.ceil(users * share)
    cost = mailed * (bought * paid + economics.contact)
    most = mailed * hoped + norm.ppf(0.95) * math.sqrt(mailed * hoped * (1 - hoped))
    held = math.ceil(users * (1 - share))
    return Pilot(mailed, held, round(pays, 6), round(cost, 2), round(float(most * paid), 2))
