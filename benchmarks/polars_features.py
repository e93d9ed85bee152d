"""The features of `coupon_rec.features`, as a good engineer would write them in polars.

All is lazy: one query, in which polars itself finds what several parts share.
"""

from pathlib import Path

import pandas as pd
import polars as pl
from polars import col

from coupon_rec.features.catalog import FEATURES, NEVER
from coupon_rec.market.categories import USER_CATEGORIES

OFFER = ["campaign_id", "user_id", "coupon_id"]
USER = ["campaign_id", "user_id"]
COUPON = ["campaign_id", "coupon_id"]


def build_offers(frames: dict[str, pl.DataFrame], promotions: Path) -> pd.DataFrame:
    """All offers of a market; the promotions are read from their Parquet file."""
    tables = {name: frame.lazy() for name, frame in frames.items()}
    for name, dates in (("campaigns", ["start", "end"]), ("redemptions", ["date"])):
        tables[name] = tables[name].with_columns(col(dates).cast(pl.Date))
    items = tables["items"].select(
        "item_id",
        "manufacturer_id",
        "department",
        private=col("brand") == "Private",
        category=col("category").rank("dense"),
    )
    campaigns = tables["campaigns"].with_columns(coupon_days=days("end", "start") + 1)
    purchases = (
        tables["purchases"]
        .with_columns(day=col("time").dt.date(), with_coupon=col("coupon_discount") > 0)
        .join(items.drop("department"), on="item_id")
    )
    contents = tables["coupon_items"].join(items, on="item_id")
    mailed = tables["offers"].select(USER).unique().join(campaigns, on="campaign_id")
    past = (
        purchases.join(mailed.select(*USER, "start"), on="user_id")
        .filter(col("day") < col("start"))
        .with_columns(age=days("start", "day"))
    )

    users = mailed.join(tables["users"], on="user_id")
    for table in (habits(purchases, mailed), answers(mailed, tables["redemptions"])):
        users = users.join(table, on=USER, how="left")
    users = known(users).with_columns(user_spend_rank=rank("user_spend_per_week", "campaign_id"))

    coupons = tables["offers"].select(COUPON).unique()
    coupons = coupons.with_columns(coupon_rivals=pl.len().over("campaign_id"))
    for table in (
        about(contents),
        main_value(contents, "department"),
        sales(purchases, contents, campaigns),
        promoted(promotions, tables["coupon_items"], campaigns),
        success(tables, contents, campaigns),
    ):
        coupons = coupons.join(table, on=COUPON, how="left")
    coupons = known(
        coupons.with_columns(
            col("spend_per_line").fill_null(0.0).round(6),
            coupon_discount_share=col("coupon_discount") / col("item_price"),
        )
    ).with_columns(item_popularity_rank=rank("item_popularity", "campaign_id"))

    offers = tables["offers"].join(users, on=USER).join(coupons, on=COUPON)
    for table in (
        item_match(past, tables["coupon_items"]),
        category_match(past, contents),
        brand_match(past, contents),
        seen_before(tables["offers"], campaigns, tables["redemptions"]),
        labels(purchases, mailed, tables),
    ):
        offers = offers.join(table, on=OFFER, how="left")
    offers = known(
        offers.with_columns(
            match_lines_per_week=col("match_lines") / col("user_weeks"),
            match_spend_per_week=col("match_spend") / col("user_weeks"),
            match_wallet_share=col("match_spend") / col("user_spend"),
            match_category_share=col("category_spend") / col("user_spend"),
            match_brand_share=col("brand_spend") / col("user_spend"),
            match_price_ratio=col("match_price") / col("item_price"),
        )
    )
    about_offer = ["campaign_type", "start", "item_id", *USER_CATEGORIES, "department"]
    names = [feature.name for feature in FEATURES]
    return (
        offers.with_columns(
            match_rank=rank("match_decayed_45", *USER),
            match_recency_rank=rank("match_recency", *USER),
            match_wallet_rank=rank("match_wallet_share", "campaign_id"),
            item_id=pl.coalesce("item_bought_last", "item_sold_most"),
            redeemed=col("redeemed").fill_null(0),
            bought=pl.coalesce("bought", "redeemed", 0),
        )
        .select(
            *OFFER,
            *about_offer,
            "spend_per_line",
            col(names).cast(pl.Float32),
            col("bought", "redeemed").cast(pl.Int8),
        )
        .sort(OFFER)
        .collect(engine="streaming")
        .to_pandas()
    )


def days(later: str, earlier: str) -> pl.Expr:
    return (col(later) - col(earlier)).dt.total_days()


def decayed(age: str, over: int) -> pl.Expr:
    return (-col(age) / over).exp()


