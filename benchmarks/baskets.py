"""What users bought before a campaign and what coupons cover, by category, for a set encoder."""

from functools import cache

import ibis
import numpy as np
import pandas as pd
from ibis import _

from coupon_rec import load_complete_journey
from coupon_rec.features.batch.events import (
    before_campaigns,
    coded_items,
    decayed,
    purchase_lines,
)

PAST = ("bought_row", "covered_row")
"""The inputs of a set encoder: rows of the two tables."""

DECAY = 45
OF_USER, OF_COUPON = ["campaign_id", "user_id"], ["campaign_id", "coupon_id"]


@cache
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The log of decayed purchases of each category by user and campaign; shares by coupon.

    A last row of zeros stands for who had bought nothing.
    """
    market = load_complete_journey()
    past = before_campaigns(market, purchase_lines(market))
    bought = past.group_by(*OF_USER, "category").aggregate(n=decayed(_.age, DECAY).sum())
    covered = market.coupon_items.join(coded_items(market), "item_id")
    covered = covered.group_by(*OF_COUPON, "category").aggregate(n=_.count())
    users, coupons = (_wide(table) for table in (bought, covered))
    coupons = coupons.div(coupons.sum(axis=1), axis=0).reindex(columns=users.columns, fill_value=0)
    nobody = pd.DataFrame(0.0, pd.MultiIndex.from_tuples([(0, 0)]), users.columns)
    return pd.concat([np.log1p(users), nobody]), coupons


def _wide(table: ibis.Table) -> pd.DataFrame:
    keys = list(table.columns[:2])
    return table.to_pandas().pivot_table("n", keys, "category", fill_value=0.0)


def baskets() -> tuple[np.ndarray, np.ndarray]:
    users, coupons = tables()
    return users.to_numpy("float32"), coupons.to_numpy("float32")


def with_baskets(offers: pd.DataFrame) -> dict[str, np.ndarray]:
    """The rows of each offer's user and coupon."""
    users, coupons = tables()
    of_user = users.index.get_indexer(pd.MultiIndex.from_frame(offers[OF_USER]))
    of_user = np.where(of_user < 0, len(users) - 1, of_user)
    of_coupon = coupons.index.get_indexer(pd.MultiIndex.from_frame(offers[OF_COUPON]))
    rows = (of_user[:, None].astype("int32"), of_coupon[:, None].astype("int32"))
    return dict(zip(PAST, rows, strict=True))
