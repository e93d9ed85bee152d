"""What people say of a shop, hour by hour: simulated, so that we know when something is wrong."""

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from coupon_rec.arguments import Floats
from coupon_rec.listening import Errors
from coupon_rec.simulation import simulate_market

RATED = {
    "tweets": "tweets",
    "newspaper": "nytEditorialSnippets",
    "shop": "amazonReviewSnippets",
    "film": "movieReviewSnippets",
}
"""Kinds of texts that people rated, and what their files are called."""
BEGIN = "2026-01-05"  # a Monday
SHARE = 0.2
"""Of opinions that are negative when nothing is wrong."""


def week() -> Floats:
    """How the hours of a week differ: shape (168,), mean 1. Mondays are loud, nights are quiet."""
    hour, day = np.arange(168) % 24, np.arange(168) // 24
    morning, evening = (np.exp(-0.5 * ((hour - peak) / 2.5) ** 2) for peak in (10, 19))
    loud = np.array([1.5, 1.0, 1.0, 1.0, 1.05, 0.8, 0.75])[day]
    shape = loud * (0.25 + 1.2 * morning + evening)
    return np.asarray(shape / shape.mean())


def talk(
    weeks: int,
    seed: int | Sequence[int],
    *,
    paths: int = 1,
    mean: float = 20.0,
    errors: Errors | None = None,
    start: int | None = None,
    hours: int = 24,
    negative: float = 1.0,
    other: float = 1.0,
    runs: float = 0.0,
) -> tuple[Floats, Floats]:
    """Draw hourly counts of opinions, and of those that an erring classifier calls negative.

    Parameters
    ----------
    weeks, seed, paths
        How long, the seed, and how many streams.
    mean : float
        Opinions an hour, on average.
    errors : Errors, optional
        Of the classifier; none if left out.
    start, hours : int
        When something happens, as an hour from 0, and for how long.
    negative, other : float
        By what the numbers of negative and of other opinions are multiplied meanwhile.
    runs : float
        Correlation of a day's mood with that of the day before, in [0, 1).

    Returns
    -------
    numpy.ndarray, numpy.ndarray
        Called negative, and all: each of shape (paths, 168 * weeks).

    Notes
    -----
    Talk varies from day to day (log-normal, 0.15) and from hour to hour (gamma, shape 10), and the
    log odds of a negative opinion from day to day (normal, 0.12).
    """
    rng, errors, days = np.random.default_rng(seed), errors or Errors(), 7 * weeks
    loud = np.repeat(np.exp(rng.normal(0, 0.15, (paths, days))), 24, axis=1)
    mood = rng.normal(0, 0.12, (paths, days))
    for day in range(1, days):
        mood[:, day] = runs * mood[:, day - 1] + np.sqrt(1 - runs**2) * mood[:, day]
    mood = np.repeat(mood, 24, axis=1)
    share = 1 / (1 + (1 - SHARE) / SHARE * np.exp(-mood))
    rate = mean * np.tile(week(), weeks) * loud * rng.gamma(10, 0.1, (paths, 24 * days))
    bad, rest = rate * share, rate * (1 - share)
    if start is not None:
        bad[:, start : start + hours] *= negative
        rest[:, start : start + hours] *= other
    bad, rest = rng.poisson(bad), rng.poisson(rest)
    called = rng.binomial(bad, errors.caught) + rng.binomial(rest, errors.wrongly)
    return called.astype(np.float64), (bad + rest).astype(np.float64)


def frame(negatives: Floats, opinions: Floats, begin: str = BEGIN) -> pd.DataFrame:
    """The counts of one stream, as a `Watch` is tuned with them."""
    hours = pd.date_range(begin, periods=len(opinions), freq="h")
    return pd.DataFrame({"opinions": opinions, "negatives": negatives}, hours).astype(int)


def said(
    sentences: pd.DataFrame,
    weeks: int,
    seed: int,
    *,
    mean: float = 6.0,
    topic: str | None = None,
    start: int = 0,
    hours: int = 24,
    negative: float = 1.0,
) -> pd.DataFrame:
    """Draw a stream of sentences: every hour some of each topic, in the order of their time.

    Parameters
    ----------
    sentences : pandas.DataFrame
        `text`, `topic` and `sentiment`, from which they are drawn.
    weeks, seed
        How long, and the seed.
    mean : float
        Opinions an hour of each topic, on average.
    topic, start, hours, negative
        From hour `start` on, for so many hours, this topic has `negative` times as many negative
        opinions.

    Returns
    -------
    pandas.DataFrame
        `time` and `text`.
    """
    rng, parts = np.random.default_rng(seed), []
    for number, (about, own) in enumerate(sentences.groupby("topic")):
        times = negative if about == topic else 1.0
        bad, every = talk(
            weeks, [seed, number], mean=mean, start=start, hours=hours, negative=times
        )
        for wanted, counts in ((True, bad[0]), (False, every[0] - bad[0])):
            hour = np.repeat(np.arange(len(counts)), counts.astype(int))
            second = 3600 * hour + rng.integers(0, 3600, len(hour))
            text = rng.choice(own.loc[(own["sentiment"] < 0) == wanted, "text"], len(hour))
            parts.append(pd.DataFrame({"second": second, "text": text}))
    every_one = pd.concat(parts).sort_values("second", kind="stable", ignore_index=True)
    every_one.insert(0, "time", pd.Timestamp(BEGIN) + pd.to_timedelta(every_one.pop("second"), "s"))
    return every_one


class Spoiled(NamedTuple):
    """Reviews of a simulated market in which one department went bad for two days.

    Attributes
    ----------
    reviews : pandas.DataFrame
        `time`, `department` and `rating`, in the order of their time.
    coupons : pandas.Series
        The department of most items of each coupon.
    department : str
        Which one went bad.
    began : pandas.Timestamp
        When.
    """

    reviews: pd.DataFrame
    coupons: pd.Series
    department: str
    began: pd.Timestamp


def spoiled_market(seed: int = 0, days: int = 110, share: float = 0.7) -> Spoiled:
    """Simulate a market, and give one star to a share of a department's reviews for two days."""
    market = simulate_market(users=2500, items=300, coupons=48, campaigns=4, seed=seed).market
    assert market.reviews is not None
    departments = market.items.select("item_id", "department")
    reviews = market.reviews.join(departments, "item_id").to_pandas()
    order = ["time", "user_id", "item_id"]
    reviews = reviews.sort_values(order, ignore_index=True)
    covered = market.coupon_items.join(departments, "item_id").to_pandas()
    coupons = covered.groupby("coupon_id")["department"].agg(lambda names: names.mode()[0])
    department = str(reviews["department"].mode()[0])
    began = reviews["time"].iloc[0].normalize() + pd.Timedelta(days=days)
    bad = reviews["time"].between(began, began + pd.Timedelta(days=2))
    bad &= reviews["department"] == department
    bad &= np.random.default_rng(seed).random(len(reviews)) < share
    reviews.loc[bad, "rating"] = 1
    return Spoiled(reviews[["time", "department", "rating"]], coupons, department, began)


def rated(archive: Path) -> Iterator[tuple[str, list[str], list[float]]]:
    """Read every fourth of the texts that people rated, and their mean rating, kind by kind."""
    with tarfile.open(archive) as files:
        for kind, name in RATED.items():
            member = files.extractfile(f"hutto_ICWSM_2014/{name}_GroundTruth.txt")
            assert member is not None
            lines = member.read().decode("latin-1").splitlines()[::4]
            rows = [line.split("\t") for line in lines]
            yield kind, [row[2] for row in rows], [float(row[1]) for row in rows]
