"""Purchases, redemptions, views, clicks and reviews, as the service takes them in."""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from coupon_rec.market import Market

Kind = Literal["purchase", "redemption", "view", "click", "review"]
MAX_AMOUNT = 1_000_000
"""The most units, and the most currency, on one line of a receipt. Sums stay exact far beyond."""
MAX_ID = 2**63 - 1
MAX_TEXT = 100
MAX_REVIEW = 5_000
"""Characters of a review, at most."""
HALVES = re.compile("[\ud800-\udfff]")
"""Halves of characters, which JSON can spell and nothing can write down."""
STARS = range(1, 6)
MONEY = ("amount", "retail_discount", "coupon_discount")
COMMON = ("event_id", "user_id", "time", "kind")
FIELDS: dict[Kind, tuple[str, ...]] = {
    "purchase": (*COMMON, "item_id", "basket_id", "quantity", *MONEY),
    "redemption": (*COMMON, "coupon_id", "campaign_id"),
    "view": (*COMMON, "item_id", "channel"),
    "click": (*COMMON, "item_id", "channel"),
    "review": (*COMMON, "item_id", "rating", "text", "channel"),
}
"""The fields of an event of each kind."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a receipt, one coupon used, one item looked at or spoken of.

    An identifier is a whole number from 0 on, or a text of 1 to 100 characters.

    Attributes
    ----------
    event_id : str
        Made by the sender, the same when it sends again: 1 to 100 characters.
    user_id : int or str
        Whose event it is.
    time : datetime.datetime
        Wall-clock time at the store, without a time zone.
    kind : str
        "purchase", "redemption", "view", "click" or "review".
    item_id : int or str
        Of all but a redemption.
    basket_id, quantity : int or str, int
        Of a purchase: on which visit, how many units, 1 to 1,000,000.
    amount, retail_discount, coupon_discount : float
        Of a purchase, in currency, 0 to 1,000,000: received, and taken off by card and by coupon.
        Where money takes larger numbers, count it in thousands, in the tables as well.
    coupon_id, campaign_id : int or str
        Of a redemption.
    channel : str, optional
        Of a view, a click or a review: where it happened, such as "app".
    rating : int
        Of a review: stars, from 1 to 5.
    text : str, optional
        Of a review: the words, 1 to 5,000 characters.

    Raises
    ------
    ValueError
        If a field is missing for its kind or out of range. It names the field.

    Examples
    --------
    >>> event = Event("e1", 5, datetime(2017, 4, 10, 12), "view", item_id=1003, channel="app")
    >>> event.day
    datetime.date(2017, 4, 10)
    >>> Event("e2", 5, datetime(2017, 4, 10, 12), "purchase", item_id=1003)
    Traceback (most recent call last):
    ValueError: basket_id is None: a purchase needs a whole number from 0 on or a text
    """

    event_id: str
    user_id: int | str
    time: datetime
    kind: Kind
    item_id: int | str | None = None
    basket_id: int | str | None = None
    quantity: int = 1
    amount: float = 0.0
    retail_discount: float = 0.0
    coupon_discount: float = 0.0
    coupon_id: int | str | None = None
    campaign_id: int | str | None = None
    channel: str | None = None
    rating: int | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind is {self.kind!r}: expected one of {', '.join(get_args(Kind))}")
        if not (isinstance(self.event_id, str) and _is_id(self.event_id)):
            raise ValueError(
                f"event_id has no character, more than {MAX_TEXT}, or half of one: send a text"
            )
        if self.time.tzinfo:
            raise ValueError("time has a time zone: send the wall-clock time at the store")
        for name in FIELDS[self.kind]:
            value = getattr(self, name)
            if name.endswith("_id") and not _is_id(value):
                raise ValueError(
                    f"{name} is {value!r}: a {self.kind} needs a whole number from 0 on or a text"
                )
        if not (isinstance(self.quantity, int) and 1 <= self.quantity <= MAX_AMOUNT):
            raise ValueError(f"quantity is {self.quantity}: expected 1 to {MAX_AMOUNT:,}")
        for name in MONEY:
            value = getattr(self, name)
            if not (isfinite(value) and 0 <= value <= MAX_AMOUNT):
                raise ValueError(f"{name} is {value}: expected 0 to {MAX_AMOUNT:,}, in currency")
        if self.channel is not None and not 1 <= len(self.channel) <= MAX_TEXT:
            raise ValueError(f"channel has no character or more than {MAX_TEXT}")
        if self.kind == "review" and not (isinstance(self.rating, int) and self.rating in STARS):
            raise ValueError(f"rating is {self.rating!r}: a review needs 1 to 5 stars")
        if self.text is not None and not 1 <= len(self.text) <= MAX_REVIEW:
            raise ValueError(f"text has no character or more than {MAX_REVIEW:,}")

    @property
    def day(self) -> date:
        """The day on which it happened."""
        return self.time.date()


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return 1 <= len(value) <= MAX_TEXT and not HALVES.search(value)
    return isinstance(value, int) and 0 <= value <= MAX_ID


