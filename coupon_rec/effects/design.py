"""How large an experiment must be: its size for a power, and its power for a size."""

import math
from functools import partial

from scipy.optimize import brentq
from scipy.stats import norm


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
