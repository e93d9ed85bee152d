"""The features of `coupon_rec.features`, as a good analyst would write them in pandas."""

from pathlib import Path

import numpy as np
import pandas as pd

from coupon_rec.features.catalog import FEATURES, NEVER
from coupon_rec.market.categories import USER_CATEGORIES

OFFER = ["campaign_id", "user_id", "coupon_id"]
USER = ["campaign_id", "user_id"]
COUPON = ["campaign_id", "coupon_id"]
DAY = pd.Timedelta(days=1)


def build_offers(tables: dict[str, pd.DataFrame], promotions: Path) -> pd.DataFrame:
    """All offers of a market; the promotions are read from their Parquet file."""
    campaigns = tables["campaigns"].assign(
        coupon_days=lambda table: (table.end - table.start).dt.days + 1
    )
    purchases = tables["purchases"].merge(tables["items"], on="item_id")
    purchases["day"] = purchases.time.dt.normalize()
    purchases["with_coupon"] = purchases.coupon_discount > 0
    contents = tables["coupon_items"].merge(tables["items"], on="item_id")
    mailed = tables["offers"][USER].drop_duplicates().merge(campaigns, on="campaign_id")
    past = purchases.merge(mailed[[*USER, "start"]], on="user_id")
    past = past[past.day < past.start]
    past["age"] = (past.start - past.day) // DAY
    for days in (14, 45, 120):
        past[f"decayed_{days}"] = np.exp(-past.age / days)

    users = mailed.merge(tables["users"], on="user_id")
    users = users.merge(habits(past), on=USER, how="left")
    users = users.merge(answers(mailed, tables["redemptions"]), on=USER, how="left")
    known(users)
    users["user_spend_rank"] = rank(users, "user_spend_per_week", ["campaign_id"])

    coupons = tables["offers"][COUPON].drop_duplicates()
    coupons["coupon_rivals"] = coupons.groupby("campaign_id").coupon_id.transform("count")
    main = main_value(contents, "department")
    for table in (
        about(contents),
        main,
        sales(purchases, contents, campaigns),
        promoted(promotions, contents, campaigns),
        success(tables, contents, campaigns),
    ):
        coupons = coupons.merge(table, on=COUPON, how="left")
    coupons["coupon_discount_share"] = coupons.coupon_discount / coupons.item_price
    coupons["spend_per_line"] = coupons.spend_per_line.fillna(0.0).round(6)
    known(coupons)
    coupons["item_popularity_rank"] = rank(coupons, "item_popularity", ["campaign_id"])

    offers = tables["offers"].merge(users, on=USER).merge(coupons, on=COUPON)
    for table in (
        item_match(past, tables["coupon_items"]),
        category_match(past, contents),
        brand_match(past, contents),
        seen_before(tables["offers"], campaigns, tables["redemptions"]),
        labels(purchases, mailed, tables),
    ):
        offers = offers.merge(table, on=OFFER, how="left")
    offers["match_lines_per_week"] = offers.match_lines / offers.user_weeks
    offers["match_spend_per_week"] = offers.match_spend / offers.user_weeks
    offers["match_wallet_share"] = offers.match_spend / offers.user_spend
    offers["match_category_share"] = offers.category_spend / offers.user_spend
    offers["match_brand_share"] = offers.brand_spend / offers.user_spend
    offers["match_price_ratio"] = offers.match_price / offers.item_price.replace(0, np.nan)
    known(offers)
    offers["match_rank"] = rank(offers, "match_decayed_45", USER)
    offers["match_recency_rank"] = rank(offers, "match_recency", USER)
    offers["match_wallet_rank"] = rank(offers, "match_wallet_share", ["campaign_id"])
    offers["item_id"] = offers.item_bought_last.fillna(offers.item_sold_most).astype("int64")
    offers["redeemed"] = offers.redeemed.fillna(0).astype("int8")
    offers["bought"] = offers.bought.fillna(offers.redeemed).astype("int8")
    names = [feature.name for feature in FEATURES]
    offers[names] = offers[names].astype("float32")
    about_offer = ["campaign_type", "start", "item_id", *USER_CATEGORIES, "department"]
    columns = [*OFFER, *about_offer, "spend_per_line", *names, "bought", "redeemed"]
    return offers[columns].sort_values(OFFER, ignore_index=True)


