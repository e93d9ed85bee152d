"""What the assistant may know: the coupons of one customer, from the service and the catalog."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil, floor, inf
from typing import TYPE_CHECKING, Any, Final

from coupon_rec.assistant.hearing import plain

if TYPE_CHECKING:
    import pandas as pd

    from coupon_rec.market import Market

MAX_SHOWN: Final = 5
"""Coupons that are asked for, and shown, at a time."""
MAX_LETTERS_OF_NAME: Final = 40
ROUNDING: Final = 1e-6
"""Of a cent, or of a hundredth of a percent: what binary numbers may lack of one."""
LEVELS: Final = ("type", "category", "department")
"""What names a product: the narrowest whose commonest value is released."""
NAMELESS: Final = "selected products"
UNSAID: Final = "a coupon for"
"""What is said where the tables do not hold one amount for everybody."""

Recommended = tuple[int | str, int | str, str] | tuple[int | str, int | str, str, bool]
Recommend = Callable[[int | str], Sequence[Recommended]]
"""From a user to campaign, coupon and reason of each recommended coupon, the best first; and False
where the user was not mailed it."""


@dataclass(frozen=True)
class Coupon:
    """A coupon as a customer may hear of it.

    Attributes
    ----------
    coupon_id : int or str
        In the service.
    product : str
        What it is for.
    off : str
        What it takes off, such as "25% off", or "25% off selected" where it does not cover all of
        the product; `UNSAID` where the tables do not say.
    until : datetime.date
        The last day on which it is valid.
    reason : str
        Why the service recommends it.
    campaign_id : int or str
        In the service; a coupon may be in several campaigns.
    mailed : bool
        Whether the customer was mailed it; otherwise it is open to them, and not theirs.
    alone : bool
        Whether it cannot be used with another coupon.
    """

    coupon_id: int | str
    product: str
    off: str
    until: date
    reason: str = ""
    campaign_id: int | str = ""
    mailed: bool = True
    alone: bool = False

    @property
    def key(self) -> tuple[int | str, int | str]:
        """What tells it from every other coupon, campaign and coupon; its words may not."""
        return self.campaign_id, self.coupon_id

    @property
    def line(self) -> str:
        """The coupon in words: the only ones in which the assistant speaks of it.

        Examples
        --------
        >>> Coupon(7, "coffee", "25% off", date(2017, 11, 12)).line
        '25% off coffee, until 12 November 2017'
        """
        condition = ", not with another coupon" if self.alone else ""
        return f"{self.off} {self.product}, until {spoken(self.until)}{condition}"

    @property
    def why(self) -> str:
        """The coupon in words, with the service's reason behind it."""
        return f"{self.line} ({self.reason})"

    def is_for(self, product: str) -> bool:
        """Whether it is for a product; for any, if none is named."""
        return not product.strip() or plain(product) == plain(self.product)


def spoken(day: date) -> str:
    """Write a date in words, whatever the machine's language."""
    months = "January February March April May June July August September October November December"
    return f"{day.day} {months.split()[day.month - 1]} {day.year}"


def product_name(*names: object, released: Collection[str]) -> str:
    """Take the first name that a person has released; a maker's text is no place for promises.

    Parameters
    ----------
    *names : object
        As the tables have them, the narrowest first.
    released : collection of str
        In small letters, with single spaces.

    Examples
    --------
    >>> product_name("HALFPRICED COFFEE", "COFFEE", released=["coffee", "tea"])
    'coffee'
    >>> product_name("HALFPRICED COFFEE", released=["coffee", "tea"])
    'selected products'
    """
    return next((name for name in map(_shown, names) if name in released), NAMELESS)


def _shown(name: object) -> str:
    """A name as a customer sees it."""
    return " ".join(str(name).casefold().split())


def _is_name(text: str) -> bool:
    """Whether a text has no number, and no sign that a line of a coupon has."""
    return len(text) <= MAX_LETTERS_OF_NAME and bool(re.fullmatch(r"[a-z]+([ &/'-]+[a-z]+)*", text))


def names_to_read(market: "Market") -> list[str]:
    """List what the coupons' products are called, for a person to read and to delete from.

    Parameters
    ----------
    market : Market
        With `coupon_items` and `items`.

    Returns
    -------
    list of str
        The types, categories and departments of products with a coupon, those of most products
        first; only those of which each may be released, as `Catalog.of_market` has it.
    """
    covered = market.named(market.coupon_items.to_pandas())["item_id"]
    items = market.named(market.items.to_pandas())
    items = items[items["item_id"].isin(covered)]
    products = Counter(_shown(name) for level in LEVELS for name in items[level].dropna())
    ordered = sorted(products, key=lambda name: (-products[name], name))
    return [name for name in ordered if _is_name(name)]


