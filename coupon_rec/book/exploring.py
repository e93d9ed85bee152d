"""The market of chapter 13: one letter a user and campaign, with one coupon or without."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats, require_columns
from coupon_rec.simulation import State, open_market, simulate

DEPTH, CONTACT = 0.5, 0.005
"""What a coupon takes off the price, and the cost of sending one in currency."""
USUAL = "novelty response depths"


def market(
    users: int = 2000,
    seed: int = 0,
    campaigns: int = 10,
    mechanisms: str = USUAL,
    strength: float = 2.0,
) -> State:
    """Open a market whose coupons move people twice as much as elsewhere in the book.

    So a few thousand users show what would take many times as many.
    """
    return open_market(users, 400, 48, campaigns, seed, mechanisms=mechanisms, strength=strength)


def candidates(state: State) -> pd.DataFrame:
    """What each user could get in the campaign to come: nothing, or a coupon for half the price.

    Returns
    -------
    pandas.DataFrame
        The columns of `State.offers` for 1 + K rows a user: first "nothing", with coupon_id 0,
        depth 0 and type "" (its price, cut and cost are those of the first coupon and mean
        nothing), then the K coupons.
    """
    offers = state.offers[state.offers["depth"] == DEPTH]
    first = offers.drop_duplicates("user_id").assign(coupon_id=0, type="", depth=0.0, bought=0.0)
    return pd.concat([first, offers]).sort_values(["user_id", "coupon_id"], ignore_index=True)


def gain(state: State, rows: pd.DataFrame) -> Floats:
    """True expected profit of each candidate over sending nothing, in currency, shape (n,)."""
    keys = ["user_id", "coupon_id"]
    truth = state.offers[keys].assign(gain=state.truth["profit"] - CONTACT)
    gains = rows[keys].merge(truth, how="left")["gain"].fillna(0.0)
    return np.asarray(gains, dtype=np.float64)


def send(state: State, rows: pd.DataFrame, chosen: ArrayLike) -> tuple[State, Floats]:
    """Send what was chosen, and see what each user brings.

    Parameters
    ----------
    rows
        From `candidates`.
    chosen
        True for what is sent, shape (n,); several coupons a user are possible.

    Returns
    -------
    tuple
        The state after the campaign, and the profit of each user in it, in currency, shape
        (users,): margin on the campaign's items, less discounts, less the cost of sending.
    """
    require_columns(rows, ["user_id", "coupon_id"])
    sent = rows[np.asarray(chosen, bool) & (rows["coupon_id"] > 0)]
    keys = pd.MultiIndex.from_frame(state.offers[["user_id", "coupon_id"]])
    policy = keys.isin(pd.MultiIndex.from_frame(sent[["user_id", "coupon_id"]])).astype(float)
    after = simulate(state, lambda _: policy)
    contact = CONTACT * np.bincount(sent["user_id"] - 1, minlength=state.settings.users)
    return after, profits(state, after).sum(axis=1) - contact


def profits(state: State, after: State) -> Floats:
    """Margin less discounts of each user and type of the campaign, shape (users, types)."""
    campaign, users = state.campaign, state.settings.users
    lines = after.history[-1]["purchases"].to_pandas()
    item = lines["item_id"].to_numpy() - 1
    slot = campaign.slot_of_item[item]
    unit = (campaign.price - campaign.cost)[item]
    profit = lines["quantity"].to_numpy() * unit - lines["coupon_discount"].to_numpy()
    place = (lines["user_id"].to_numpy() - 1) * len(campaign.kinds) + slot
    on = slot >= 0
    flat = np.bincount(place[on], profit[on], users * len(campaign.kinds))
    return np.asarray(flat.reshape(users, -1))


def features(rows: pd.DataFrame, types: ArrayLike) -> Floats:
    """Describe each candidate: what the user is like, and for each type, what a coupon adds.

    Returns
    -------
    numpy.ndarray
        Shape (n, 3 + 2 T): a constant, log of the user's lines, trips; 1 for the coupon's type; the
        log of how often the user bought that type.
    """
    user = [np.ones(len(rows)), np.log1p(rows["lines"]), rows["trips"] / 4]
    kind = rows["type"].to_numpy()[:, None] == np.asarray(types)
    bought = np.log1p(rows["bought"].to_numpy(np.float64))
    return np.column_stack([*user, kind, kind * bought[:, None]])


def types_of(state: State) -> list[str]:
    """All types for which there will ever be a coupon."""
    return sorted(set(state.world.coupons["type"]))


def numbers(rows: pd.DataFrame, types: Sequence[str]) -> pd.DataFrame:
    """Describe each candidate for a model of trees: what is known, and a number for its type."""
    kind = pd.Categorical(rows["type"], ["", *types]).codes
    return rows[["lines", "trips", "bought", "price", "cut", "on_sale"]].assign(kind=kind)


def seen(state: State) -> Floats:
    """What a mailing knows of each user.

    Returns
    -------
    numpy.ndarray
        Shape (users, 4): mailings so far, each half of the one after it; 1 for no trip in the last
        period; log of the lines bought; and how much the coupons are about what the user buys.
    """
    rows = candidates(state)
    user = rows.drop_duplicates("user_id")
    worth = (np.log1p(rows["bought"]) * rows["price"]).groupby(rows["user_id"]).sum()
    away = user["trips"] == 0
    return np.column_stack([user["mailings"], away, np.log1p(user["lines"]), worth])


def mail(state: State, letters: ArrayLike) -> tuple[State, Floats]:
    """Send all coupons to the users for whom `letters` is True, shape (users,); as `send`."""
    rows = candidates(state)
    sent = np.asarray(letters, bool)[rows["user_id"] - 1] & (rows["coupon_id"] > 0)
    return send(state, rows, sent)


def arrivals(values: ArrayLike, seed: int, days: int = 28) -> tuple[Floats, Floats]:
    """Let users arrive day by day and fall into two groups by chance, which are treated alike.

    Parameters
    ----------
    values
        One number a user, shape (n,); the order in which they arrive is drawn.
    seed, days
        Of the chances, and how many days there are.

    Returns
    -------
    tuple of numpy.ndarray
        The difference of the groups' means after each day, and its variance; shape (days,).
    """
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.asarray(values, dtype=np.float64))
    first = rng.random(y.size) < 0.5
    at = y.size // days * np.arange(1, days + 1) - 1
    count, total, squares = (
        np.cumsum([side * power for side in (first, ~first)], axis=1)[:, at]
        for power in (np.ones_like(y), y, y**2)
    )
    mean = total / count
    variance = (squares / count - mean**2) / (count - 1)
    return mean[0] - mean[1], variance.sum(axis=0)
