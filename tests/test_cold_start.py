"""Whom a model has not met: held out, recognized, composed of parts, and shrunk."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coupon_rec._keras import keras
from coupon_rec.evaluation import Prior, unseen_slices
from coupon_rec.features import cold, holdout
from coupon_rec.models import (
    ComposedVector,
    hashed,
    quotient_remainder,
)

# Holding out


def test_no_held_out_id_is_among_the_training_offers(offers: pd.DataFrame) -> None:
    for seed in range(3):
        parts = holdout(offers, users=0.3, coupons=0.2, seed=seed)
        for part, new_user, new_coupon in (
            (parts.users, True, False),
            (parts.coupons, False, True),
            (parts.both, True, True),
        ):
            assert len(part)
            assert part["user_id"].isin(parts.train["user_id"]).any() != new_user
            assert part["coupon_id"].isin(parts.train["coupon_id"]).any() != new_coupon
        whole = pd.concat(parts).sort_index()
        pd.testing.assert_frame_equal(whole, offers.sort_index())
        held = pd.concat([parts.users, parts.both])["user_id"].nunique()
        assert held == round(0.3 * offers["user_id"].nunique())


def test_who_is_held_out_does_not_depend_on_the_order_of_the_offers(offers: pd.DataFrame) -> None:
    mixed = offers.sample(frac=1, random_state=0)
    first, second = holdout(offers, seed=5), holdout(mixed, seed=5)
    assert set(first.users["user_id"]) == set(second.users["user_id"])
    assert set(first.coupons["coupon_id"]) == set(second.coupons["coupon_id"])
    other = holdout(offers, seed=6)
    assert set(first.users["user_id"]) != set(other.users["user_id"])


def test_a_share_that_leaves_nothing_to_learn_from_is_refused(offers: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"users must be a share in \[0, 1\)"):
        holdout(offers, users=1.0)
    with pytest.raises(ValueError, match=r"coupon_id"):
        holdout(offers.drop(columns="coupon_id"))


@pytest.mark.parametrize("column", ["user_id", "coupon_id"])
def test_text_and_numbers_are_not_compared(offers: pd.DataFrame, column: str) -> None:
    with pytest.raises(ValueError, match=f"{column} is text in one of offers and train"):
        unseen_slices(offers.astype({column: str}), offers)


# Recognizing


def test_an_offer_is_cold_on_the_sides_without_a_record() -> None:
    offers = pd.DataFrame(
        {
            "user_mailed_90": [0, 2, 0, 0, 0],
            "user_redemption_rate": [0, 0, 0.1, 0, 0],
            "coupon_success": [0.001, 0.003, 0.003, 0.003, 0.02],
        }
    )
    assert cold(offers).tolist() == ["user", "coupon", "coupon", "user and coupon", "user"]
    with pytest.raises(ValueError, match="coupon_success"):
        cold(offers.drop(columns="coupon_success"))


# Composing


def test_a_composed_vector_is_the_product_of_its_rows_and_survives_a_file(tmp_path: Path) -> None:
    inputs = keras.Input((2,), dtype="int32")
    model = keras.Model(inputs, ComposedVector([4, 10], size=3, name="vector")(inputs))
    codes = quotient_remainder([0, 9, 13, 39], rows=10)
    given = np.asarray(model(codes))
    quotients, remainders = (np.asarray(w) for w in model.get_layer("vector").get_weights())
    assert given == pytest.approx(quotients[codes[:, 0]] * remainders[codes[:, 1]], abs=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.asarray(again(codes)) == pytest.approx(given, abs=1e-6)
    assert model.count_params() == (4 + 10) * 3


def test_what_is_no_id_or_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="ids must be whole numbers"):
        hashed([0.5], rows=3)
    with pytest.raises(ValueError, match="rows must be 1 or more"):
        hashed([1], rows=0)
    with pytest.raises(ValueError, match="codes must be 0 or more"):
        quotient_remainder([-1], rows=3)
    with pytest.raises(ValueError, match="2 tables need as many codes"):
        ComposedVector([3, 3])(np.zeros((1, 3), "int32"))


# Shrinking


def drawn(seed: int, mean: float = 0.02, strength: float = 100.0) -> tuple[np.ndarray, ...]:
    """Rates of 300 coupons, and what came of 5 to 500 offers of each."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(strength * mean, 1 / strength, 300)
    exposure = rng.integers(5, 500, 300)
    return rates, rng.poisson(exposure * rates), exposure


def test_the_prior_that_made_the_counts_is_found_again() -> None:
    found = [Prior.fit(*drawn(seed)[1:]) for seed in range(20)]
    assert np.mean([prior.mean for prior in found]) == pytest.approx(0.02, rel=0.05)
    assert np.median([prior.strength for prior in found]) == pytest.approx(100, rel=0.2)


def tried(seed: int, mean: float = 0.15, strength: float = 2.0) -> tuple[np.ndarray, ...]:
    """Rates of 2,000 users, and their redemptions of 1 to 4 purchases."""
    rng = np.random.default_rng(seed)
    rates = rng.beta(strength * mean, strength * (1 - mean), 2000)
    purchases = rng.integers(1, 5, 2000)
    return rates, rng.binomial(purchases, rates), purchases


def test_the_prior_of_trials_is_found_again_and_counts_taken_for_poisson_overstate_it() -> None:
    seen = [tried(seed)[1:] for seed in range(10)]
    found = [Prior.fit(*each, trials=True).strength for each in seen]
    assert np.median(found) == pytest.approx(2, rel=0.15)
    assert min(Prior.fit(*each).strength for each in seen) > 3


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = []
    for seed in range(10):
        rates, counts, exposure = drawn(seed)
        low, high = Prior.fit(counts, exposure).interval(counts, exposure, 0.9)
        held.append(np.mean((low <= rates) & (rates <= high)))
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


def test_nothing_seen_is_the_usual_rate_and_zero_seen_is_less() -> None:
    usual, zero = Prior(0.02, 100).rate([0, 0], [0, 300])
    assert usual == pytest.approx(0.02)
    assert zero == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("counts", "exposure", "trials", "message"),
    [
        ([1.5, 2], [3, 3], False, "counts must be whole"),
        ([1, 2], [3, -3], False, "exposure must be 0 or more"),
        ([1, 2], [0, 3], False, "0 where the exposure is 0"),
        ([1, 3], [3, 2], True, "counts must be at most the exposure"),
        ([1, 2], [2.5, 3], True, "exposure must be whole numbers of trials"),
        ([2, 3], [2, 3], True, "must be below 1"),
    ],
)
def test_counts_that_cannot_be_are_refused(
    counts: list[float], exposure: list[float], trials: bool, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Prior.fit(counts, exposure, trials=trials)
