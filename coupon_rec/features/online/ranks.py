"""Where a user stands among all others, while everyone moves."""

import numpy as np
from numpy.typing import NDArray

from coupon_rec.features.catalog import MILLIONTHS
from coupon_rec.features.online.snapshot import Floats, Ints, Lines, Snapshot
from coupon_rec.features.online.user_features import known, rounded, wallet_shares

NOT_YET = np.iinfo("int32").max
"""The day of the first purchase of someone who has made none."""


class Ranks:
    """Values of several campaigns, sorted, for SQL's `percent_rank` in each.

    Parameters
    ----------
    campaign, values : numpy.ndarray
        Values of 0 or more, of campaigns numbered from 0; those above 0 are enough, shape (m,).
    sizes : numpy.ndarray
        How many each campaign has with those that are 0.
    """

    def __init__(self, campaign: Ints, values: Floats, sizes: Ints) -> None:
        self._sizes = sizes
        self._above = [
            np.sort(values[(campaign == one) & (values > 0)]) for one in range(len(sizes))
        ]

    def replace(self, campaign: Ints, old: Floats, new: Floats) -> None:
        """Take some values out and put as many others of the same campaigns in."""
        for one in np.unique(campaign):
            gone, come = (
                np.sort(values[(campaign == one) & (values > 0)]) for values in (old, new)
            )
            above = self._above[one]
            place = above.searchsorted(gone) + np.arange(len(gone)) - gone.searchsorted(gone)
            rest = np.delete(above, np.minimum(place, len(above) - 1))
            self._above[one] = np.insert(rest, rest.searchsorted(come), come)

    def of(self, campaign: Ints, values: Floats, below: Ints, joining: Ints) -> Floats:
        """The rank of each value in its campaign, 0 to 1.

        Parameters
        ----------
        campaign, values : numpy.ndarray
            Values of 0 or more, shape (n,).
        below, joining : numpy.ndarray
            How many values join the others to be ranked with each, and how many of these are
            below it, shape (n,).
        """
        lower = np.zeros(len(values))
        for one in np.unique(campaign):
            above, mine = self._above[one], (campaign == one) & (values > 0)
            lower[mine] = self._sizes[one] - len(above) + above.searchsorted(values[mine])
        others = self._sizes[campaign] + joining - 1
        return np.asarray((lower + below) / np.maximum(others, 1))


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
        offers, coupons, others = snapshot.offers, snapshot.coupons, snapshot.others
        self.campaigns = int(coupons.campaign.max()) + 1
        user, pair = offers.of(np.arange(len(snapshot.user_row)))
        campaign = coupons.campaign[offers.coupon[pair]]
        everyone = np.concatenate([campaign, others.campaign.repeat(others.offers)])
        self.wallets = Ranks(*snapshot.wallets, np.bincount(everyone, minlength=self.campaigns))
        mailed = np.unique(campaign * len(snapshot.user_row) + user)
        of_campaign, user = np.divmod(mailed, len(snapshot.user_row))
        first, last = snapshot.lines.bounds
        lines = snapshot.lines.rows
        sums = np.concatenate([[0], np.cumsum(lines.amount)])
        first_day = np.where(last > first, np.append(lines.day, 0)[first], NOT_YET)
        self._campaign = np.append(of_campaign, others.campaign)
        self._user = np.append(user, len(first) + np.arange(len(others.campaign)))
        self._spend = np.append(sums[last] - sums[first], others.spend)
        self._first_day = np.append(first_day, others.first_day)
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
        ranks = self._rates.of(campaign, rates.repeat(self.campaigns), 0 * joining, joining)
        return rounded(ranks).reshape(-1, self.campaigns)

    def _ranked_rates(self) -> Ranks:
        """Rank everyone who was mailed a campaign by spend a week."""
        sizes = np.bincount(self._campaign, minlength=self.campaigns)
        return Ranks(self._campaign, self._rate(self._user), sizes)

    def _rate(self, users: Ints) -> Floats:
        """The feature user_spend_per_week of users, shape (n,)."""
        weeks = np.maximum((self._start - self._first_day[users]) / 7, 1)
        rates = known({"user_spend_per_week": self._spend[users] / MILLIONTHS / weeks})
        return np.asarray(rates["user_spend_per_week"])
