"""The bodies of requests and responses, checked and documented by Pydantic."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)

from coupon_rec.arguments import MAX_ID
from coupon_rec.serving.events.event import HALVES, MAX_AMOUNT, MAX_REVIEW, MAX_TEXT
from coupon_rec.serving.replies import DESCRIBED, Choice, ItemChoice

MAX_EVENTS = 1000


def _clock(value: object) -> datetime:
    """Read a time as the shop's clock shows it: an offset from UTC is dropped, not applied."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[T ]", value, re.IGNORECASE):
        raise ValueError("write a date and a time, such as 2017-11-20T09:30:00")
    return datetime.fromisoformat(value).replace(tzinfo=None)


def _whole(value: object) -> object:
    """JSON has one kind of number: 5.0 is the integer 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _identifier(value: object) -> int | str:
    """Take a whole number or a text that can be written down."""
    value = _whole(value)
    if isinstance(value, str) and 1 <= len(value) <= MAX_TEXT and not HALVES.search(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ID:
        return value
    raise ValueError(f"send a whole number from 0 to {MAX_ID}, or 1 to {MAX_TEXT} characters")


NUMBER_OR_TEXT = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": MAX_ID},
        {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
    ]
}
Id = Annotated[int | str, PlainValidator(_identifier), WithJsonSchema(NUMBER_OR_TEXT)]
K = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole)]
Stars = Annotated[int, Field(ge=1, le=5), BeforeValidator(_whole)]
Quantity = Annotated[int, Field(ge=1, le=MAX_AMOUNT), BeforeValidator(_whole)]
Time = Annotated[datetime, BeforeValidator(_clock, json_schema_input_type=datetime)]
Money = Annotated[float, Field(ge=0, le=MAX_AMOUNT)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class _Body(BaseModel):
    model_config = DESCRIBED


class _Strict(_Body):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class Context(_Strict):
    """What is known about the moment of a request."""

    time: Time
    """As the shop's clock shows it: an offset from UTC is dropped."""


class _Asked(_Strict):
    user_id: Id
    context: Context | None = None
    """Now, by the clock of the server, if left out."""


class RecommendationRequest(_Asked):
    """Who wants coupons, when, where, and how many at most."""

    k: K = 5
    """How many coupons at most."""
    explain: bool = False
    """Give the whole account of the first five coupons."""
    platform: Annotated[str | None, Field(min_length=1, max_length=40)] = None
    """Where they are shown, such as "phone", if the bundle has a model for it; one that it has none
    for is refused. Left out, the bundle's main model answers."""

    model_config = _example(user_id=1, context={"time": "2017-11-20T09:30:00"}, k=5)


class RecommendationResponse(_Body):
    """The coupons for a user, the best first; none if none is worth its cost."""

    user_id: int | str
    day: date
    known: bool
    """False for a user nothing is known of: the cold-start answer."""
    mailed: bool
    """Whether the coupons are among those that the user was mailed. False for a user who was mailed
    no live one: these are the best of all that are live and not withheld from the user."""
    bundle: str
    """Version of the model and its features."""
    degraded: bool
    """True while events of other replicas cannot be read."""
    coupons: list[Choice]
    note: str
    """Such as "no coupon is worth its cost"; else empty."""


class ItemsRequest(_Asked):
    """Who wants items, when, and how many at most."""

    k: K = 10
    """How many items at most."""

    model_config = _example(user_id=1, context={"time": "2017-11-20T09:30:00"}, k=10)


class ItemsResponse(_Body):
    """The items that a user is most likely to buy, the likeliest first."""

    user_id: int | str
    day: date
    known: bool
    """False for a user without a purchase: what most users buy."""
    bundle: str
    """Version of the features."""
    degraded: bool
    """True while events of other replicas cannot be read."""
    items: list[ItemChoice]


class _Event(_Strict):
    event_id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$")]
    """Chosen by the sender; an event sent twice counts once."""
    user_id: Id
    time: Time
    """As the shop's clock shows it: an offset from UTC is dropped."""


class Purchase(_Event):
    """A line of a basket. Money is in currency, at least 0."""

    kind: Literal["purchase"]
    basket_id: Id
    item_id: Id
    quantity: Quantity = 1
    amount: Money
    """What the user paid."""
    retail_discount: Money = 0.0
    coupon_discount: Money = 0.0


class Redemption(_Event):
    """A coupon that was redeemed."""

    kind: Literal["redemption"]
    campaign_id: Id
    coupon_id: Id


class Look(_Event):
    """An item that was looked at, or clicked."""

    kind: Literal["view", "click"]
    item_id: Id
    channel: Text | None = None
    """Where, such as "app"."""


class Review(_Event):
    """What a user says about an item: `/v1/reviews` gives it, and no answer changes for it."""

    kind: Literal["review"]
    item_id: Id
    channel: Text | None = None
    """Where, such as "app"."""
    rating: Stars
    text: Annotated[str | None, Field(min_length=1, max_length=MAX_REVIEW)] = None


AnyEvent = Annotated[Purchase | Redemption | Look | Review, Field(discriminator="kind")]


class EventBatch(_Strict):
    """A batch of events: all are accepted, or none."""

    events: Annotated[list[AnyEvent], Field(min_length=1, max_length=MAX_EVENTS)]

    model_config = _example(
        events=[
            {
                "event_id": "till-3:20171120:0001",
                "kind": "purchase",
                "user_id": 1,
                "time": "2017-11-20T09:30:00",
                "basket_id": 41000000001,
                "item_id": 1082185,
                "amount": 1.29,
            }
        ]
    )


class EventsAccepted(_Body):
    """Sent once the events are on disk and count."""

    accepted: int
    """How many events; those sent before included."""


class ReviewOfItem(_Body):
    """A review, without its user."""

    position: int
    """In the log: the next call's `after`."""
    time: str
    """As the shop's clock showed it, in ISO 8601."""
    item_id: int | str
    rating: int
    text: str | None


class Reviews(_Body):
    """Reviews in the order in which they came."""

    log: str
    """Whose positions these are: each replica has its own."""
    reviews: list[ReviewOfItem]


class LiveCoupon(_Body):
    """A coupon of a campaign that runs."""

    campaign_id: int | str
    coupon_id: int | str


class LiveCoupons(_Body):
    """The coupons of the campaigns that run on a day."""

    day: date
    coupons: list[LiveCoupon]


class ReloadResponse(_Body):
    """Which bundle answers now."""

    bundle: str


class ServiceState(_Body):
    """How the service is."""

    status: Literal["ok", "stopping"]
    bundle: str
    day: date
    """Of the snapshot of the features."""
    degraded: bool
    trial: str | None
    """Version of the bundle on trial, if one is."""


class FieldError(_Body):
    """A field of a request, and what is wrong with it."""

    field: str
    """Its path, such as context.time."""
    problem: str


class ErrorBody(_Body):
    """Why a request was not answered, and how to fix it."""

    error: str
    fields: list[FieldError] = []