def known(table: pd.DataFrame) -> None:
    """Round the features, cap recencies, fill in what stands for "nothing known"."""
    for feature in FEATURES:
        if feature.name in table:
            values = table[feature.name].astype("float64").replace([np.inf, -np.inf], np.nan)
            values = values.round(6).fillna(feature.missing)
            table[feature.name] = values.clip(upper=NEVER) if feature.missing == NEVER else values


def rank(table: pd.DataFrame, column: str, within: list[str]) -> pd.Series:
    groups = table.groupby(within)[column]
    others = (groups.transform("size") - 1).clip(lower=1)
    return ((groups.rank(method="min") - 1) / others).round(6)


def habits(past: pd.DataFrame) -> pd.DataFrame:
    trips = (
        past.groupby([*USER, "basket_id", "day"])
        .agg(
            age=("age", "first"),
            decayed_14=("decayed_14", "first"),
            decayed_120=("decayed_120", "first"),
            categories=("category", "nunique"),
        )
        .groupby(USER)
        .agg(
            trips=("age", "size"),
            user_recency=("age", "min"),
            first=("age", "max"),
            decayed_14=("decayed_14", "sum"),
            decayed_120=("decayed_120", "sum"),
            user_categories_per_trip=("categories", "mean"),
        )
    )
    spend = past.groupby(USER).agg(
        user_spend=("amount", "sum"),
        discount=("retail_discount", "sum"),
        user_coupon_share=("with_coupon", "mean"),
    )
    spend["private"] = past[past.brand == "Private"].groupby(USER).amount.sum()
    table = trips.join(spend)
    table["user_weeks"] = (table["first"] / 7).clip(lower=1)
    table["user_trips_per_week"] = table.trips / table.user_weeks
    table["user_spend_per_week"] = table.user_spend / table.user_weeks
    table["user_spend_per_trip"] = table.user_spend / table.trips
    table["user_trend"] = (table.decayed_14 / 14) / (table.decayed_120 / 120)
    table["user_discount_share"] = table.discount / (table.user_spend + table.discount)
    table["user_private_share"] = table.private.fillna(0) / table.user_spend
    unused = ["trips", "first", "decayed_14", "decayed_120", "discount", "private"]
    return table.drop(columns=unused).reset_index()


def answers(mailed: pd.DataFrame, redemptions: pd.DataFrame) -> pd.DataFrame:
    starts = mailed[[*USER, "start"]]
    before = starts.merge(starts[["user_id", "start"]], on="user_id", suffixes=("", "_before"))
    before = before[before.start_before < before.start]
    before["recent"] = (before.start - before.start_before) <= 90 * DAY
    table = before.groupby(USER).agg(mailed=("recent", "size"), user_mailed_90=("recent", "sum"))
    used = starts.merge(redemptions[["user_id", "date"]], on="user_id")
    used = used[used.date < used.start]
    used["age"] = (used.start - used.date) // DAY
    used["decayed"] = np.exp(-used.age / 120)
    used = used.groupby(USER).agg(
        redemptions=("age", "size"),
        user_redemption_recency=("age", "min"),
        user_redemptions_decayed=("decayed", "sum"),
    )
    table = table.join(used)
    table["user_redemption_rate"] = table.redemptions / table.mailed
    return table.drop(columns=["mailed", "redemptions"]).reset_index()


def main_value(contents: pd.DataFrame, column: str) -> pd.DataFrame:
    counts = contents.groupby([*COUPON, column]).size().reset_index(name="n")
    ordered = counts.sort_values(["n", column], ascending=[False, True])
    return ordered.drop_duplicates(COUPON)[[*COUPON, column]]


def about(contents: pd.DataFrame) -> pd.DataFrame:
    return (
        contents.assign(private=contents.brand == "Private")
        .groupby(COUPON, as_index=False)
        .agg(
            coupon_items=("item_id", "size"),
            coupon_categories=("category", "nunique"),
            coupon_manufacturers=("manufacturer_id", "nunique"),
            item_private_share=("private", "mean"),
        )
    )


