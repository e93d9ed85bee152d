"""The same features, model and choice as ours, served by BentoML in one worker.

`python serving_bentoml.py PORT BUNDLE`
"""

import os
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

os.environ["BENTOML_DO_NOT_TRACK"] = "1"

import bentoml

from coupon_rec.decisions import Economics
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.recommender import Question, Recommender


@bentoml.service(workers=1)
class Coupons:
    """A recommender behind BentoML's own server."""

    def __init__(self) -> None:
        bundle = Path(os.environ["BUNDLE"])
        scorer = Scorer.load(bundle)
        store = FeatureStore.load(bundle / "snapshot", scorer.encoder)
        self.recommender = Recommender(scorer, store, Economics())

    @bentoml.api(route="/v1/recommendations")
    def recommendations(self, user_id: int, context: dict[str, str], k: int) -> dict[str, Any]:
        day = datetime.fromisoformat(context["time"]).date()
        (reply,) = self.recommender([Question(user_id, day, k)])
        if isinstance(reply, Exception):
            raise reply
        return {
            "user_id": user_id,
            "day": str(day),
            "known": reply.known,
            "mailed": reply.mailed,
            "bundle": reply.bundle,
            "coupons": [asdict(choice) for choice in reply.choices],
            "note": reply.note,
        }


if __name__ == "__main__":
    port, os.environ["BUNDLE"] = sys.argv[1:]
    serve = str(Path(sys.executable).with_name("bentoml"))
    place = str(Path(__file__).parent)
    words = [serve, "serve", "serving_bentoml:Coupons", "-q", "--port", port]
    words += ["--working-dir", place]
    os.execv(serve, words)
