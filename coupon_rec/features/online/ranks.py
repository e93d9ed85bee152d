"""Where a user stands among all others, as they were at one moment."""

from collections.abc import Mapping
from copy import copy

import numpy as np

from coupon_rec.features.catalog import MILLIONTHS
from coupon_rec.features.online.snapshot import Floats, Ints, Rows, Snapshot
from coupon_rec.features.online.user_features import known, last_of, wallet_shares

STARTS = 8
"""Days for which a crowd keeps its order by spend; few are asked about between two crowds."""


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

    def replaced(self, campaign: Ints, old: Floats, new: Floats) -> "Ranks":
        """The same with some values taken out and as many others of the same campaigns put in."""
        other = copy(self)
        other._above = [*self._above]
        for one in np.unique(campaign):
            gone, come = (
                np.sort(values[(campaign == one) & (values > 0)]) for values in (old, new)
            )
            above = self._above[one]
            place = above.searchsorted(gone) + np.arange(len(gone)) - gone.searchsorted(gone)
            rest = np.delete(above, np.minimum(place, len(above) - 1))
            other._above[one] = np.insert(rest, rest.searchsorted(come), come)
        return other

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
        for one, above in enumerate(self._above):
            mine = (campaign == one) & (values > 0)
            lower[mine] = self._sizes[one] - len(above) + above.searchsorted(values[mine])
        others = self._sizes[campaign] + joining - 1
        return np.asarray((lower + below) / np.maximum(others, 1))


class Crowd:
    """Everyone who was mailed a campaign, as they were at one moment: by spend, and wallet share.

    Parameters
    ----------
    snapshot : Snapshot
        Where they stand to begin with.

    Attributes
    ----------
    wallets : Ranks
        Of the offers, by match_wallet_share.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        users = np.arange(len(snapshot.user_row) + 1)
        campaign, offers = snapshot.coupons.campaign, snapshot.offers
        of_offer, size = campaign[offers.rows["coupon"]], int(campaign.max()) + 1
        ids = np.unique(snapshot.coupons.campaign_id)
        self.wallets = Ranks(
            ids.searchsorted(snapshot.wallets["campaign_id"]),
            snapshot.wallets["share"],
            np.bincount(of_offer, minlength=size),
        )
        mailed = np.unique(of_offer * len(users) + offers.of(users)[0])
        self._campaign, self._user = np.divmod(mailed, len(users))
        self._sizes = np.bincount(self._campaign, minlength=size)
        user, lines = snapshot.lines.of(users)[0], snapshot.lines.rows
        self._spend = np.bincount(user, lines["amount"], len(users))
        self._first_day = last_of(user[::-1], lines["day"][::-1], len(users))
        self._rates: dict[int, Ranks] = {}

    def moved(self, bought: Mapping[int, tuple[Rows, Rows]]) -> "Crowd":
        """The crowd of a later moment.

        Parameters
        ----------
        bought : mapping of int to (numpy.ndarray, numpy.ndarray)
            The purchase lines of each user, given by row, that has others now: before, and now.
        """
        if not bought:
            return self
        other, coupons = copy(self), self._snapshot.coupons
        other._spend, other._first_day = self._spend.copy(), self._first_day.copy()
        other._rates = {}
        offers = {user: self._snapshot.offers[user]["coupon"] for user in bought}
        for user, (_, now) in bought.items():
            other._spend[user] = now["amount"].sum()
            other._first_day[user] = now["day"][0] if len(now) else np.nan
        old, new = (
            np.concatenate(
                [wallet_shares(both[k], coupons)[offers[user]] for user, both in bought.items()]
            )
            for k in (0, 1)
        )
        campaign = coupons.campaign[np.concatenate([*offers.values()])]
        other.wallets = self.wallets.replaced(campaign, old, new)
        return other

    def spend_ranks(self, campaign: Ints, rates: Floats, start: int, joining: Ints) -> Floats:
        """The feature user_spend_rank, as of a start, of users in campaigns.

        Parameters
        ----------
        campaign, rates : numpy.ndarray
            The place of a campaign, and what a user spends a week, shape (m,).
        start : int
            Day, since 1970.
        joining : numpy.ndarray
            1 for a user who was mailed nothing, and is ranked as if mailed, else 0; shape (m,).
        """
        if start not in self._rates:
            if len(self._rates) == STARTS:
                self._rates.clear()
            rates_then = self._spend_per_week(start)[self._user]
            self._rates[start] = Ranks(self._campaign, rates_then, self._sizes)
        return self._rates[start].of(campaign, rates, 0 * joining, joining)

    def _spend_per_week(self, start: int) -> Floats:
        """The feature user_spend_per_week of everyone as of a start, shape (n,)."""
        weeks = np.fmax((start - self._first_day) / 7, 1)
        rates = known({"user_spend_per_week": self._spend / MILLIONTHS / weeks})
        return np.asarray(rates["user_spend_per_week"])
