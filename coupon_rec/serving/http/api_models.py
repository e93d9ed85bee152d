"""What goes in and out over HTTP: the models that requests are checked against."""

import re
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from coupon_rec.serving.events.event import MOST

MOST_EVENTS = 1000
MOST_ID = 2**53 - 1
"""The largest number that every reader of JSON keeps exact."""


def _clock(value: object) -> datetime:
    """Read a time as the shop's clock shows it: an offset from UTC is dropped, not applied."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[T ]", value, re.IGNORECASE):
        raise ValueError("write a date and a time, such as 2017-11-20T09:30:00")
    return datetime.fromisoformat(value).replace(tzinfo=None)


def _whole(value: object) -> object:
    """JSON has one kind of number: 5.0 is the integer 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Id = Annotated[int, Field(ge=0, le=MOST_ID), BeforeValidator(_whole)]
Most = Annotated[
    int,
    Field(ge=1, le=100),
    BeforeValidator(_whole),
    Field(description="How many coupons at most."),
]
Quantity = Annotated[int, Field(ge=1, le=MOST), BeforeValidator(_whole)]
Time = Annotated[
    datetime,
    BeforeValidator(_clock, json_schema_input_type=datetime),
    Field(description="As the shop's clock shows it: an offset from UTC is dropped."),
]
Money = Annotated[float, Field(ge=0, le=MOST, description="In currency, at least 0.")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Context(_Strict):
    """What is known about the moment of a request."""

    time: Time


class Ask(_Strict):
    """Who wants coupons, when, and how many at most."""

    user_id: Id
    context: Context
    k: Most = 5

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"user_id": 1, "context": {"time": "2017-11-20T09:30:00"}, "k": 5}]
        }
    )


class Coupon(BaseModel):
    """A coupon that is worth sending, and why."""

    campaign_id: int
    coupon_id: int
    probability: Annotated[float, Field(ge=0, le=1, description="That it is redeemed.")]
    value: Annotated[
        float, Field(gt=0, description="Expected incremental profit, in currency, after its cost.")
    ]
    reason: str


class Answer(BaseModel):
    """The coupons for a user, the best first; none if none is worth its cost."""

    user_id: int
    day: date
    known: Annotated[
        bool, Field(description="False for a user nothing is known of: the cold-start answer.")
    ]
    bundle: Annotated[str, Field(description="Version of the model and its features.")]
    degraded: Annotated[
        bool, Field(description="True while events of other replicas cannot be read.")
    ]
    coupons: list[Coupon]
    note: Annotated[str, Field(description='Such as "no coupon is worth its cost"; else empty.')]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": 1,
                    "day": "2017-11-20",
                    "known": True,
                    "bundle": "5f0c6c1e",
                    "degraded": False,
                    "coupons": [
                        {
                            "campaign_id": 25,
                            "coupon_id": 10000089061,
                            "probability": 0.0412,
                            "value": 0.0183,
                            "reason": "bought 2 of its items, last 6 days ago",
                        }
                    ],
                    "note": "",
                }
            ]
        }
    )


class _Event(_Strict):
    event_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=100,
            pattern=r"^[A-Za-z0-9_.:-]+$",
            description="Chosen by the sender; an event sent twice counts once.",
        ),
    ]
    user_id: Id
    time: Time


class Purchase(_Event):
    """A line of a basket."""

    kind: Literal["purchase"]
    basket_id: Id
    item_id: Id
    quantity: Quantity = 1
    amount: Annotated[Money, Field(description="What the user paid, in currency.")]
    retail_discount: Money = 0.0
    coupon_discount: Money = 0.0


class Redemption(_Event):
    """A coupon that was redeemed."""

    kind: Literal["redemption"]
    campaign_id: Id
    coupon_id: Id


AnyEvent = Annotated[Purchase | Redemption, Field(discriminator="kind")]


class Events(_Strict):
    """A batch of events: all are accepted, or none."""

    events: Annotated[list[AnyEvent], Field(min_length=1, max_length=MOST_EVENTS)]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {
                            "event_id": "till-3:20171120:0001",
                            "kind": "purchase",
                            "user_id": 1,
                            "time": "2017-11-20T09:30:00",
                            "basket_id": 41000000001,
                            "item_id": 1082185,
                            "quantity": 1,
                            "amount": 1.29,
                        }
                    ]
                }
            ]
        }
    )


class Accepted(BaseModel):
    """Sent once the events are on disk and count."""

    accepted: Annotated[int, Field(description="How many events; those sent before included.")]


class LiveCoupon(BaseModel):
    """A coupon of a campaign that runs."""

    campaign_id: int
    coupon_id: int


class LiveCoupons(BaseModel):
    """The coupons of the campaigns that run on a day."""

    day: date
    coupons: list[LiveCoupon]


class Reloaded(BaseModel):
    """Which bundle answers now."""

    bundle: str


class State(BaseModel):
    """How the service is."""

    status: Literal["ok", "stopping"]
    bundle: str
    day: Annotated[date, Field(description="Of the snapshot of the features.")]
    degraded: bool


class FieldProblem(BaseModel):
    """A field of a request, and what is wrong with it."""

    field: Annotated[str, Field(description="Its path, such as context.time.")]
    problem: str


class Problem(BaseModel):
    """Why a request was not answered, and how to mend it."""

    error: str
    fields: list[FieldProblem] = []