def sales(purchases: pd.DataFrame, contents: pd.DataFrame, campaigns: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for campaign in campaigns.itertuples():
        season = purchases[
            (purchases.day < campaign.start) & (purchases.day >= campaign.start - 56 * DAY)
        ]
        if season.empty:
            continue
        items = season.groupby("item_id").agg(
            lines=("amount", "size"),
            units=("quantity", "sum"),
            amount=("amount", "sum"),
            retail_discount=("retail_discount", "sum"),
            coupon_discount=("coupon_discount", "sum"),
            coupon_lines=("with_coupon", "sum"),
        )
        lately = season[season.day >= campaign.start - 14 * DAY].groupby("item_id")
        items["lines_lately"] = lately.size()
        items["units_lately"] = lately.quantity.sum()
        items["amount_lately"] = lately.amount.sum()
        parts.append(
            items.reset_index().assign(campaign_id=campaign.campaign_id, all_lines=len(season))
        )
    sold = contents[[*COUPON, "item_id"]].merge(
        pd.concat(parts), on=["campaign_id", "item_id"], how="left"
    )
    best = sold.sort_values(["lines", "item_id"], ascending=[False, True]).drop_duplicates(COUPON)
    sums = sold.columns.drop([*COUPON, "item_id", "all_lines"]).tolist()
    table = sold.groupby(COUPON)[sums].sum().join(sold.groupby(COUPON).all_lines.max())
    price = table.amount / table.units
    table["item_popularity"] = table.lines / table.all_lines
    table["item_trend"] = table.lines_lately / table.lines * 4
    table["item_price"] = price
    table["item_price_ratio"] = table.amount_lately / table.units_lately / price
    table["item_discount_share"] = table.retail_discount / (table.amount + table.retail_discount)
    table["spend_per_line"] = table.amount / table.lines
    table["coupon_discount"] = table.coupon_discount / table.coupon_lines
    table["item_sold_most"] = best.set_index(COUPON).item_id
    used = [name for name in (*sums, "all_lines") if name != "coupon_discount"]
    return table.drop(columns=used).reset_index()


def promoted(path: Path, contents: pd.DataFrame, campaigns: pd.DataFrame) -> pd.DataFrame:
    promotions = pd.read_parquet(path)
    stores = promotions.groupby("week_start").store_id.nunique().reset_index(name="stores")
    promotions = promotions[promotions.item_id.isin(contents.item_id)]
    promotions["displayed"] = promotions.display != "0"
    promotions["mailed"] = promotions.mailer != "0"
    weeks = promotions.groupby(["item_id", "week_start"], as_index=False)[
        ["displayed", "mailed"]
    ].sum()
    window = campaigns[["campaign_id", "start"]].merge(stores, how="cross")
    last = window.start - 7 * DAY
    window = window[(window.week_start <= last) & (window.week_start > last - 28 * DAY)]
    store_weeks = window.groupby("campaign_id").stores.sum()
    items = (
        window.merge(weeks, on="week_start")
        .groupby(["campaign_id", "item_id"], as_index=False)[["displayed", "mailed"]]
        .sum()
    )
    table = (
        contents[[*COUPON, "item_id"]]
        .merge(items, on=["campaign_id", "item_id"], how="left")
        .groupby(COUPON, as_index=False)
        .agg(n=("item_id", "size"), displayed=("displayed", "sum"), mailed=("mailed", "sum"))
    )
    cells = table.n * table.campaign_id.map(store_weeks)
    table["item_displays"] = table.displayed / cells
    table["item_mailers"] = table.mailed / cells
    return table[[*COUPON, "item_displays", "item_mailers"]]


def success(
    tables: dict[str, pd.DataFrame], contents: pd.DataFrame, campaigns: pd.DataFrame
) -> pd.DataFrame:
    topics = main_value(contents, "category").merge(campaigns[["campaign_id", "start"]])
    shown = tables["offers"].groupby(COUPON).size().reset_index(name="n").merge(topics, on=COUPON)
    shown = shown.rename(columns={"start": "day"})
    used = tables["redemptions"].groupby([*COUPON, "date"]).size().reset_index(name="n")
    used = used.merge(topics.drop(columns="start"), on=COUPON).rename(columns={"date": "day"})
    for column, name in [
        ("coupon_id", "coupon_success"),
        ("category", "coupon_category_success"),
    ]:
        keys = topics[["campaign_id", "start", column]].drop_duplicates()
        sums = []
        for events in (shown, used):
            both = keys.merge(events[[column, "day", "n"]], on=column)
            both = both[both.day < both.start].groupby(["campaign_id", column], as_index=False)
            sums.append(keys.merge(both.n.sum(), how="left").n.fillna(0).to_numpy())
        keys[name] = (sums[1] + 3) / (sums[0] + 1000)
        topics = topics.merge(keys.drop(columns="start"), on=["campaign_id", column])
    return topics.drop(columns=["category", "start"])


def item_match(past: pd.DataFrame, coupon_items: pd.DataFrame) -> pd.DataFrame:
    covered = coupon_items[["campaign_id", "item_id"]].drop_duplicates()
    user_items = (
        past.merge(covered, on=["campaign_id", "item_id"])
        .groupby([*USER, "item_id"], as_index=False)
        .agg(
            lines=("amount", "size"),
            units=("quantity", "sum"),
            spend=("amount", "sum"),
            decayed_14=("decayed_14", "sum"),
            decayed_45=("decayed_45", "sum"),
            decayed_120=("decayed_120", "sum"),
            last=("age", "min"),
            first=("age", "max"),
            coupon_lines=("with_coupon", "sum"),
        )
    )
    user_items = user_items.sort_values(["last", "lines", "item_id"], ascending=[True, False, True])
    table = (
        user_items.merge(coupon_items, on=["campaign_id", "item_id"])
        .groupby(OFFER, as_index=False)
        .agg(
            item_bought_last=("item_id", "first"),
            match_lines=("lines", "sum"),
            units=("units", "sum"),
            match_spend=("spend", "sum"),
            match_decayed_14=("decayed_14", "sum"),
            match_decayed_45=("decayed_45", "sum"),
            match_decayed_120=("decayed_120", "sum"),
            match_recency=("last", "min"),
            first=("first", "max"),
            coupon_lines=("coupon_lines", "sum"),
            match_distinct_items=("item_id", "size"),
        )
    )
    interval = (table["first"] - table.match_recency) / (table.match_lines - 1).replace(0, np.nan)
    table["match_interval"] = interval.fillna(NEVER).clip(upper=NEVER)
    table["match_due"] = table.match_recency / table.match_interval.clip(lower=1)
    table["match_trend"] = (table.match_decayed_14 / 14) / (table.match_decayed_120 / 120)
    table["match_coupon_share"] = table.coupon_lines / table.match_lines
    table["match_price"] = table.match_spend / table.units
    return table.drop(columns=["units", "first", "coupon_lines"])


def category_match(past: pd.DataFrame, contents: pd.DataFrame) -> pd.DataFrame:
    bought = past.groupby([*USER, "category"], as_index=False).agg(
        spend=("amount", "sum"), decayed=("decayed_45", "sum"), last=("age", "min")
    )
    counts = contents.groupby([*COUPON, "category"]).size().reset_index(name="n")
    counts["share"] = counts.n / counts.groupby(COUPON).n.transform("sum")
    both = bought.merge(counts, on=["campaign_id", "category"])
    both["spend"] *= both.share
    both["decayed"] *= both.share
    return both.groupby(OFFER, as_index=False).agg(
        category_spend=("spend", "sum"),
        match_category_decayed=("decayed", "sum"),
        match_category_recency=("last", "min"),
    )


def brand_match(past: pd.DataFrame, contents: pd.DataFrame) -> pd.DataFrame:
    bought = past.groupby([*USER, "manufacturer_id"], as_index=False).agg(
        brand_spend=("amount", "sum")
    )
    makers = contents[[*COUPON, "manufacturer_id"]].drop_duplicates()
    both = bought.merge(makers, on=["campaign_id", "manufacturer_id"])
    return both.groupby(OFFER, as_index=False).brand_spend.sum()


def seen_before(
    offers: pd.DataFrame, campaigns: pd.DataFrame, redemptions: pd.DataFrame
) -> pd.DataFrame:
    key = ["user_id", "coupon_id"]
    dated = offers.merge(campaigns[["campaign_id", "start"]], on="campaign_id")
    table = dated[OFFER]
    for name, events in [
        ("coupon_offered_before", dated.rename(columns={"start": "day"})),
        ("coupon_redeemed_before", redemptions.rename(columns={"date": "day"})),
    ]:
        both = dated.merge(events[[*key, "day"]], on=key)
        before = both[both.day < both.start].groupby(OFFER).size().reset_index(name=name)
        table = table.merge(before, on=OFFER, how="left")
    return table


def labels(
    purchases: pd.DataFrame, mailed: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    during = purchases[["user_id", "item_id", "day"]].merge(
        mailed[[*USER, "start", "end"]], on="user_id"
    )
    during = during[(during.day >= during.start) & (during.day <= during.end)]
    bought = (
        during[[*USER, "item_id"]]
        .drop_duplicates()
        .merge(tables["coupon_items"], on=["campaign_id", "item_id"])[OFFER]
        .drop_duplicates()
        .assign(bought=1)
    )
    redeemed = tables["redemptions"][OFFER].assign(redeemed=1)
    return bought.merge(redeemed, on=OFFER, how="outer")