def known(table: pl.LazyFrame) -> pl.LazyFrame:
    """Round the features, cap recencies, fill in what stands for "nothing known"."""
    there = set(table.collect_schema().names())
    exprs = []
    for feature in FEATURES:
        if feature.name in there:
            value = col(feature.name).cast(pl.Float64)
            value = pl.when(value.is_finite()).then(value).round(6).fill_null(feature.missing)
            exprs.append(value.clip(upper_bound=NEVER) if feature.missing == NEVER else value)
    return table.with_columns(exprs)


def rank(column: str, *within: str) -> pl.Expr:
    below = col(column).rank("min").over(within).cast(pl.Int64) - 1
    others = (pl.len().over(within).cast(pl.Int64) - 1).clip(lower_bound=1)
    return (below / others).round(6)


def habits(purchases: pl.LazyFrame, mailed: pl.LazyFrame) -> pl.LazyFrame:
    trips = purchases.group_by("user_id", "basket_id", "day").agg(
        lines=pl.len(),
        coupon_lines=col("with_coupon").sum(),
        categories=col("category").n_unique(),
        spend=col("amount").sum(),
        discount=col("retail_discount").sum(),
        private=col("amount").filter("private").sum(),
    )
    weeks = (col("age").max() / 7).clip(lower_bound=1)
    return (
        trips.join(mailed.select(*USER, "start"), on="user_id")
        .filter(col("day") < col("start"))
        .with_columns(age=days("start", "day"))
        .group_by(USER)
        .agg(
            trips=pl.len(),
            user_weeks=weeks,
            user_spend=col("spend").sum(),
            discount=col("discount").sum(),
            private=col("private").sum(),
            user_recency=col("age").min(),
            user_coupon_share=col("coupon_lines").sum() / col("lines").sum(),
            user_categories_per_trip=col("categories").mean(),
            user_trend=(decayed("age", 14).sum() / 14) / (decayed("age", 120).sum() / 120),
        )
        .select(
            *USER,
            "user_weeks",
            "user_spend",
            "user_recency",
            "user_coupon_share",
            "user_categories_per_trip",
            "user_trend",
            user_trips_per_week=col("trips") / col("user_weeks"),
            user_spend_per_week=col("user_spend") / col("user_weeks"),
            user_spend_per_trip=col("user_spend") / col("trips"),
            user_discount_share=col("discount") / (col("user_spend") + col("discount")),
            user_private_share=col("private") / col("user_spend"),
        )
    )


def answers(mailed: pl.LazyFrame, redemptions: pl.LazyFrame) -> pl.LazyFrame:
    starts = mailed.select(*USER, "start")
    before = (
        starts.join(starts.select("user_id", before="start"), on="user_id")
        .filter(col("before") < col("start"))
        .group_by(USER)
        .agg(mailed=pl.len(), user_mailed_90=(days("start", "before") <= 90).sum())
    )
    used = (
        starts.join(redemptions.select("user_id", "date"), on="user_id")
        .filter(col("date") < col("start"))
        .with_columns(age=days("start", "date"))
        .group_by(USER)
        .agg(
            redemptions=pl.len(),
            user_redemption_recency=col("age").min(),
            user_redemptions_decayed=decayed("age", 120).sum(),
        )
    )
    table = before.join(used, on=USER, how="left")
    return table.with_columns(user_redemption_rate=col("redemptions") / col("mailed")).drop(
        "mailed", "redemptions"
    )


def main_value(contents: pl.LazyFrame, column: str) -> pl.LazyFrame:
    return (
        contents.group_by(*COUPON, column)
        .agg(n=pl.len())
        .sort("n", column, descending=[True, False])
        .unique(COUPON, keep="first", maintain_order=True)
        .drop("n")
    )


def about(contents: pl.LazyFrame) -> pl.LazyFrame:
    return contents.group_by(COUPON).agg(
        coupon_items=pl.len(),
        coupon_categories=col("category").n_unique(),
        coupon_manufacturers=col("manufacturer_id").n_unique(),
        item_private_share=col("private").mean(),
    )


