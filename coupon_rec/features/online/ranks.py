"""Where a user stands among all others, while everyone moves."""

import numpy as np
from numpy.typing import NDArray

from coupon_rec.features.catalog import DIGITS, MILLIONTHS
from coupon_rec.features.online.snapshot import Floats, Ints, Lines, Snapshot
from coupon_rec.features.online.user_features import known, rounded, wallet_shares

NOT_YET = np.iinfo("int32").max
"""The day of the first purchase of someone who has made none."""
FAR = 2**44
"""More than any feature but money is, in units of its last digit."""


def keys(group: Ints, values: Floats, far: int = FAR) -> Ints:
    """Whole numbers in the order of groups, then of values, which have the digits of features."""
    units = np.minimum(np.rint(values * 10**DIGITS), far - 1)
    return np.asarray(group * far + units.astype("int64"))


def below(group: Ints, values: Floats) -> Ints:
    """How many values of the same group are below each."""
    mine = keys(group, values)
    in_order = np.sort(mine)
    return np.asarray(in_order.searchsorted(mine) - in_order.searchsorted(group * FAR))


class Ranks:
    """Values of several campaigns, sorted, for SQL's `percent_rank` in each.

    Of up to 500 campaigns, values are ranked up to 9 billion, such as currency a week; all that
    are more rank alike. Of n campaigns more than that, up to 4,600 billion / n.

    Parameters
    ----------
    campaign, values : numpy.ndarray
        Values of 0 or more, of campaigns numbered from 0; those above 0 are enough, shape (m,).
    sizes : numpy.ndarray
        How many each campaign has with those that are 0.
    """

    def __init__(self, campaign: Ints, values: Floats, sizes: Ints) -> None:
        self._far = min(2**53, 2**62 // max(len(sizes), 1))
        self._above = self._keys_above(campaign, values)
        self._sizes = sizes
        self._firsts = np.arange(len(sizes) + 1) * self._far

    def replace(self, campaign: Ints, old: Floats, new: Floats) -> None:
        """Take some values out and put as many others of the same campaigns in."""
        gone = self._keys_above(campaign, old)
        place = np.searchsorted(self._above, gone)
        same = np.arange(len(gone)) - np.searchsorted(gone, gone)
        rest = np.delete(self._above, place + same)
        come = self._keys_above(campaign, new)
        self._above = np.insert(rest, np.searchsorted(rest, come), come)

    def of(self, campaign: Ints, values: Floats, below: Ints | int, joining: Ints) -> Floats:
        """The rank of each value in its campaign, 0 to 1, rounded as a feature is.

        Parameters
        ----------
        campaign, values : numpy.ndarray
            Values of 0 or more, shape (n,).
        below, joining : numpy.ndarray
            How many values join the others to be ranked with each, and how many of these are
            below it, shape (n,).
        """
        edges = self._above.searchsorted(self._firsts)
        zeros = self._sizes - np.diff(edges)
        place = self._above.searchsorted(keys(campaign, values, self._far)) - edges[campaign]
        lower = np.where(values > 0, zeros[campaign] + place, 0) + below
        others = self._sizes[campaign] + joining - 1
        return np.asarray(rounded(lower / np.maximum(others, 1)))

    def _keys_above(self, campaign: Ints, values: Floats) -> Ints:
        """The keys of the values above 0, sorted."""
        return np.sort(keys(campaign, values, self._far)[values > 0])


class Crowd:
    """The ranks that depend on everyone who was mailed a campaign: by spend, and by wallet share.

    Parameters
    ----------
    snapshot : Snapshot
        Where the others stand to begin with.

    Attributes
    ----------
    campaigns : int
        How many there are.
    wallets : Ranks
        Of the offers, by match_wallet_share.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        offers, coupons = snapshot.offers, snapshot.coupons
        self.campaigns = int(coupons.campaign.max()) + 1
        user, pair = offers.of(np.arange(len(snapshot.user_row)))
        campaign = coupons.campaign[offers.coupon[pair]]
        mailed = np.unique(campaign * len(snapshot.user_row) + user)
        self._campaign, self._user = np.divmod(mailed, len(snapshot.user_row))
        mailed_others = np.repeat(snapshot.others.campaign, snapshot.others.offers)
        everyone = np.concatenate([campaign, mailed_others])
        self.wallets = Ranks(*snapshot.wallets, np.bincount(everyone, minlength=self.campaigns))
        first, last = snapshot.history.bounds
        sums = np.concatenate([[0], np.cumsum(snapshot.lines.amount)])
        self._spend = sums[last] - sums[first]
        days = np.append(snapshot.lines.day, 0)
        self._first_day = np.where(last > first, days[first], NOT_YET)
        others = snapshot.others
        self._campaign = np.append(self._campaign, others.campaign)
        self._user = np.append(self._user, len(first) + np.arange(len(others.campaign)))
        self._spend = np.append(self._spend, others.spend)
        self._first_day = np.append(self._first_day, others.first_day)
        self._start = snapshot.start
        self._rates = self._ranked_rates()

    def move(self, user: int, before: Lines, after: Lines) -> None:
        """Take note that a user, given by row, has more purchase lines than before."""
        coupons, mine = self._snapshot.coupons, self._snapshot.offers[user]
        campaigns = np.unique(coupons.campaign[mine])
        whose = np.full(len(campaigns), user)
        old_rate = self._rate(whose)
        old, new = (wallet_shares(lines, coupons)[mine] for lines in (before, after))
        self._spend[user] = after.amount.sum()
        self._first_day[user] = after.day.min(initial=NOT_YET)
        self.wallets.replace(coupons.campaign[mine], old, new)
        self._rates.replace(campaigns, old_rate, self._rate(whose))

    def spend_ranks(self, rates: Floats, start: int, joins: NDArray[np.bool_]) -> Floats:
        """The feature user_spend_rank, as of a start, in each campaign.

        Parameters
        ----------
        rates : numpy.ndarray
            What each of n users spends a week, shape (n,).
        start : int
            Day, since 1970.
        joins : numpy.ndarray
            Whether each user was mailed nothing, and is ranked as if mailed; shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (n, campaigns).
        """
        if start != self._start:
            self._start = start
            self._rates = self._ranked_rates()
        campaign = np.tile(np.arange(self.campaigns), len(rates))
        joining = joins.repeat(self.campaigns).astype("int64")
        ranks = self._rates.of(campaign, rates.repeat(self.campaigns), 0, joining)
        return ranks.reshape(-1, self.campaigns)

    def _ranked_rates(self) -> Ranks:
        """Rank everyone who was mailed a campaign by spend a week."""
        sizes = np.bincount(self._campaign, minlength=self.campaigns)
        return Ranks(self._campaign, self._rate(self._user), sizes)

    def _rate(self, users: Ints) -> Floats:
        """The feature user_spend_per_week of users, shape (n,)."""
        weeks = np.maximum((self._start - self._first_day[users]) / 7, 1)
        rates = self._spend[users] / MILLIONTHS / weeks
        return np.asarray(known({"user_spend_per_week": rates})["user_spend_per_week"])
