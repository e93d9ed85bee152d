"""What users bought before a campaign and what coupons cover, by category, for a set encoder."""

from typing import NamedTuple

import ibis
import numpy as np
import pandas as pd
from ibis import _

from coupon_rec.features import Arrays
from coupon_rec.features.batch.offers import coded_items, purchase_lines
from coupon_rec.features.batch.users import before_campaigns, decayed
from coupon_rec.market import Market

DECAY = 45
OF_USER, OF_COUPON = ["campaign_id", "user_id"], ["campaign_id", "coupon_id"]


class Baskets(NamedTuple):
    """Sets of categories.

    Attributes
    ----------
    bought : pandas.DataFrame
        Indexed by campaign_id and user_id: the logarithm of the decayed purchases of each
        category; a last row of zeros stands for who had bought nothing.
    covered : pandas.DataFrame
        Indexed by campaign_id and coupon_id: the share of its items.
    """

    bought: pd.DataFrame
    covered: pd.DataFrame

    @classmethod
    def of(cls, market: Market) -> "Baskets":
        past = before_campaigns(market, purchase_lines(market))
        bought = past.group_by(*OF_USER, "category").aggregate(n=decayed(_.age, DECAY).sum())
        covered = market.coupon_items.join(coded_items(market), "item_id")
        covered = covered.group_by(*OF_COUPON, "category").aggregate(n=_.count())
        users, coupons = (_wide(table) for table in (bought, covered))
        shares = coupons.div(coupons.sum(axis=1), axis=0)
        nobody = pd.DataFrame(0.0, pd.MultiIndex.from_tuples([(0, 0)]), users.columns)
        shares = shares.reindex(columns=users.columns, fill_value=0)
        return cls(pd.concat([np.log1p(users), nobody]), shares)

    def rows(self, offers: pd.DataFrame) -> Arrays:
        """The row of each offer's user and that of its coupon."""
        of_user = self.bought.index.get_indexer(pd.MultiIndex.from_frame(offers[OF_USER]))
        of_user = np.where(of_user < 0, len(self.bought) - 1, of_user)
        of_coupon = self.covered.index.get_indexer(pd.MultiIndex.from_frame(offers[OF_COUPON]))
        return {
            "bought_row": of_user[:, None].astype("int32"),
            "covered_row": of_coupon[:, None].astype("int32"),
        }


def _wide(table: ibis.Table) -> pd.DataFrame:
    keys = list(table.columns[:2])
    return table.to_pandas().pivot_table("n", keys, "category", fill_value=0.0)
