"""Experiments: two groups of users compared, once at the end or at any time."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec._extras import need
from coupon_rec.arguments import numbers, require, require_one_order, require_present


def compare_groups(
    users: pd.DataFrame,
    metric: str,
    group: str = "variant",
    *,
    before: str | None = None,
    share: float = 0.5,
    least_ratio_p: float = 0.001,
    confidence: float = 0.95,
) -> pd.Series:
    """Compare two groups of an experiment, once, when it has run as long as was planned.

    The library tea-tasting computes it: Welch's test, CUPED, and the sample-ratio check.

    Parameters
    ----------
    users : pandas.DataFrame
        One row a user: `user_id`, the metric, the group (0 or False for who keeps the old policy,
        1 or True for who gets the new one) and ``before``.
    metric : str
        Column of what is compared, such as profit in currency.
    group : str
        Column of the group.
    before : str, optional
        Column of a number known before the experiment, such as spend in the month before it: CUPED
        then takes out of the metric what that number predicts (Deng, Xu, Kohavi and Walker 2013).
    share : float
        Share of the users that were meant to get the new policy, in (0, 1).
    least_ratio_p : float
        The groups' sizes must be at least this probable under ``share``; 0 lets all pass.
    confidence : float
        Of the interval, in (0, 1).

    Returns
    -------
    pandas.Series
        control, treatment (means of the metric), difference (treatment - control), low, high, p
        (two-sided, of no difference), ratio_p (of the groups' sizes) and users.

    Raises
    ------
    ValueError
        If a column is missing or holds no numbers, a user has two rows, there are not two groups
        of two users or more, the metric does not vary within them, or their sizes do not fit
        ``share``: then something but chance decided who is in the data.
    ModuleNotFoundError
        If tea-tasting is not installed.

    Examples
    --------
    >>> users = pd.DataFrame({"user_id": range(8), "variant": [0, 1] * 4})
    >>> users["profit"] = [1.0, 2.0, 3.0, 5.0, 2.0, 4.0, 4.0, 5.0]
    >>> compare_groups(users, "profit").round(2).to_dict()
    {'control': 2.5, 'treatment': 4.0, 'difference': 1.5, 'low': -0.85, 'high': 3.85, 'p': 0.17, \
'ratio_p': 1.0, 'users': 8.0}
    """
    need("tea_tasting", "book")
    import tea_tasting  # type: ignore[import-untyped]

    columns = [metric, group] if before is None else [metric, group, before]
    require_present(users, ["user_id", *columns], "users")
    twice = users["user_id"].duplicated()
    require("users['user_id']", users["user_id"], ~twice.to_numpy(), "different in each row")
    for column in columns:
        numbers(f"users[{column!r}]", users[column])
    if set(users[group].unique()) != {0, 1}:
        raise ValueError(f"users[{group!r}] must hold 0 and 1, not {sorted(set(users[group]))}")
    groups = users.groupby(group)
    if (fewest := groups.size().min()) < 2:
        raise ValueError(f"each group needs two users or more, but one has {fewest}")
    for column in columns:
        if column != group and (groups[column].nunique() == 1).all():
            raise ValueError(
                f"users[{column!r}] is the same for all users of a group, so nothing says how much "
                "it scatters: choose another column"
            )
    if not 0 < share < 1:
        raise ValueError(f"share must be in (0, 1), such as 0.5, but it is {share}")
    data = users[columns].astype("float64").assign(**{group: users[group].astype("int64")})
    mean = tea_tasting.Mean(metric, covariate=before, confidence_level=confidence)
    ratio = tea_tasting.SampleRatio(share / (1 - share))
    experiment = tea_tasting.Experiment({"metric": mean, "ratio": ratio}, variant=group)
    analysis = experiment.analyze(data, control=0)
    result, sizes = analysis["metric"], analysis["ratio"]
    if sizes.pvalue < least_ratio_p:
        raise ValueError(
            f"{sizes.control:,} and {sizes.treatment:,} users are not split as planned (share "
            f"{share:g}, p = {sizes.pvalue:.1g}): find out who is missing, for the groups are no "
            "longer alike. least_ratio_p=0 compares them all the same"
        )
    return pd.Series(
        {
            "control": result.control,
            "treatment": result.treatment,
            "difference": result.effect_size,
            "low": result.effect_size_ci_lower,
            "high": result.effect_size_ci_upper,
            "p": result.pvalue,
            "ratio_p": sizes.pvalue,
            "users": float(len(users)),
        }
    )


def always_valid(
    difference: ArrayLike, variance: ArrayLike, scale: float, confidence: float = 0.95
) -> pd.DataFrame:
    r"""Intervals that hold at all looks together, so that you may stop when you like.

    Parameters
    ----------
    difference : array_like
        Of two means, as it stands at each look, shape (looks,).
    variance : array_like
        Of that difference at each look: the sum of both groups' variances of the mean, above 0.
    scale : float
        Size of a difference that would matter, above 0, chosen before the data are seen. The
        intervals hold whatever it is, and are tightest for their variance where their half-width
        is about this size.
    confidence : float
        That all of them hold the truth, in (0, 1).

    Returns
    -------
    pandas.DataFrame
        One row a look, with columns low and high. The new policy is better, or worse, as soon as
        one of them lies above, or below, 0.

    Raises
    ------
    ValueError
        If an argument does not fit, is in another order or is out of its range.

    Notes
    -----
    Equation `eq-always-valid` of the book: a mixture of likelihood ratios over normal effects
    with deviation ``scale`` is a martingale without an effect, and rarely becomes large (Robbins
    1970; Johari, Koomen, Pekelis and Walsh 2017). It holds for users who arrive one after the
    other, in large numbers, since the variance is estimated; and for one share of users throughout:
    where a test grows from 5% to 50%, start anew at each step, for days with other shares must not
    be pooled into one difference.

    Examples
    --------
    >>> always_valid([0.5, 0.3], [0.04, 0.01], scale=0.2).round(2).to_numpy().tolist()
    [[-0.23, 1.23], [-0.01, 0.61]]
    """
    require_one_order(difference=difference, variance=variance)
    d = numbers("difference", difference)
    v = numbers("variance", variance, d.size)
    require("variance", v, v > 0, "above 0")
    if not 0 < scale < np.inf or not 0 < confidence < 1:
        raise ValueError(
            f"scale must be above 0 and confidence in (0, 1), not {scale} and {confidence}"
        )
    both = v + scale**2
    half = np.sqrt(v * both / scale**2 * np.log(both / v / (1 - confidence) ** 2))
    return pd.DataFrame({"low": d - half, "high": d + half})
