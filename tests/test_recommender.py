"""The whole path in one object: what it predicts, decides, keeps and exports."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coupon_rec import CoupledModel, Economics
from coupon_rec.decisions import best_coupon, offer_value, reason
from coupon_rec.evaluation import evaluate
from coupon_rec.explain import credit, topics_of
from coupon_rec.features import Arrays, Split, split
from coupon_rec.models import predict
from coupon_rec.odds import logit

FAST = {"epochs": 12, "batch_size": 64, "learning_rate": 0.003}


@pytest.fixture(scope="module")
def parts(offers: pd.DataFrame) -> Split:
    return split(offers)


@pytest.fixture(scope="module")
def train(parts: Split) -> pd.DataFrame:
    """The training offers of four times the users: fewer are no evidence for a tree's split."""
    once = parts.train
    others = (once.assign(user_id=once["user_id"] + 1000 * crowd) for crowd in range(4))
    return pd.concat(others, ignore_index=True)


@pytest.fixture(scope="module")
def model(train: pd.DataFrame, parts: Split) -> CoupledModel:
    return CoupledModel().fit(train, parts.validation, **FAST)


def test_its_trees_tell_offers_apart(model: CoupledModel, parts: Split) -> None:
    whole, network = (predict(each, parts.test) for each in (model.served, model.network))
    direct = 2 * logit(whole["redeemed"]) - logit(network["redeemed"])
    assert np.ptp(direct) > 0.1


def test_it_predicts_probabilities_calibrated_on_the_validation_offers(
    model: CoupledModel, parts: Split
) -> None:
    assert model.served.calibration.keys() == {"bought", "redeemed"}
    p = model.predict(parts.validation)
    assert p.index.equals(parts.validation.index)
    assert ((p >= 0) & (p <= 1)).all(axis=None)
    for label in ("bought", "redeemed"):
        assert p[label].mean() == pytest.approx(parts.validation[label].mean(), rel=1e-3)
    raw = predict(model.served, parts.validation)
    assert raw["redeemed"].mean() != pytest.approx(p["redeemed"].mean(), rel=1e-3)


def test_what_is_saved_and_loaded_predicts_and_decides_the_same(
    model: CoupledModel, parts: Split, tmp_path: Path
) -> None:
    model.save(tmp_path / "model.keras")
    again = CoupledModel.load(tmp_path / "model.keras")
    pd.testing.assert_frame_equal(again.predict(parts.test), model.predict(parts.test))
    pd.testing.assert_frame_equal(again.recommend(parts.test), model.recommend(parts.test))


def test_it_recommends_and_evaluates_by_its_calibrated_probabilities(
    model: CoupledModel, parts: Split
) -> None:
    economics = Economics(margin=0.4)
    p = model.predict(parts.test)["redeemed"]
    chosen = model.recommend(parts.test, economics=economics)
    best = best_coupon(parts.test, p, economics)
    rest = ["cold", "reason"]
    pd.testing.assert_frame_equal(chosen.drop(columns=rest), best.drop(columns="reason"))
    assert len(chosen) == parts.test.groupby(["campaign_id", "user_id"]).ngroups
    scores = model.evaluate(parts.test, replicates=20)
    pd.testing.assert_frame_equal(scores, evaluate(parts.test, p, replicates=20))


def test_it_recommends_by_an_effect_of_ones_own_not_by_its_probabilities(
    model: CoupledModel, parts: Split
) -> None:
    economics = Economics(margin=0.9, contact=0.0)
    p = model.predict(parts.test)["redeemed"]
    effect = p.max() - p
    chosen = model.recommend(parts.test, economics=economics, effect=effect)["coupon_id"]
    assert chosen.equals(best_coupon(parts.test, p, economics, effect=effect)["coupon_id"])
    assert not chosen.equals(model.recommend(parts.test, economics=economics)["coupon_id"])


def test_a_probability_for_someone_new_is_marked_as_unchecked(
    model: CoupledModel, parts: Split
) -> None:
    new = parts.test["user_id"] == parts.test["user_id"].iloc[0]
    never = {"user_mailed_90": 0.0, "user_redemption_rate": 0.0}
    offers = parts.test.assign(coupon_success=0.01, user_mailed_90=3.0)
    offers = pd.concat([offers[~new], offers[new].assign(**never)])
    chosen = model.recommend(offers, economics=Economics(margin=0.9, contact=0.0))
    sent = chosen[chosen["coupon_id"].notna()]
    newcomer = sent["user_id"] == parts.test["user_id"].iloc[0]
    assert newcomer.any()
    assert (sent.loc[newcomer, "cold"] == "user").all()
    assert (sent.loc[~newcomer, "cold"] == "").all()
    assert (chosen.loc[chosen["coupon_id"].isna(), "cold"] == "").all()


