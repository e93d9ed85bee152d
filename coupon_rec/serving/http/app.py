"""The HTTP routes of the service."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response, StreamingResponse

from coupon_rec.arguments import MAX_ID
from coupon_rec.serving.bundle.scorer import UnknownPlatform
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.feature_store import StoreFullError
from coupon_rec.serving.http.api_models import (
    MAX_EVENTS,
    EventBatch,
    EventsAccepted,
    Id,
    ItemsRequest,
    ItemsResponse,
    LiveCoupon,
    LiveCoupons,
    RecommendationRequest,
    RecommendationResponse,
    ReloadResponse,
    Reviews,
    Said,
    ServiceState,
)
from coupon_rec.serving.http.batching import Overloaded
from coupon_rec.serving.http.bundles import OutOfReach
from coupon_rec.serving.http.errors import Refused, described, handle
from coupon_rec.serving.http.middleware import RequestGuard
from coupon_rec.serving.http.security import OPERATOR
from coupon_rec.serving.http.service import Service
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.http.streams import Stream
from coupon_rec.serving.recommender import ACCOUNTS

logger = logging.getLogger("coupon_rec.serving")

STOP = 0.1
"""Seconds between two looks at whether the server is told to stop."""
TOO_OFTEN = {
    "users": "you ask about too many people: wait, or have the limit raised",
    "asks": "you ask about this user too often: wait a little",
}
BUSY = "too many requests wait: try again"
NOW = (
    '; without a context, "now" by the clock of the server is meant: send the time of the shop, '
    'such as "context": {"time": "2017-11-20T09:30:00"}'
)


def create_app(bundle: str | Path, settings: Settings | None = None) -> FastAPI:
    """Make the service of a bundle.

    Parameters
    ----------
    bundle : str or pathlib.Path
        As `python -m coupon_rec export` writes it.
    settings : Settings, optional
        Limits and secrets; the defaults if left out.

    Returns
    -------
    fastapi.FastAPI
        With the `Service` as `app.state.service`.

    Raises
    ------
    BundleError
        If the bundle cannot be used.
    """
    settings = settings or Settings()
    service = Service(Path(bundle), settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(service.listen()), asyncio.create_task(_end_streams(app))]
        yield
        for task in tasks:
            task.cancel()
        await service.finish()
        service.close()

    app = FastAPI(
        title="The Right Coupon",
        lifespan=lifespan,
        version=service.recommender.scorer.version,
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        responses=described(401, 429) if settings.api_key or settings.limits else None,
        dependencies=[Depends(HTTPBearer(auto_error=False))] if settings.api_key else [],
    )
    app.state.service = service
    app.add_middleware(RequestGuard, settings=settings, metrics=service.metrics)
    app.include_router(router)
    handle(app)

    return app


async def _end_streams(app: FastAPI) -> None:
    """End the open streams when the server is told to stop, for it waits until they have ended."""
    server = getattr(app.state, "server", None)
    while server and not server.should_exit:
        await asyncio.sleep(STOP)
    if server:
        app.state.service.stop()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _operator(request: Request) -> None:
    """Refuse everybody but the operator, if there is a key for one."""
    if _service(request).settings.operator_key and request.state.client != OPERATOR:
        raise Refused(403, "this is for the operator: send the operator's key")


def _question(service: Service, request: Request, user_id: int | str, cost: int = 1) -> None:
    """Refuse a client that asks about too many people, or about one too often."""
    limit, wait = service.probing.wait(request.state.client, user_id, cost)
    if limit:
        service.metrics.limited.labels(limit).inc()
        raise Refused(429, TOO_OFTEN[limit], wait=wait)


@contextmanager
def _day_in(field: str, advice: str = "") -> Iterator[None]:
    """Refuse a request whose day, in this field, is out of reach."""
    try:
        yield
    except OutOfReach as error:
        raise Refused(409, f"{error}{advice}", field=field) from None


@contextmanager
def _turning_away(service: Service, queue: str) -> Iterator[None]:
    """Refuse a request, and say when to come again, where as many wait as may."""
    try:
        yield
    except Overloaded:
        service.metrics.turned_away.labels(queue).inc()
        raise Refused(503, BUSY, wait=1) from None


router = APIRouter()
Running = Annotated[Service, Depends(_service)]


@router.post(
    "/v1/recommendations",
    response_model=RecommendationResponse,
    responses=described(409, 413, 422, 503),
    summary="The coupons for a user",
)
async def recommendations(ask: RecommendationRequest, request: Request) -> Response:
    """The coupons worth sending, the best first: none of them, if none is worth its cost.

    The header `X-Request-Id` is the answer's `request_id` in the log of decisions.
    """
    moment, advice = (ask.context.time, "") if ask.context else (datetime.now(), NOW)
    service = _service(request)
    _question(service, request, ask.user_id, ACCOUNTS if ask.explain else 1)
    with _turning_away(service, "model"), _day_in("context.time", advice):
        try:
            body, request_id = await service.answering.answer(
                ask.user_id, moment, ask.k, ask.explain, ask.platform
            )
        except UnknownPlatform as error:
            raise Refused(409, str(error), field="platform") from None
    headers = {"X-Request-Id": request_id} if request_id else None
    return Response(body, headers=headers, media_type="application/json")


@router.post(
    "/v1/items",
    responses=described(409, 413, 422),
    summary="The items that a user is likely to buy",
)
async def items(ask: ItemsRequest, request: Request, service: Running) -> ItemsResponse:
    """The likeliest first, bought before or not; what most users buy, if nothing is known."""
    moment, advice = (ask.context.time, "") if ask.context else (datetime.now(), NOW)
    _question(service, request, ask.user_id)
    with _day_in("context.time", advice):
        return await service.items(ask.user_id, moment, ask.k)


@router.post(
    "/v1/events",
    response_model=EventsAccepted,
    responses=described(409, 413, 422, 503),
    summary="What happened in the shops",
)
async def events(batch: EventBatch, service: Running) -> EventsAccepted:
    """Answered once the events are on disk; they count from the next request on."""
    accepted = [Event(**event.model_dump()) for event in batch.events]
    for number, event in enumerate(accepted):
        with _day_in(f"events.{number}.time"):
            service.bundles.reaching(event.day, past=True)
    try:
        with _turning_away(service, "log"):
            await service.accept(accepted)
    except (StoreFullError, OSError) as error:
        logger.error("events cannot be taken in: %s", type(error).__name__)
        raise Refused(503, "no event was taken in: send them again later", wait=60) from error
    return EventsAccepted(accepted=len(batch.events))


@router.get(
    "/v1/reviews",
    responses=described(403, 409, 422),
    dependencies=[Depends(_operator)],
    summary="What users said about items",
)
async def reviews(
    service: Running,
    log: str = "",
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
    most: Annotated[int, Query(ge=1, le=MAX_EVENTS)] = MAX_EVENTS,
) -> Reviews:
    """The first ones after a position; send its `log` too: it means nothing in another one.

    They are those that the log of events still has: up to a week before the snapshot.
    """
    ours = service.bundles.log
    if (log and log != ours.name) or after > ours.end:
        words = f"position {after} is not of log {ours.name}, which ends at {ours.end}"
        raise Refused(409, f"{words}: ask the replica that gave it, or begin anew")
    found = await asyncio.to_thread(ours.reviews, after, most)
    return Reviews(
        log=ours.name,
        reviews=[
            Said(**{**asdict(event), "position": position, "time": event.time.isoformat()})
            for position, event in found
        ],
    )


@router.get("/v1/coupons", responses=described(409, 422), summary="The coupons that run on a day")
async def coupons(service: Running, day: date | None = None) -> LiveCoupons:
    """Of the day of the newest event, or of the one asked for."""
    with _day_in("day"):
        day, found = service.live(day)
    return LiveCoupons(
        day=day,
        coupons=[LiveCoupon(campaign_id=campaign, coupon_id=coupon) for campaign, coupon in found],
    )


async def _stream(user_id: Id, request: Request, service: Running) -> AsyncIterator[Stream]:
    _question(service, request, user_id)
    identifiers = service.recommender.store.identifiers
    opened = service.streams.open(identifiers.named("user_id", user_id))
    if opened is None:
        service.metrics.turned_away.labels("streams").inc()
        raise Refused(503, "too many streams are open, or the service stops: try again", wait=5)
    try:
        yield opened
    finally:
        service.streams.close(opened)


@router.get(
    "/v1/users/{user_id}/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **described(422, 503)},
    summary="The best coupon, whenever it changes",
)
async def stream(
    opened: Annotated[Stream, Depends(_stream)], request: Request, service: Running
) -> Response:
    """Server-sent events: each named `coupon`, its data an answer with at most one coupon."""
    return StreamingResponse(
        service.messages(opened, request.state.client),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


@router.post(
    "/v1/reload",
    responses=described(403, 409),
    dependencies=[Depends(_operator)],
    summary="Load the bundle's folder again",
)
async def reload(service: Running) -> ReloadResponse:
    """Requests are answered all the while; a bundle that cannot be used changes nothing."""
    try:
        return ReloadResponse(bundle=await service.reload())
    except ValueError as error:
        raise Refused(409, f"the bundle stays as it was: {error}") from error


@router.get("/healthz", summary="Whether the process lives")
async def healthz() -> dict[str, str]:
    """Always answered, to anyone."""
    return {"status": "ok"}


@router.get(
    "/readyz", responses={503: {"model": ServiceState}}, summary="Whether to send requests here"
)
async def readyz(service: Running, response: Response) -> ServiceState:
    """Status 503 while the service stops."""
    response.status_code = 503 if service.stopping else 200
    store = service.recommender.store
    return ServiceState(
        status="stopping" if service.stopping else "ok",
        bundle=service.recommender.scorer.version,
        day=store.day,
        degraded=store.degraded,
        trial=service.trial.scorer.version if service.trial else None,
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **described(403)},
    dependencies=[Depends(_operator)],
    summary="Counters, for Prometheus",
)
async def metrics(service: Running) -> Response:
    """In the text format of Prometheus."""
    return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)
