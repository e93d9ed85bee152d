"""From a market to its offers table: one Ibis expression graph, on DuckDB or on Spark.

Every feature of an offer uses only events strictly before the first day of its campaign.
"""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import ibis
import pandas as pd
from ibis import Deferred, Table, _
from ibis.util import gen_name

from coupon_rec.features.batch import events, histories, match, sides
from coupon_rec.features.batch.frame import OffersFrame
from coupon_rec.features.batch.ranks import ranks_of_values
from coupon_rec.features.catalog import (
    DIGITS,
    FEATURES,
    NAMES,
    NEVER,
    OPTIONAL_FEATURES,
    OPTIONAL_NAMES,
)
from coupon_rec.features.encoder import LABELS
from coupon_rec.market import Market
from coupon_rec.market.categories import USER_CATEGORIES
from coupon_rec.market.references import OFFER

USER_KEY = ("campaign_id", "user_id")
COUPON_KEY = ("campaign_id", "coupon_id")
SPEND, WALLET = "user_spend_per_week", "match_wallet_share"
RANKS = {SPEND: "user_spend_rank", WALLET: "match_wallet_rank"}
"""The features that are ranked among all users of a campaign, and their ranks."""
Keep = Callable[[Table, str], Table]
ABOUT = ("campaign_type", "start", "item_id", *USER_CATEGORIES, "department", "spend_per_line")


def build_offers(market: Market, coupons: Table | None = None) -> Table:
    """Build the offers table: one row for each offer, its features and its labels.

    Parameters
    ----------
    market : Market
        On any Ibis backend; the table is evaluated there, when asked for.
    coupons : ibis.Table, optional
        The coupon side, if it is of another day than the campaigns of `market`: what
        `coupon_side` gave then.

    Returns
    -------
    ibis.Table
        The key (`campaign_id`, `user_id`, `coupon_id`); the campaign's `campaign_type` and
        `start`; `item_id`, the coupon's item that this user bought last or else the one that
        sells best; the user's demographics; the coupon's main `department`; `spend_per_line`,
        what one purchase of the coupon's items brings, in currency; the features of
        `coupon_rec.features.FEATURES`, and those of `OPTIONAL_FEATURES` that the market has the
        histories or terms for; its own columns of users and coupons; and the labels `bought` (an
        item of the coupon within the campaign's days) and `redeemed`, 0 or 1.
    """
    return finished(known_offers(market, coupons), market).order_by(*OFFER)


def known_offers(market: Market, coupons: Table | None = None, keep: Keep = Table.alias) -> Table:
    """Join what is known of each offer; `finished` makes rows of the offers table of it."""
    offers = market.offers.select(*OFFER)
    for part in parts(market, keep, coupons):
        key = [name for name in OFFER if name in part.columns]
        again = [name for name in part.columns if name in offers.columns and name not in key]
        offers = offers.left_join(part, key, rname="later_{name}")
        later = {name: ibis.coalesce(offers[f"later_{name}"], offers[name]) for name in again}
        offers = offers.mutate(**later) if again else offers
        offers = offers.drop([name for name in offers.columns if name.startswith("later_")])
    return offers


def finished(offers: Table, market: Market) -> Table:
    """The columns of the offers table, with what stands for "nothing known"."""
    names = feature_columns(offers.columns)
    features = {name: _[name].fill_null(MISSING[name]).cast("float32") for name in names}
    labels = {name: _[name].fill_null(0).cast("int8") for name in LABELS}
    own = {name: _[name] for name in histories.own_columns(market)}
    return offers.select(*OFFER, *ABOUT, **features, **own, **labels)


def feature_columns(known: Collection[str]) -> list[str]:
    """The features of an offers table, with those of the optional ones that are known."""
    return [*NAMES, *(name for name in OPTIONAL_NAMES if name in known)]