def to_json(event: Event) -> str:
    """Write the fields that an event of its kind has as one line of JSON.

    Examples
    --------
    >>> to_json(Event("e1", 5, datetime(2017, 4, 10, 12), "click", item_id=1003))
    '{"event_id":"e1","user_id":5,"time":"2017-04-10T12:00:00","kind":"click","item_id":1003}'
    """
    fields = {name: getattr(event, name) for name in FIELDS[event.kind]}
    fields["time"] = event.time.isoformat()
    given = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(given, separators=(",", ":"))


def from_json(line: str | bytes) -> Event:
    """Read what `to_json` wrote; ValueError or TypeError if it is something else."""
    fields: dict[str, Any] = json.loads(line)
    return Event(**{**fields, "time": datetime.fromisoformat(fields["time"])})


def events_of(market: "Market", first: date, last: date | None = None) -> list[Event]:
    """What happened in a market on some days, in the order in which it happened.

    A redemption has a date and no hour: it comes with the user's last purchase of that day, or at
    noon if there is none.

    Parameters
    ----------
    market : Market
        On any Ibis backend. Views, clicks and reviews are events too, where it has these
        tables; a text is cut to 5,000 characters.
    first, last : datetime.date
        The days, both included; one day if `last` is left out.
    """
    last = last or first
    bought = market.purchases.filter(market.purchases.time.date().between(first, last))
    used = market.redemptions.filter(market.redemptions.date.between(first, last))
    names = ("user_id", "item_id", "basket_id", "quantity", *MONEY)
    rows = bought.order_by("time", *names).select("time", *names).to_pyarrow().to_pylist()
    purchases = [Event(f"till-{first}-{i}", kind="purchase", **row) for i, row in enumerate(rows)]
    visits = {(event.user_id, event.day): event.time for event in purchases}
    redemptions = []
    for row in used.order_by("date", "user_id", "coupon_id").to_pyarrow().to_pylist():
        day = row.pop("date")
        moment = visits.get((row["user_id"], day), datetime.combine(day, time(12)))
        name = "coupon-{campaign_id}-{user_id}-{coupon_id}".format(**row)
        redemptions.append(Event(name, time=moment, kind="redemption", **row))
    others = [
        event
        for kind in ("view", "click", "review")
        for event in _events_of_kind(market, kind, first, last)
    ]
    return sorted(purchases + redemptions + others, key=lambda event: event.time)


def _events_of_kind(
    market: "Market", kind: Literal["view", "click", "review"], first: date, last: date
) -> list[Event]:
    """The views, clicks or reviews of some days; none if the market has no such table."""
    table = getattr(market, f"{kind}s", None)
    if table is None:
        return []
    names = ("time", "user_id", *FIELDS[kind][len(COMMON) :])
    own = [name for name in names if name in table.columns]
    happened = table.filter(table.time.date().between(first, last)).select(*own).order_by(*own)
    rows = [
        {**row, "text": (row.get("text") or "")[:MAX_REVIEW] or None}
        for row in happened.to_pyarrow().to_pylist()
    ]
    return [Event(f"{kind}-{first}-{i}", kind=kind, **row) for i, row in enumerate(rows)]
