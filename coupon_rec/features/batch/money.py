"""What a redemption of each coupon takes off and brings, in currency: for decisions, not models."""

from functools import reduce
from operator import or_

import ibis
from ibis import Deferred, Table, _
from ibis.expr.types import Value

from coupon_rec.features.batch.coupons import COUPON_KEY, main_value
from coupon_rec.features.batch.users import EITHER
from coupon_rec.features.catalog import DIGITS, MILLIONTHS
from coupon_rec.market import Market
from coupon_rec.market.tables import OFFER

PRIOR_LINES = 200
"""What coupons of a wider kind took off counts as so many lines of a coupon's own items."""
UNKNOWN_DISCOUNT = 1.0
"""What a coupon is taken to take off where no line with a coupon is known."""


def history_tables(market: Market, lines: Table) -> list[Table]:
    """Estimate what each coupon takes off a line, from all lines with a coupon before its start.

    The mean of the lines of its items is shrunk to that of its main category, that one to the mean
    of its main department, and that one to the mean of all lines.

    Parameters
    ----------
    market : Market
        On any Ibis backend.
    lines : ibis.Table
        What was bought there, as `purchase_lines` gives it.

    Returns
    -------
    list of ibis.Table
        A row for each coupon of each campaign: `discount` in currency, and `discount_from`, the
        narrowest level that has a line, or "nothing". And a row for each campaign with a line
        before it: `discount_error`, how far one line is from the mean of all, in the mean.
    """
    kinds = market.items.select("item_id", "category", "department")
    taken = (
        lines.filter(_.coupon_discount > 0)
        .join(kinds, "item_id", rname="{name}_text")
        .group_by("item_id", "department", "day", "coupon_discount", category=_.category_text)
        .aggregate(lines=_.count())
        .mutate(taken=_.lines * _.coupon_discount)
        .alias("coupon_lines")
    )
    found = (
        main_value(market, "category")
        .join(main_value(market, "department"), COUPON_KEY)
        .join(market.campaigns.select("campaign_id", "start"), "campaign_id")
        .mutate(discount=UNKNOWN_DISCOUNT, discount_from=ibis.literal("nothing"))
    )
    found = _shrunk(found, _before(found, taken), "all coupons", 0)
    for kind in ("department", "category"):
        found = _shrunk(found, _before(found, taken, kind), kind, PRIOR_LINES)
    own = taken.join(market.coupon_items, "item_id")
    found = _shrunk(found, _before(found, own, *COUPON_KEY), "items", PRIOR_LINES)
    sizes = _before(found, taken, "coupon_discount")
    mean = _.taken.sum().over(group_by="campaign_id") / _.lines.sum().over(group_by="campaign_id")
    away = (_.lines * (_.coupon_discount - mean).abs()).name("away")
    errors = (
        sizes.select("campaign_id", "lines", away)
        .group_by("campaign_id")
        .aggregate(discount_error=_.away.sum() / _.lines.sum() / MILLIONTHS)
    )
    return [found.select(*COUPON_KEY, "discount", "discount_from"), errors]


def _before(coupons: Table, rows: Table, *key: str) -> Table:
    """The lines before the start of each campaign, and what they took off, by some key."""
    sums = {name: _[name].sum() for name in ("lines", "taken")}
    of_coupons = [name for name in key if name in coupons.columns]
    asked = coupons.select(*dict.fromkeys(["campaign_id", "start", *of_coupons])).distinct()
    daily = rows.group_by(*key, "day").aggregate(**sums)
    joined = asked.join(daily, [*of_coupons, asked.start > daily.day])
    return joined.group_by(*dict.fromkeys(["campaign_id", *key])).aggregate(**sums)


def _shrunk(found: Table, known: Table, level: str, prior: int) -> Table:
    """Move what is found of each coupon towards the mean of the lines of a narrower level."""
    joined = found.left_join(known, known.drop("lines", "taken").columns)
    mean = (_.taken / MILLIONTHS + prior * _.discount) / (_.lines + prior)
    return joined.mutate(
        discount=mean.fill_null(_.discount),
        discount_from=ibis.ifelse(_.lines.notnull(), level, _.discount_from),
    ).select(*found.columns)


def money_columns(coupons: Table) -> dict[str, Value | Deferred]:
    """What a redemption of each coupon takes off, by its terms if they are known, and brings.

    Parameters
    ----------
    coupons : ibis.Table
        What is known of each coupon of each campaign, terms that it may lack included.

    Returns
    -------
    dict of str to ibis.Value
        The columns that `coupon_rec.features.build_offers` describes, and `list_price`. Not
        missing, but for `discount_error` where no line is known, and `margin` and `shop_share`
        where the market does not say.
    """
    none = ibis.null("float64")
    face, depth, minimum, share, cost = (
        coupons[name] if name in coupons.columns else none
        for name in (
            "coupon_face_value",
            "coupon_depth",
            "coupon_minimum",
            "shop_share",
            "unit_cost",
        )
    )
    terms = {"coupons.face_value": face, "coupons.depth": depth * coupons.list_price}
    usual = ibis.coalesce(coupons.spend_per_line, coupons.list_price, 0.0)
    paid = ibis.coalesce(coupons.item_price, coupons.list_price).nullif(0)
    return {
        "spend_per_line": ibis.greatest(usual, minimum.fill_null(0.0)).round(DIGITS),
        **_by_terms(terms, coupons),
        "margin": (1 - cost / paid).round(DIGITS),
        "shop_share": share,
        "list_price": coupons.list_price.round(DIGITS),
    }


def own_discounts(market: Market, coupons: Table) -> list[Table]:
    """What the offers that have terms of their own take off, in place of their coupons'."""
    given = [name for name in EITHER if name in market.offers.columns]
    if not given:
        return []
    offers = market.offers.filter(reduce(or_, (_[name].notnull() for name in given)))
    columns = ("discount", "discount_from", "discount_error", "list_price")
    offers = offers.select(*OFFER, *given).join(coupons.select(*COUPON_KEY, *columns), COUPON_KEY)
    terms = {f"offers.{name}": offers[name] for name in given}
    if "depth" in given:
        terms["offers.depth"] *= offers.list_price
    return [offers.select(*OFFER, **_by_terms(terms, offers))]


def _by_terms(terms: dict[str, Value], history: Table) -> dict[str, Value]:
    """What is taken off by the first of some terms that is known, else as history has it."""
    stated = ibis.coalesce(*terms.values())
    names = [(value.notnull(), ibis.literal(name)) for name, value in terms.items()]
    return {
        "discount": stated.fill_null(history.discount).round(DIGITS),
        "discount_from": ibis.cases(*names, else_=history.discount_from),
        "discount_error": ibis.ifelse(stated.notnull(), 0.0, history.discount_error).round(DIGITS),
    }