def offers_frame(market: Market) -> pd.DataFrame:
    """Build the offers table as a pandas frame, for the models and the chapters.

    It equals `build_offers(market).to_pandas()`, for less work: what several parts use is computed
    once, and no wide row is joined or sorted. While one part is put into the frame, the engine
    computes the next.

    Parameters
    ----------
    market : Market
        On any Ibis backend; only DuckDB computes it in parts.

    Returns
    -------
    pandas.DataFrame
        The columns of `build_offers`, sorted by the key; `start` in whole seconds.

    Examples
    --------
    >>> from coupon_rec.simulation import simulate_market
    >>> offers = offers_frame(simulate_market(users=20, seed=0).market)
    >>> offers[["campaign_id", "user_id", "coupon_id", "bought", "redeemed"]].head(2)
       campaign_id  user_id  coupon_id  bought  redeemed
    0            1        1          1       0         0
    1            1        1          6       0         0
    """
    if market.offers.get_backend().name != "duckdb":
        return build_offers(market).to_pandas()
    offers = market.offers.select(*OFFER).to_pyarrow()
    with ExitStack() as kept, ThreadPoolExecutor(1) as engine:
        tables = parts(market, lambda table, _: kept.enter_context(_stored(table)))
        computed = (table.to_pyarrow() for table in tables)
        upcoming = engine.submit(next, computed, None)
        frame = OffersFrame(offers)
        while (part := upcoming.result()) is not None:
            upcoming = engine.submit(next, computed, None)
            frame.add(part)
    own = histories.own_columns(market)
    return frame.to_pandas([*OFFER, *ABOUT, *feature_columns(frame.columns), *own, *LABELS])


@contextmanager
def _stored(table: Table) -> Iterator[Table]:
    """Evaluate a table once and keep its rows, on DuckDB, for as long as they are needed.

    The rows of a user lie side by side, so that what is counted for each user stays in the cache.
    """
    table = table.order_by("user_id") if "user_id" in table.columns else table
    backend, name = table.get_backend(), gen_name("stored")
    backend.create_table(name, table, temp=True)
    try:
        yield backend.table(name)
    finally:
        backend.raw_sql(f"DROP TABLE {name}")


def parts(market: Market, keep: Keep, coupons: Table | None = None) -> Iterator[Table]:
    """What is known of offers, part by part; a later part counts where two know a column.

    Parameters
    ----------
    market : Market
        On any Ibis backend.
    keep : callable
        Is given each table that several parts use, and a name, and gives it back: as a named
        part of one query, or evaluated.
    coupons : ibis.Table, optional
        As in `build_offers`.

    Yields
    ------
    ibis.Table
        Rows with a part of an offer's key, or all of it, and columns of the offers table without
        nulls.
    """
    lines = keep(events.purchase_lines(market), "purchase_lines")
    coupons = keep(coupon_side(market, lines) if coupons is None else coupons, "coupon_side")
    yield coupons
    users = keep(user_side(market, lines), "user_side")
    yield users.drop(match.WALLET)
    yield spend_rank(users)
    items = keep(item_side(market, lines, users), "item_side")
    yield _priced(items, coupons)
    ranks = keep(match_ranks(market, items), "match_ranks")
    yield ranks.select(*USER_KEY, match_recency_rank="rank_of_others").distinct()
    yield ranks.drop("rank_of_others")
    past = events.before_campaigns(market, lines)
    wallets = users.select(*USER_KEY, *match.WALLET)
    yield _tidy(match.category_match(market, past, wallets))
    yield _tidy(match.brand_match(market, past, wallets))
    yield match.seen_before(market)
    yield from map(_tidy, histories.match_histories(market))
    yield from histories.offer_terms(market)
    yield match.labels(market)


def user_side(market: Market, lines: Table) -> Table:
    """One row for each campaign and user mailed: demographics, habits, earlier redemptions."""
    mailed = market.offers.select(*USER_KEY).distinct().join(market.users, "user_id")
    habits = [sides.user_habits(market, lines), sides.user_redemptions(market)]
    users = _joined(mailed, *habits, *histories.user_histories(market))
    own = histories.own_columns(market, "users")
    return _tidy(users, *USER_CATEGORIES, *own, *match.WALLET)


def spend_rank(users: Table) -> Table:
    """Rank the users of each campaign by what they spend a week."""
    sizes = users.group_by("campaign_id").aggregate(of_campaign=_.count())
    ranks = ranks_of_values(users, SPEND, sizes, RANKS[SPEND])
    ranked = users.left_join(ranks, ["campaign_id", SPEND])
    return ranked.select(*USER_KEY, **{RANKS[SPEND]: _[RANKS[SPEND]].fill_null(0.0)})


