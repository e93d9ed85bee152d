"""Other ways to answer the request that `serving.py` sends, each a server of its own.

`python serving_peers.py NAME PORT ...`, with NAME one of

- ours BUNDLE LOG CACHED: our service, keeping so many answers;
- unlogged BUNDLE LOG CACHED: the same, except that no answer reaches the decision log;
- empty: a FastAPI handler that checks the request and returns the same answer every time;
- tutorial MODEL DAY: Keras' `predict` in the handler, on features that a batch computed
  beforehand and that pandas looks up.
"""

import sys
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

import coupon_rec.serving.http.service as answering
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.http.api_models import RecommendationRequest, RecommendationResponse
from coupon_rec.serving.http.server import serve
from coupon_rec.serving.http.settings import Settings

REASON = "bought 2 of its items, last 6 days ago; redeemed a coupon 40 days ago"


def empty() -> FastAPI:
    """The floor: what FastAPI and uvicorn cost without any work."""
    app = FastAPI()

    @app.post("/v1/recommendations", response_model=RecommendationResponse)
    async def recommendations(ask: RecommendationRequest) -> dict[str, Any]:
        coupon = {"campaign_id": 18, "probability": 0.0412, "value": 0.0183, "reason": REASON}
        return {
            "user_id": ask.user_id,
            "day": ask.context.time.date() if ask.context else date.today(),
            "known": True,
            "mailed": True,
            "bundle": "0123456789ab",
            "degraded": False,
            "coupons": [{**coupon, "coupon_id": number} for number in range(ask.k)],
            "note": "",
        }

    return app


def tutorial(model_path: str, day: date) -> FastAPI:
    """A model and a table in memory, and a handler that predicts."""
    from coupon_rec import load_complete_journey
    from coupon_rec.decisions import offer_value
    from coupon_rec.features import offers_frame
    from coupon_rec.market import live_campaigns, start_together
    from coupon_rec.models import load_model, predict

    market = load_complete_journey()
    offers = offers_frame(start_together(market, live_campaigns(market, day), day))
    model = load_model(model_path)
    app = FastAPI()

    @app.post("/v1/recommendations")
    def recommendations(ask: RecommendationRequest) -> dict[str, Any]:
        mine = offers[offers["user_id"] == ask.user_id]
        p = predict(model, mine)["redeemed"]
        best = mine.assign(probability=p, value=offer_value(mine, p)).nlargest(ask.k, "value")
        columns = ["campaign_id", "coupon_id", "probability", "value"]
        return {"user_id": ask.user_id, "coupons": best[columns].to_dict("records")}

    return app


if __name__ == "__main__":
    name, port, *rest = sys.argv[1:]
    if name in ("ours", "unlogged"):
        bundle, log, cached = rest
        if name == "unlogged":
            DecisionLog.record_answer = lambda *_, **__: None  # type: ignore[method-assign]
        answering.CACHE = int(cached)
        settings = Settings(Path(log), decisions=Path(f"{log}.decisions"))
        serve(bundle, "127.0.0.1", int(port), settings)
    else:
        served = tutorial(rest[0], date.fromisoformat(rest[1])) if name == "tutorial" else empty()
        uvicorn.run(served, port=int(port), log_level="warning", access_log=False)