def sales(purchases: pl.LazyFrame, contents: pl.LazyFrame, campaigns: pl.LazyFrame) -> pl.LazyFrame:
    starts = campaigns.select("campaign_id", "start")
    in_season = (col("day") < col("start")) & (col("day") >= col("start").dt.offset_by("-56d"))
    lately = col("day") >= col("start").dt.offset_by("-14d")
    total = (
        purchases.group_by("day")
        .agg(n=pl.len())
        .join(starts, how="cross")
        .filter(in_season)
        .group_by("campaign_id")
        .agg(all_lines=col("n").sum())
    )
    covered = contents.select("campaign_id", "item_id").unique().join(starts, on="campaign_id")
    sold = (
        purchases.join(covered, on="item_id")
        .filter(in_season)
        .group_by("campaign_id", "item_id")
        .agg(
            col("retail_discount", "coupon_discount").sum(),
            lines=pl.len(),
            units=col("quantity").sum(),
            amount=col("amount").sum(),
            coupon_lines=col("with_coupon").sum(),
            lines_lately=lately.sum(),
            units_lately=col("quantity").filter(lately).sum(),
            amount_lately=col("amount").filter(lately).sum(),
        )
    )
    sums = [
        name for name in sold.collect_schema().names() if name not in ("campaign_id", "item_id")
    ]
    price = col("amount") / col("units")
    discount = col("coupon_discount") / col("coupon_lines")
    return (
        contents.select(*COUPON, "item_id")
        .join(sold, on=["campaign_id", "item_id"], how="left")
        .group_by(COUPON)
        .agg(
            col(sums).sum(),
            item_sold_most=col("item_id")
            .sort_by(col("lines").fill_null(0), "item_id", descending=[True, False])
            .first(),
        )
        .join(total, on="campaign_id", how="left")
        .select(
            *COUPON,
            "item_sold_most",
            item_popularity=col("lines") / col("all_lines"),
            item_trend=col("lines_lately") / col("lines") * 4,
            item_price=price,
            item_price_ratio=col("amount_lately") / col("units_lately") / price,
            item_discount_share=col("retail_discount") / (col("amount") + col("retail_discount")),
            spend_per_line=col("amount") / col("lines"),
            coupon_discount=discount,
        )
        .with_columns(col("spend_per_line").fill_nan(None))
    )


def promoted(path: Path, coupon_items: pl.LazyFrame, campaigns: pl.LazyFrame) -> pl.LazyFrame:
    promotions = pl.scan_parquet(path).with_columns(col("week_start").cast(pl.Date))
    stores = promotions.select("week_start", "store_id").unique()
    stores = stores.group_by("week_start").agg(stores=pl.len())
    last = col("start").dt.offset_by("-7d")
    window = (
        campaigns.select("campaign_id", "start")
        .join(stores, how="cross")
        .filter(col("week_start") <= last, col("week_start") > last.dt.offset_by("-28d"))
    )
    asked = window.join(coupon_items, on="campaign_id").select("item_id", "week_start").unique()
    weeks = (
        promotions.join(asked, on=["item_id", "week_start"], how="semi")
        .group_by("item_id", "week_start")
        .agg(displayed=(col("display") != "0").sum(), mailed=(col("mailer") != "0").sum())
    )
    counts = (
        window.join(weeks, on="week_start")
        .join(coupon_items, on=["campaign_id", "item_id"])
        .group_by(COUPON)
        .agg(col("displayed", "mailed").sum())
    )
    cells = col("n") * col("store_weeks")
    return (
        coupon_items.group_by(COUPON)
        .agg(n=pl.len())
        .join(window.group_by("campaign_id").agg(store_weeks=col("stores").sum()), on="campaign_id")
        .join(counts, on=COUPON)
        .select(
            *COUPON,
            item_displays=col("displayed") / cells,
            item_mailers=col("mailed") / cells,
        )
    )


def success(
    tables: dict[str, pl.LazyFrame], contents: pl.LazyFrame, campaigns: pl.LazyFrame
) -> pl.LazyFrame:
    starts = campaigns.select("campaign_id", "start")
    topics = main_value(contents, "category").join(starts, on="campaign_id")
    shown = tables["offers"].group_by(COUPON).agg(n=pl.len()).join(topics, on=COUPON)
    shown = shown.rename({"start": "day"})
    used = tables["redemptions"].group_by(*COUPON, "date").agg(n=pl.len())
    used = used.join(topics.drop("start"), on=COUPON).rename({"date": "day"})
    for column, name in [("coupon_id", "coupon_success"), ("category", "coupon_category_success")]:
        keys = topics.select("campaign_id", "start", column).unique()
        rates = keys
        for events, count in [(shown, "shown"), (used, "used")]:
            before = (
                keys.join(events.select(column, "day", "n"), on=column)
                .filter(col("day") < col("start"))
                .group_by("campaign_id", column)
                .agg(col("n").sum().alias(count))
            )
            rates = rates.join(before, on=["campaign_id", column], how="left")
        used_rate = (col("used").fill_null(0) + 3) / (col("shown").fill_null(0) + 1000)
        rates = rates.select("campaign_id", column, used_rate.alias(name))
        topics = topics.join(rates, on=["campaign_id", column])
    return topics.drop("category", "start")


