"""A reason with each coupon, the whole account where it is asked for, and events only supposed."""

from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path

import numpy as np
import pytest
from running import DAY, Inside
from shop import question

from coupon_rec.explain import suppose
from coupon_rec.features import Arrays
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.feature_store import FeatureStore

USER, ITEM = 7, 1001


@pytest.fixture
def store(bundle: Path) -> FeatureStore:
    return FeatureStore.load(bundle / "snapshot", Scorer.load(bundle).encoder)


def bought(user: int = USER, count: int = 3) -> list[Event]:
    noon = datetime.combine(DAY, time(12))
    return [
        Event(f"e{k}", user, noon, "purchase", ITEM, 10**9 + k, amount=2.0) for k in range(count)
    ]


def same(a: Arrays, b: Arrays) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("user", [USER, 10**12])
def test_a_supposed_event_moves_what_a_real_one_moves_and_leaves_no_trace(
    bundle: Path, store: FeatureStore, user: int
) -> None:
    before, other = store.offers(user, DAY), store.offers(9, DAY)
    supposed = store.supposing(user, DAY, bought(user))
    assert not same(supposed.arrays, before.arrays)
    assert same(store.offers(user, DAY).arrays, before.arrays)
    assert same(store.offers(9, DAY).arrays, other.arrays)
    assert (store.counted, store.version(user)) == (0, 0)
    really = FeatureStore.load(bundle / "snapshot", Scorer.load(bundle).encoder)
    really.add(bought(user))
    assert same(really.offers(user, DAY).arrays, supposed.arrays)


def test_stories_are_scored_beside_what_is(
    bundle: Path, store: FeatureStore, score: Callable[[Arrays], np.ndarray]
) -> None:
    found = store.offers(USER, DAY)
    noon = datetime.combine(DAY, time(12))
    used = Event(
        "r",
        USER,
        noon,
        "redemption",
        campaign_id=int(found.campaign_id[0]),
        coupon_id=int(found.coupon_id[0]),
    )
    table = suppose(store, score, USER, DAY, {"bought": bought(), "used": [used]})
    assert len(table) == len(found.coupon_id)
    np.testing.assert_allclose(table["now"], score(found.arrays), atol=1e-6)
    assert table["used"].isna().tolist() == [True] + [False] * (len(table) - 1)
    assert (table["bought"] - table["now"]).abs().max() > 0


@pytest.fixture
def score(bundle: Path) -> Callable[[Arrays], np.ndarray]:
    scorer = Scorer.load(bundle)
    return lambda arrays: scorer.predict(arrays, ["redeemed"])["redeemed"]


def test_only_the_users_own_events_are_supposed(store: FeatureStore) -> None:
    with pytest.raises(ValueError, match="suppose events of user 7 alone"):
        store.supposing(USER, DAY, bought(9))


def test_an_unknown_users_coupons_are_marked_as_cold_and_a_member_is_not(
    service: Inside,
) -> None:
    def marks(user: int) -> set[str]:
        answer = service.client.post("/v1/recommendations", json=question(user, k=50)).json()
        assert answer["coupons"]
        return {coupon.get("cold", "") for coupon in answer["coupons"]}

    assert marks(10**12) <= {"user", "user and coupon"}
    assert marks(USER) <= {"", "coupon"}