def test_a_loaded_model_is_exported_on_offers_that_are_passed(
    model: CoupledModel, parts: Split, tmp_path: Path
) -> None:
    model.save(tmp_path / "model.keras")
    again = CoupledModel.load(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="pass labelled offers: a model that was loaded has none"):
        again.export(tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.slow
def test_without_a_redemption_in_validation_it_stays_uncalibrated_and_says_so(
    parts: Split,
) -> None:
    quiet = parts.validation.assign(redeemed=0)
    with pytest.warns(UserWarning, match="redeemed stays uncalibrated") as caught:
        model = CoupledModel().fit(parts.train, quiet, epochs=1)
    (told,) = (each for each in caught if "stays uncalibrated" in str(each.message))
    assert told.filename == __file__, "the line of the caller"
    assert model.served.calibration.keys() == {"bought"}
    raw = predict(model.served, quiet)["redeemed"]
    pd.testing.assert_series_equal(model.predict(quiet)["redeemed"], raw)


@pytest.mark.parametrize("trees", [0, 10])
def test_without_a_redemption_in_training_it_is_refused_at_once(
    parts: Split, monkeypatch: pytest.MonkeyPatch, trees: int
) -> None:
    monkeypatch.setattr("coupon_rec.recommender.fit", lambda *_, **__: pytest.fail("it trains"))
    with pytest.raises(ValueError, match="no training offer was redeemed"):
        CoupledModel(trees=trees).fit(parts.train.assign(redeemed=0), parts.validation)


def test_of_no_offers_it_predicts_and_recommends_nothing(model: CoupledModel, parts: Split) -> None:
    none = parts.test.iloc[:0]
    found = model.predict(none)
    assert found.columns.to_list() == ["bought", "redeemed"] and found.empty
    assert model.recommend(none).empty


def test_what_is_not_fitted_yet_says_what_to_do(parts: Split, tmp_path: Path) -> None:
    for use in (
        lambda: CoupledModel().predict(parts.test),
        lambda: CoupledModel().save(tmp_path / "model.keras"),
        lambda: CoupledModel().export(tmp_path / "bundle", parts.test),
    ):
        with pytest.raises(ValueError, match=r"call fit\(train, validation\), or load a file"):
            use()
    with pytest.raises(ValueError, match="there are no offers to learn from"):
        CoupledModel().fit(parts.train.head(0), parts.validation)


def test_the_reason_names_the_topic_that_sets_the_coupon_above_the_users_others(
    model: CoupledModel, parts: Split
) -> None:
    user = parts.test["user_id"].mode()[0]
    offers = parts.test[parts.test["user_id"] == user].drop_duplicates("coupon_id")
    offers = offers[offers["campaign_id"] == offers["campaign_id"].iloc[0]].head(6)
    (said,) = model.recommend(offers, economics=Economics(margin=0.9, contact=0.0))["reason"]
    p = np.log(model.predict(offers)["redeemed"].to_numpy())
    best = int(np.argmax(offer_value(offers, np.exp(p), Economics(margin=0.9, contact=0.0))))
    arrays = model.served.encoder.encode(offers)

    def log_p(rows: Arrays) -> np.ndarray:
        raw = model.served.predict(rows, verbose=0)["redeemed"][:, 0]
        return np.log(model.served.calibration["redeemed"](raw))

    others = [row for row in range(len(offers)) if row != best]
    mine = {name: array[[best]] for name, array in arrays.items()}
    rest = {name: array[others] for name, array in arrays.items()}
    found = credit(log_p, mine, rest, topics_of(model.served.encoder))
    assert found.credit.sum() == pytest.approx(p[best] - p[others].mean(), abs=1e-5)
    assert said == reason(offers.iloc[best].to_dict(), because=found.top)


@pytest.mark.slow
def test_columns_of_your_own_are_read_saved_and_served(parts: Split, tmp_path: Path) -> None:
    def more(offers: pd.DataFrame) -> pd.DataFrame:
        region = np.where(offers["user_id"] % 2, "north", "south")
        return offers.assign(user_region=region, coupon_depth_own=offers["coupon_id"] % 7)

    train, validation, test = (more(part) for part in parts)
    model = CoupledModel().fit(train, validation, epochs=1)
    read = {"coupon_depth_own": "a number", "user_region": "text, 2 values"}
    assert model.encoder.own == read
    model.save(tmp_path / "model.keras")
    again = CoupledModel.load(tmp_path / "model.keras")
    assert again.encoder.own == read
    assert (again.predict(test) != again.predict(test.assign(user_region="south"))).any(axis=None)
    with pytest.raises(ValueError, match=r"lack the columns \['coupon_depth_own', 'user_region'\]"):
        again.predict(parts.test)