def item_match(past: pl.LazyFrame, coupon_items: pl.LazyFrame) -> pl.LazyFrame:
    covered = coupon_items.select("campaign_id", "item_id").unique()
    user_items = (
        past.join(covered, on=["campaign_id", "item_id"], how="semi")
        .group_by(*USER, "item_id")
        .agg(
            lines=pl.len(),
            units=col("quantity").sum(),
            spend=col("amount").sum(),
            decayed_14=decayed("age", 14).sum(),
            decayed_45=decayed("age", 45).sum(),
            decayed_120=decayed("age", 120).sum(),
            last=col("age").min(),
            first=col("age").max(),
            coupon_lines=col("with_coupon").sum(),
        )
    )
    interval = (col("first") - col("match_recency")) / (col("match_lines").cast(pl.Int64) - 1)
    interval = pl.when(col("match_lines") > 1).then(interval).otherwise(NEVER)
    return (
        user_items.join(coupon_items, on=["campaign_id", "item_id"])
        .group_by(OFFER)
        .agg(
            item_bought_last=col("item_id")
            .sort_by("last", "lines", "item_id", descending=[False, True, False])
            .first(),
            match_lines=col("lines").sum(),
            units=col("units").sum(),
            match_spend=col("spend").sum(),
            match_decayed_14=col("decayed_14").sum(),
            match_decayed_45=col("decayed_45").sum(),
            match_decayed_120=col("decayed_120").sum(),
            match_recency=col("last").min(),
            first=col("first").max(),
            coupon_lines=col("coupon_lines").sum(),
            match_distinct_items=pl.len(),
        )
        .with_columns(
            match_interval=interval.clip(upper_bound=NEVER),
            match_trend=(col("match_decayed_14") / 14) / (col("match_decayed_120") / 120),
            match_coupon_share=col("coupon_lines") / col("match_lines"),
            match_price=col("match_spend") / col("units"),
        )
        .with_columns(
            match_due=col("match_recency") / col("match_interval").clip(lower_bound=1),
        )
        .drop("units", "first", "coupon_lines")
    )


def category_match(past: pl.LazyFrame, contents: pl.LazyFrame) -> pl.LazyFrame:
    counts = contents.group_by(*COUPON, "category").agg(n=pl.len())
    counts = counts.with_columns(share=col("n") / col("n").sum().over(COUPON))
    return (
        past.join(counts, on=["campaign_id", "category"], how="semi")
        .group_by(*USER, "category")
        .agg(
            spend=col("amount").sum(),
            decayed=decayed("age", 45).sum(),
            last=col("age").min(),
        )
        .join(counts, on=["campaign_id", "category"])
        .group_by(OFFER)
        .agg(
            category_spend=(col("spend") * col("share")).sum(),
            match_category_decayed=(col("decayed") * col("share")).sum(),
            match_category_recency=col("last").min(),
        )
    )


def brand_match(past: pl.LazyFrame, contents: pl.LazyFrame) -> pl.LazyFrame:
    makers = contents.select(*COUPON, "manufacturer_id").unique()
    return (
        past.join(makers, on=["campaign_id", "manufacturer_id"], how="semi")
        .group_by(*USER, "manufacturer_id")
        .agg(spend=col("amount").sum())
        .join(makers, on=["campaign_id", "manufacturer_id"])
        .group_by(OFFER)
        .agg(brand_spend=col("spend").sum())
    )


def seen_before(
    offers: pl.LazyFrame, campaigns: pl.LazyFrame, redemptions: pl.LazyFrame
) -> pl.LazyFrame:
    key = ["user_id", "coupon_id"]
    dated = offers.join(campaigns.select("campaign_id", "start"), on="campaign_id")
    table = dated.select(OFFER)
    for name, events in [
        ("coupon_offered_before", dated.select(*key, day="start")),
        ("coupon_redeemed_before", redemptions.select(*key, day="date")),
    ]:
        before = (
            dated.join(events, on=key)
            .filter(col("day") < col("start"))
            .group_by(OFFER)
            .agg(pl.len().alias(name))
        )
        table = table.join(before, on=OFFER, how="left")
    return table


def labels(
    purchases: pl.LazyFrame, mailed: pl.LazyFrame, tables: dict[str, pl.LazyFrame]
) -> pl.LazyFrame:
    bought = (
        purchases.select("user_id", "item_id", "day")
        .join(mailed.select(*USER, "start", "end"), on="user_id")
        .filter(col("day").is_between("start", "end"))
        .select(*USER, "item_id")
        .unique()
        .join(tables["coupon_items"], on=["campaign_id", "item_id"])
        .select(OFFER)
        .unique()
        .with_columns(bought=pl.lit(1))
    )
    redeemed = tables["redemptions"].select(OFFER).with_columns(redeemed=pl.lit(1))
    return bought.join(redeemed, on=OFFER, how="full", coalesce=True)
