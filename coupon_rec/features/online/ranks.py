"""Where a user stands among all others, while everyone moves."""

from functools import lru_cache

import numpy as np

from coupon_rec.features.catalog import MILLIONTHS
from coupon_rec.features.online.snapshot_reader import Floats, Ints, Lines, Snapshot
from coupon_rec.features.online.user_features import known, rounded, wallet_shares

NOT_YET = np.iinfo("int32").max
"""The day of the first purchase of someone who has made none."""


class Ranks:
    """The values of many offers or users, sorted, for SQL's `percent_rank`.

    Parameters
    ----------
    values : numpy.ndarray
        0 or more; those above 0 are enough, shape (m,).
    size : int
        How many there are with those that are 0.
    """

    def __init__(self, values: Floats, size: int) -> None:
        self._above = np.sort(values[values > 0])
        self._size = size

    def replace(self, old: Floats, new: Floats) -> None:
        """Take some values out and put as many others in."""
        old = np.sort(old[old > 0])
        place = np.searchsorted(self._above, old)
        same = np.arange(len(old)) - np.searchsorted(old, old)
        rest = np.delete(self._above, place + same)
        new = np.sort(new[new > 0])
        self._above = np.insert(rest, np.searchsorted(rest, new), new)

    def of(self, values: Floats, joins: bool = False) -> Floats:
        """The rank of each value, 0 to 1, rounded as a feature is.

        Parameters
        ----------
        values : numpy.ndarray
            0 or more, shape (n,).
        joins : bool
            Whether the values are not among the others yet, and are to be ranked with them.
        """
        zeros = self._size - len(self._above)
        below = np.where(values > 0, zeros + np.searchsorted(self._above, values), 0)
        size = self._size
        if joins:
            below = below + np.searchsorted(np.sort(values), values)
            size += len(values)
        return np.asarray(rounded(below / max(size - 1, 1)))


def within(values: Floats) -> Floats:
    """The rank of each value among themselves, 0 to 1, rounded as a feature is."""
    return _steps(len(values))[np.sort(values).searchsorted(values)]


@lru_cache(1000)
def _steps(size: int) -> Floats:
    """The ranks that there are among so many."""
    return np.asarray(rounded(np.arange(size) / max(size - 1, 1)))


class Crowd:
    """The ranks that depend on everyone who was mailed a campaign: by spend, and by wallet share.

    Parameters
    ----------
    snapshot : Snapshot
        Where the others stand to begin with.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        coupons, offers = snapshot.coupons, snapshot.offers
        user, pair = offers.of(np.arange(len(snapshot.user_row)))
        campaign = coupons.campaign_id[offers.coupon[pair]]
        self._mailed = {each: np.unique(user[campaign == each]) for each in snapshot.wallets}
        self._wallets = {
            each: Ranks(shares, int((campaign == each).sum()))
            for each, shares in snapshot.wallets.items()
        }
        first, last = snapshot.history.bounds
        sums = np.concatenate([[0], np.cumsum(snapshot.lines.amount)])
        self._spend = sums[last] - sums[first]
        days = np.append(snapshot.lines.day, 0)
        self._first_day = np.where(last > first, days[first], NOT_YET)
        self._start, self._rates = 0, dict[int, Ranks]()

    def move(self, user: int, before: Lines, after: Lines) -> None:
        """Take note that a user, given by row, has more purchase lines than before."""
        coupons, mine = self._snapshot.coupons, self._snapshot.offers[user]
        old_rate = self._rate(np.array([user]))
        old, new = (wallet_shares(lines, coupons)[mine] for lines in (before, after))
        self._spend[user] = after.amount.sum()
        self._first_day[user] = after.day.min(initial=NOT_YET)
        campaigns = coupons.campaign_id[mine]
        for campaign in np.unique(campaigns).tolist():
            here = campaigns == campaign
            self._wallets[campaign].replace(old[here], new[here])
            if self._rates:
                self._rates[campaign].replace(old_rate, self._rate(np.array([user])))

    def spend_rank(self, campaign: int, rate: float, start: int, joins: bool) -> float:
        """The feature user_spend_rank of someone who spends `rate` a week, as of a start."""
        if start != self._start:
            self._start = start
            self._rates = {
                each: Ranks(self._rate(users), len(users)) for each, users in self._mailed.items()
            }
        return float(self._rates[campaign].of(np.array([rate]), joins)[0])

    def wallet_ranks(self, campaign: int, shares: Floats, joins: bool) -> Floats:
        """The feature match_wallet_rank of offers in a campaign, from match_wallet_share."""
        return self._wallets[campaign].of(shares, joins)

    def _rate(self, users: Ints) -> Floats:
        """The feature user_spend_per_week of users, shape (n,)."""
        weeks = np.maximum((self._start - self._first_day[users]) / 7, 1)
        rates = self._spend[users] / MILLIONTHS / weeks
        return np.asarray(known(["user_spend_per_week"], rates[:, None])[:, 0])
