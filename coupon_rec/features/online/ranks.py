"""Where a user stands among all others, while everyone moves."""

import numpy as np

from coupon_rec.features.catalog import MILLIONTHS
from coupon_rec.features.online.snapshot import Floats, Ints, Rows, Snapshot
from coupon_rec.features.online.user_features import known, last_of, wallet_shares


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
        for one, above in enumerate(self._above):
            mine = (campaign == one) & (values > 0)
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
    wallets : Ranks
        Of the offers, by match_wallet_share.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot, self._start = snapshot, snapshot.start
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
        self._rates = self._ranked_rates()

    def move(self, user: int, before: Rows, after: Rows) -> None:
        """Take note that a user, given by row, has more purchase lines than before."""
        coupons, mine = self._snapshot.coupons, self._snapshot.offers[user]["coupon"]
        campaigns = np.unique(coupons.campaign[mine])
        whose = np.full(len(campaigns), user)
        old_rate = self._rate(whose)
        old, new = (wallet_shares(lines, coupons)[mine] for lines in (before, after))
        self._spend[user] = after["amount"].sum()
        self._first_day[user] = after["day"][0] if len(after) else np.nan
        self.wallets.replace(coupons.campaign[mine], old, new)
        self._rates.replace(campaigns, old_rate, self._rate(whose))

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
        if start != self._start:
            self._start = start
            self._rates = self._ranked_rates()
        return self._rates.of(campaign, rates, 0 * joining, joining)

    def _ranked_rates(self) -> Ranks:
        """Rank everyone who was mailed a campaign by spend a week."""
        return Ranks(self._campaign, self._rate(self._user), self._sizes)

    def _rate(self, users: Ints) -> Floats:
        """The feature user_spend_per_week of users, shape (n,)."""
        weeks = np.fmax((self._start - self._first_day[users]) / 7, 1)
        rates = known({"user_spend_per_week": self._spend[users] / MILLIONTHS / weeks})
        return np.asarray(rates["user_spend_per_week"])
