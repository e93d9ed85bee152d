"""The HTTP routes of the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response, StreamingResponse

from coupon_rec.arguments import MAX_ID
from coupon_rec.serving.http.api_models import (
    MAX_EVENTS,
    EventBatch,
    EventsAccepted,
    Id,
    ItemsRequest,
    ItemsResponse,
    LiveCoupons,
    RecommendationRequest,
    RecommendationResponse,
    ReloadResponse,
    ReviewOfItem,
    Reviews,
    ServiceState,
)
from coupon_rec.serving.http.batching import Overloaded
from coupon_rec.serving.http.errors import Refused, described, handle
from coupon_rec.serving.http.security import OPERATOR, RequestGuard
from coupon_rec.serving.http.service import Service
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.http.streams import Stream

STOP = 0.1
"""Seconds between two looks at whether the server is told to stop."""


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
    app = FastAPI(
        title="The Right Coupon",
        lifespan=_lifespan,
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

    @app.exception_handler(Overloaded)
    async def overloaded(request: Request, error: Overloaded) -> Response:
        service.metrics.turned_away.labels(error.queue).inc()
        if error.queue == "streams":
            words = "too many streams are open, or the service stops: try again"
            return Refused(503, words, wait=5).response
        return Refused(503, "too many requests wait: try again", wait=1).response

    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    tasks = [asyncio.create_task(service.listen()), asyncio.create_task(_end_streams(app))]
    yield
    for task in tasks:
        task.cancel()
    await service.close()


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
    body, request_id = await _service(request).answers.answer(ask, request.state.client)
    headers = {"X-Request-Id": request_id} if request_id else None
    return Response(body, headers=headers, media_type="application/json")


@router.post(
    "/v1/items",
    responses=described(409, 413, 422),
    summary="The items that a user is likely to buy",
)
async def items(ask: ItemsRequest, request: Request, service: Running) -> ItemsResponse:
    """The likeliest first, bought before or not; what most users buy, if nothing is known."""
    return await service.answers.items(ask, request.state.client)


@router.post(
    "/v1/events",
    responses=described(409, 413, 422, 503),
    summary="What happened in the shops",
)
async def events(batch: EventBatch, service: Running) -> EventsAccepted:
    """Answered once the events are on disk; they count from the next request on."""
    await service.accept(batch)
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
    return Reviews(
        log=ours.name,
        reviews=[
            ReviewOfItem(**{**asdict(event), "position": position, "time": event.time.isoformat()})
            for position, event in await asyncio.to_thread(ours.reviews, after, most)
        ],
    )


@router.get("/v1/coupons", responses=described(409, 422), summary="The coupons that run on a day")
async def coupons(service: Running, day: date | None = None) -> LiveCoupons:
    """Of the day of the newest event, or of the one asked for."""
    return service.coupons(day)


async def _stream(user_id: Id, request: Request, service: Running) -> AsyncIterator[Stream]:
    stream = await service.open_stream(user_id, request.state.client)
    try:
        yield stream
    finally:
        service.streams.close(stream)


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
        service.answers.messages(opened, request.state.client),
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
    return ReloadResponse(bundle=await service.reload())


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
    store, trial = service.recommender.store, service.bundles.trial
    return ServiceState(
        status="stopping" if service.stopping else "ok",
        bundle=service.recommender.scorer.version,
        day=store.day,
        degraded=store.degraded,
        trial=trial.scorer.version if trial else None,
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
