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
from coupon_rec.serving.events.feature_store import EPOCH
from coupon_rec.serving.http import api_models as api
from coupon_rec.serving.http.errors import Refused, described, handle
from coupon_rec.serving.http.guard import OPERATOR, RequestGuard
from coupon_rec.serving.http.service import Service
from coupon_rec.serving.http.settings import Settings


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
    handle(app, service.metrics.count["turned_away"])
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    tasks = [asyncio.create_task(work) for work in (service.listen(), service.rank())]
    yield
    for task in tasks:
        task.cancel()
    await service.close()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _operator(request: Request) -> None:
    """Refuse everybody but the operator, if there is a key for one."""
    if _service(request).settings.operator_key and request.state.client != OPERATOR:
        raise Refused(403, "this is for the operator: send the operator's key")


router = APIRouter()
Running = Annotated[Service, Depends(_service)]
FOR_OPERATOR = [Depends(_operator)]


@router.post(
    "/v1/recommendations",
    response_model=api.RecommendationResponse,
    responses=described(409, 413, 422, 503),
)
async def recommendations(ask: api.RecommendationRequest, request: Request) -> Response:
    """The coupons worth sending to a user, the best first: none, if none is worth its cost.

    The header `X-Request-Id` is the answer's `request_id` in the log of decisions.
    """
    body, request_id = await _service(request).answer(ask, request.state.client)
    headers = {"X-Request-Id": request_id} if request_id else None
    return Response(body, headers=headers, media_type="application/json")


@router.post("/v1/items", responses=described(409, 413, 422))
async def items(ask: api.ItemsRequest, request: Request, service: Running) -> api.ItemsResponse:
    """The items that a user is likeliest to buy; what most users buy, if nothing is known."""
    return await service.items(ask, request.state.client)


@router.post("/v1/events", responses=described(409, 413, 422, 503))
async def events(batch: api.EventBatch, service: Running) -> api.EventsAccepted:
    """Take in what happened: answered once it is on disk, and counted from the next request on."""
    await service.accept(batch)
    return api.EventsAccepted(accepted=len(batch.events))


@router.get("/v1/reviews", responses=described(403, 409, 422), dependencies=FOR_OPERATOR)
async def reviews(
    service: Running,
    log: str = "",
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
    most: Annotated[int, Query(ge=1, le=api.MAX_EVENTS)] = api.MAX_EVENTS,
) -> api.Reviews:
    """The first reviews after a position; send its `log` too: it means nothing in another one.

    They are those that the log of events still has: up to a week before the snapshot.
    """
    ours = service.bundles.log
    if (log and log != ours.name) or after > ours.end:
        words = f"position {after} is not of log {ours.name}, which ends at {ours.end}"
        raise Refused(409, f"{words}: ask the replica that gave it, or begin anew")
    found = [
        api.ReviewOfItem(**{**asdict(event), "position": position, "time": event.time.isoformat()})
        for position, event in await asyncio.to_thread(ours.reviews, after, most)
    ]
    return api.Reviews(log=ours.name, reviews=found)


@router.get("/v1/coupons", responses=described(409, 422))
async def coupons(service: Running, day: date | None = None) -> api.LiveCoupons:
    """The coupons of the campaigns that run on a day, by default that of the newest event."""
    store = service.recommender.store
    if day:
        service.bundles.check_day(day, "day")
    day = day or store.newest.date()
    coupons = store.snapshot.coupons
    valid = coupons.last_day >= (day - EPOCH).days
    campaigns, names = (
        store.identifiers.names(name, getattr(coupons, name)[valid]).to_pylist()
        for name in ("campaign_id", "coupon_id")
    )
    pairs = zip(campaigns, names, strict=True)
    listed = [api.LiveCoupon(campaign_id=campaign, coupon_id=name) for campaign, name in pairs]
    return api.LiveCoupons(day=day, coupons=listed)


async def _messages(
    user_id: api.Id, request: Request, service: Running
) -> AsyncIterator[AsyncIterator[bytes]]:
    await service.limits.question(request.state.client, user_id)
    named = service.recommender.store.identifiers.named("user_id", user_id)
    with service.streams.open(named) as awake:
        yield service.streams.messages(service, named, request.state.client, awake)


@router.get(
    "/v1/users/{user_id}/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **described(422, 503)},
)
async def stream(messages: Annotated[AsyncIterator[bytes], Depends(_messages)]) -> Response:
    """The best coupon of a user, whenever it changes, as server-sent events named `coupon`.

    The data of each is an answer with at most one coupon.
    """
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(messages, media_type="text/event-stream", headers=headers)


@router.post("/v1/reload", responses=described(403, 409), dependencies=FOR_OPERATOR)
async def reload(service: Running) -> api.ReloadResponse:
    """Load the bundle's folder again, while requests are answered; a bad one changes nothing."""
    return api.ReloadResponse(bundle=await service.reload())


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the process lives: always answered, to anyone."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"model": api.ServiceState}})
async def readyz(service: Running, response: Response) -> api.ServiceState:
    """Whether to send requests here: status 503 while the service stops."""
    stopping, store = service.streams.stopped, service.recommender.store
    response.status_code = 503 if stopping else 200
    trial = service.bundles.trial
    return api.ServiceState(
        status="stopping" if stopping else "ok",
        bundle=service.recommender.scorer.version,
        day=store.day,
        degraded=store.degraded,
        trial=trial.scorer.version if trial else None,
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **described(403)},
    dependencies=FOR_OPERATOR,
)
async def metrics(service: Running) -> Response:
    """Counters, in the text format of Prometheus."""
    gauge, store = service.metrics.gauge, service.recommender.store
    gauge["trial"].set(service.bundles.trial is not None)
    gauge["streams"].set(len(service.streams))
    gauge["unseen_values"].set(sum(store.snapshot.unseen.values()))
    gauge["degraded"].set(store.degraded)
    gauge["events_unpublished"].set(getattr(service.bundles.log, "unpublished", 0))
    lost = service.decisions.lost if service.decisions else {}
    gauge["decisions_lost"].set(lost.get("answers", 0))
    gauge["outcomes_lost"].set(lost.get("outcomes", 0))
    gauge["waiting"].labels("model").set(len(service.model))
    gauge["waiting"].labels("shadow").set(len(service.shadows))
    gauge["waiting"].labels("log").set(len(service.log))
    return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)
