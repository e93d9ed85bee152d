"""Ranks among all of a campaign, of which no single task of a cluster has to count every row.

Rows with equal values share a rank, so distinct values are ranked: first the narrow buckets that
they fall into, of which a campaign has few, then the values of each bucket by themselves.
"""

import ibis
from ibis import Table, _

from coupon_rec.features.catalog import DIGITS

PARTS = 100
"""Buckets in a unit: a bucket holds at most 10,000 different values of six decimals."""


def ranks_of_values(table: Table, column: str, sizes: Table, name: str) -> Table:
    """The rank, from 0 to 1, of each distinct value above 0 of a column within a campaign.

    Parameters
    ----------
    table : ibis.Table
        With `campaign_id` and the column, rounded. Rows with other values need not be in it: they
        rank 0.
    column : str
        What is ranked.
    sizes : ibis.Table
        `campaign_id`, and how many rows, zeros included, are compared: `of_campaign`.
    name : str
        How to call the rank.

    Returns
    -------
    ibis.Table
        `campaign_id`, the column and its rank: the share of the other rows that lie below.
    """
    values = (
        table.filter(_[column] > 0)
        .group_by("campaign_id", column)
        .aggregate(rows=_.count())
        .mutate(bucket=(_[column] * PARTS).floor())
    )
    buckets = values.group_by("campaign_id", "bucket").aggregate(rows_of_bucket=_.rows.sum())
    upto = _.rows_of_bucket.sum().over(
        group_by="campaign_id", order_by=ibis.desc("bucket"), rows=(None, 0)
    )
    higher = buckets.mutate(higher=upto - _.rows_of_bucket).drop("rows_of_bucket")
    least = _.rows.sum().over(
        group_by=["campaign_id", "bucket"], order_by=ibis.desc(column), rows=(None, 0)
    )
    below = _.of_campaign - _.higher - least
    rank = (below / (_.of_campaign - 1).nullif(0)).fill_null(0.0).round(DIGITS)
    return (
        values.join(higher, ["campaign_id", "bucket"])
        .join(sizes, "campaign_id")
        .select("campaign_id", column, rank.name(name))
    )