def coupon_side(market: Market, lines: Table) -> Table:
    """One row for each campaign and coupon: contents, sales, promotions, earlier success."""
    coupons = (
        market.offers.select(*COUPON_KEY)
        .distinct()
        .join(market.campaigns, "campaign_id")
        .mutate(coupon_days=_.end.delta(_.start, unit="day") + 1)
    )
    tables = [
        sides.coupon_contents(market),
        sides.coupon_sales(market, lines),
        sides.coupon_promotions(market),
        sides.coupon_success(market),
        *histories.coupon_histories(market),
    ]
    coupons = _joined(coupons, *tables)
    return _tidy(
        coupons,
        "campaign_type",
        "start",
        *histories.own_columns(market, "coupons"),
        item_id=_.item_sold_most,
        department=_.department.fill_null("unknown"),
        spend_per_line=_.spend_per_line.fill_null(0.0).round(DIGITS),
        item_popularity_rank=_popularity_rank(coupons),
    )


def item_side(market: Market, lines: Table, users: Table) -> Table:
    """What each user did with the items of each coupon, where there was anything."""
    items = match.item_match(market, lines, users.select(*USER_KEY, *match.WALLET))
    return _tidy(items, "item_id", "match_price")


def _priced(items: Table, coupons: Table) -> Table:
    """Compare what users paid for a coupon's items with the usual price."""
    priced = items.left_join(coupons.select(*COUPON_KEY, usual_price="item_price"), COUPON_KEY)
    ratio = _known("match_price_ratio", _.match_price / _.usual_price.nullif(0))
    return _tidy(priced, "item_id", match_price_ratio=ratio)


def match_ranks(market: Market, items: Table) -> Table:
    """Rank the offers whose items the user bought, without sorting the many others.

    The others tie. By purchases and by share of the wallet they come first, with rank 0; by
    recency they come last, with the rank `rank_of_others`.
    """
    sizes = market.offers.group_by(USER_KEY).aggregate(of_user=_.count())
    of_campaign = sizes.group_by("campaign_id").aggregate(of_campaign=_.of_user.sum())
    last = (_.of_user - 1).nullif(0)
    recent = (_.match_recency < NEVER).sum().over(group_by=USER_KEY)
    values = items.select(*OFFER, "match_decayed_45", WALLET, "match_recency")
    values = values.semi_join(market.offers, OFFER)
    wallets = ranks_of_values(values, WALLET, of_campaign, RANKS[WALLET])
    ranks = {
        "match_rank": _rank_above_others(_.match_decayed_45, _.of_user, *USER_KEY),
        RANKS[WALLET]: _[RANKS[WALLET]],
        "match_recency_rank": _rows_below(_.match_recency, *USER_KEY) / last,
        "rank_of_others": recent / last,
    }
    return (
        values.left_join(wallets, ["campaign_id", WALLET])
        .join(sizes, USER_KEY)
        .select(*OFFER, **{name: rank.fill_null(0.0).round(DIGITS) for name, rank in ranks.items()})
    )


def _rank_above_others(value: Deferred, offers: Deferred, *within: str) -> Deferred:
    """The rank, from 0 to 1, of positive values among so many offers, all others being 0."""
    others = offers - value.count().over(group_by=within)
    rank = (others + _rows_below(value, *within)) / (offers - 1).nullif(0)
    return ibis.ifelse(value > 0, rank, 0.0)


def _rows_below(value: Deferred, *within: str) -> ibis.expr.types.Value:
    return ibis.rank().over(group_by=within, order_by=value)


def _joined(table: Table, *others: Table) -> Table:
    """Join tables by those columns of an offer's key that they have."""
    for i, other in enumerate(others):
        key = [column for column in OFFER if column in other.columns]
        table = table.left_join(other, key, rname=f"{{name}}_{i}")
    return table


MISSING = {each.name: float(each.missing) for each in (*FEATURES, *OPTIONAL_FEATURES)}


def _known(name: str, value: ibis.expr.types.Value) -> ibis.expr.types.Value:
    """Round a feature, cap it if it is a recency, fill in what stands for "nothing known"."""
    value = value.cast("float64").round(DIGITS)
    value = ibis.least(value, NEVER) if MISSING[name] == NEVER else value
    return value.fill_null(MISSING[name])


def _tidy(table: Table, *others: str, **more: ibis.expr.types.Value | Deferred) -> Table:
    """The key of a table, its features, each made known, and what else is named."""
    key = [column for column in OFFER if column in table.columns]
    known = {name: _known(name, table[name]) for name in MISSING if name in table.columns}
    return table.select(*key, *others, **known, **more)


def _popularity_rank(coupons: Table) -> ibis.expr.types.Value:
    """The rank of each coupon of a campaign by the popularity of its items, from 0 to 1."""
    value = _known("item_popularity", coupons.item_popularity)
    return ibis.percent_rank().over(group_by="campaign_id", order_by=value).round(DIGITS)
