"""What happens in the shops, one event at a time."""

import json
from dataclasses import dataclass
from datetime import date, datetime, time
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from coupon_rec.market import Market

Kind = Literal["purchase", "redemption"]
MOST = 1_000_000
"""The most units, and the most currency, on one line of a receipt. Sums stay exact far beyond."""
MOST_ID = 2**63 - 1
MONEY = ("amount", "retail_discount", "coupon_discount")


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a receipt, or one coupon used.

    Attributes
    ----------
    event_id : str
        Made by the sender, the same when it sends again: 1 to 100 characters.
    user_id : int
        Whose event it is.
    time : datetime.datetime
        Wall-clock time at the store, without a time zone.
    kind : str
        "purchase" or "redemption".
    item_id, basket_id, quantity : int
        Of a purchase: what, on which visit, how many units.
    amount, retail_discount, coupon_discount : float
        Of a purchase, in currency, 0 or more: received, and taken off by card and by coupon.
    coupon_id, campaign_id : int
        Of a redemption.

    Raises
    ------
    ValueError
        If a field is missing for its kind or out of range. It names the field.
    """

    event_id: str
    user_id: int
    time: datetime
    kind: Kind
    item_id: int | None = None
    basket_id: int | None = None
    quantity: int = 1
    amount: float = 0.0
    retail_discount: float = 0.0
    coupon_discount: float = 0.0
    coupon_id: int | None = None
    campaign_id: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind is {self.kind!r}: expected one of {', '.join(get_args(Kind))}")
        if not 1 <= len(self.event_id) <= 100:
            raise ValueError("event_id has no character or more than 100")
        if self.time.tzinfo:
            raise ValueError("time has a time zone: send the wall-clock time at the store")
        ids = ("item_id", "basket_id") if self.kind == "purchase" else ("coupon_id", "campaign_id")
        for name in ("user_id", *ids):
            value = getattr(self, name)
            if not (isinstance(value, int) and 0 <= value <= MOST_ID):
                raise ValueError(f"{name} is {value}: a {self.kind} needs one from 0 to {MOST_ID}")
        if not (isinstance(self.quantity, int) and 1 <= self.quantity <= MOST):
            raise ValueError(f"quantity is {self.quantity}: expected 1 to {MOST:,}")
        for name in MONEY:
            value = getattr(self, name)
            if not (isfinite(value) and 0 <= value <= MOST):
                raise ValueError(f"{name} is {value}: expected 0 to {MOST:,}, in currency")

    @property
    def day(self) -> date:
        """The day on which it happened."""
        return self.time.date()


def to_json(event: Event) -> str:
    """Write an event as one line of JSON."""
    fields = {name: getattr(event, name) for name in Event.__slots__}
    return json.dumps({**fields, "time": event.time.isoformat()}, separators=(",", ":"))


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
        On any Ibis backend.
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
    return sorted(purchases + redemptions, key=lambda event: event.time)