class Catalog:
    """The terms of coupons, by campaign and coupon.

    Parameters
    ----------
    terms : mapping
        From (campaign_id, coupon_id) to product, what is taken off, and the last day.
    alone : collection
        The coupon_id of each coupon that cannot be used with another.
    """

    def __init__(
        self, terms: Mapping[tuple[Any, Any], tuple[str, str, date]], alone: Collection[Any] = ()
    ) -> None:
        self.terms, self.alone = dict(terms), frozenset(alone)
        self.products = sorted({product for product, _, _ in self.terms.values()} - {NAMELESS})

    @classmethod
    def of_market(
        cls, market: "Market", currency: str = "", names: Iterable[str] = ()
    ) -> "Catalog":
        """Read the terms from a market's tables.

        Parameters
        ----------
        market : Market
            With `coupons`, `campaigns`, `coupon_items` and `items`.
        currency : str
            What stands before an amount of money, such as "$".
        names : iterable of str
            Product names that a person of the shop has read and released, in any case: words of the
            letters a to z, with spaces, &, /, ' or - between them, at most 40 letters in all.
            `names_to_read` lists the candidates. A coupon is called by the commonest type of its
            items, category or department, the first of these that is among the names, though it
            may cover more; and else "selected products".

        Raises
        ------
        ValueError
            If a name has a number, or a letter or a sign that no name may have.
        """
        released = {_shown(name) for name in names}
        if wrong := sorted(name for name in released if not _is_name(name)):
            raise ValueError(
                f"{wrong[0]!r} cannot be released as a product's name: a name has words of the "
                "letters a to z, with spaces, &, /, ' or - between them, and at most "
                f"{MAX_LETTERS_OF_NAME} letters in all. Delete it from the names, or write it "
                "so in the tables"
            )
        tables = {
            name: market.named(getattr(market, name).to_pandas())
            for name in ("coupons", "campaigns", "coupon_items", "items")
        }
        ends = tables["campaigns"].set_index("campaign_id")["end"]
        off = {
            row["coupon_id"]: _off(row, currency) for row in tables["coupons"].to_dict("records")
        }
        least = tables["coupons"].set_index("coupon_id").get("minimum", {})
        own = market.named(market.offers.to_pandas()).filter(["coupon_id", "face_value", "depth"])
        for coupon in own.set_index("coupon_id").dropna(how="all").index:
            off[coupon] = _off({"minimum": least.get(coupon)}, currency)
        items = tables["coupon_items"].merge(tables["items"], on="item_id")
        called = _items_called(tables["items"])
        facts = {}
        for key, group in items.groupby(["campaign_id", "coupon_id"], sort=True):
            usual = {level: next(iter(group[level].mode()), None) for level in LEVELS}
            product = product_name(*usual.values(), released=released)
            whole = product == NAMELESS or called[product] <= set(group["item_id"])
            words = off.get(key[1], UNSAID) + ("" if whole else " selected")
            last = ends[key[0]]
            day = last.date() if isinstance(last, datetime) else last
            facts[key] = product, words, day
        coupons = tables["coupons"].reindex(columns=["coupon_id", "stackable"])
        return cls(facts, coupons["coupon_id"][coupons["stackable"].eq(False).fillna(False)])


def _items_called(items: "pd.DataFrame") -> dict[str, set[Any]]:
    """The items that each name stands for, at whatever level it is used."""
    called: dict[str, set[Any]] = defaultdict(set)
    for level in LEVELS:
        for name, group in items.groupby(level):
            called[_shown(name)].update(group["item_id"])
    return called


def _off(row: Mapping[Any, Any], currency: str) -> str:
    """What a coupon takes off, in words; never more than it does, and no condition left out."""
    depth, value, least = (row.get(name) or 0 for name in ("depth", "face_value", "minimum"))
    if inf in (depth, value, least):
        return UNSAID
    if value > 0 and (cents := floor(100 * value + ROUNDING)):
        words = f"{currency}{cents / 100:.2f} off"
    elif depth > 0 and (hundredths := floor(10_000 * depth + ROUNDING)):
        words = f"{hundredths / 100:g}% off"
    else:  # missing values are neither
        words = ""
    cents = ceil(100 * least - ROUNDING) if least > 0 else 0
    amount = f"{currency}{cents / 100:.2f}"
    if not words:
        return f"a coupon, from {amount} on, for" if cents else UNSAID
    return f"{words} {amount} worth of" if cents else words


class Tools:
    """The tools, for one customer: no tool takes the name of another.

    Parameters
    ----------
    user_id : int or str
        Whose coupons these are; whoever opens the conversation has checked who that is.
    recommend : callable
        From a user to recommended coupons: `service`, or a stand-in.
    catalog : Catalog
        The terms.

    Examples
    --------
    >>> catalog = Catalog({(1, 7): ("coffee", "25% off", date(2017, 11, 12))})
    >>> tools = Tools(2448, lambda user: [(1, 7, "you buy these")], catalog)
    >>> [coupon.line for coupon in tools.coupons("coffee")]
    ['25% off coffee, until 12 November 2017']
    >>> tools.coupons("tea")
    []
    """

    def __init__(self, user_id: int | str, recommend: Recommend, catalog: Catalog) -> None:
        self.user_id = user_id
        self.catalog = catalog
        self._recommend = recommend

    def coupons(self, product: str = "") -> list[Coupon]:
        """Give the customer's coupons, the best first; for one product, if it is named."""
        coupons: dict[tuple[int | str, int | str], Coupon] = {}
        for campaign, number, reason, *mailed in self._recommend(self.user_id):
            key, alone = (campaign, number), number in self.catalog.alone
            if key in self.catalog.terms and key not in coupons:
                name, off, until = self.catalog.terms[key]
                told = reason, campaign, all(mailed), alone
                coupons[key] = Coupon(number, name, off, until, *told)
        return [each for each in coupons.values() if each.is_for(product)]


def placed(coupons: Sequence[Coupon], which: int) -> Coupon | None:
    """Give one coupon of a list by its place: 1 for the first, -1 for the last."""
    place = which - 1 if which > 0 else len(coupons) + which
    return coupons[place] if which and 0 <= place < len(coupons) else None
