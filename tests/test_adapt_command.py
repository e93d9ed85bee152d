"""A model of one platform, from a shell: adapted, exported by name, served."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from shell import refusal, run

from coupon_rec import recommender
from coupon_rec.evaluation import log_loss
from coupon_rec.features import Encoder, split
from coupon_rec.models import adapted, coupled_model, predict, purchase_model, trained_weights
from coupon_rec.recommender import CoupledModel
from coupon_rec.serving.bundle import Scorer, exporting

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
DATES = ("--validate-from", "2017-04-05", "--test-from", "2017-05-22")


@pytest.fixture(scope="module")
def phones(offers: pd.DataFrame) -> pd.DataFrame:
    """The offers of every second user, as if these had phones."""
    return offers[offers["user_id"] % 2 == 1]


@pytest.fixture(scope="module")
def folder(
    offers: pd.DataFrame,
    phones: pd.DataFrame,
    fitted: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Models and offers that the commands are given."""
    folder = tmp_path_factory.mktemp("adapt")
    shutil.copy(fitted, folder / "model.keras")
    coupled_model(Encoder.fit(phones)).save(folder / "other.keras")
    purchase_model(Encoder.fit(offers)).save(folder / "purchase.keras")
    phones.to_parquet(folder / "phones.parquet")
    phones[phones["user_id"] < 20].to_parquet(folder / "few.parquet")
    phones.drop(columns="user_redemption_rate").to_parquet(folder / "no_rate.parquet")
    return folder


@pytest.fixture(scope="module")
def answer(folder: Path) -> Result:
    """What `adapt` said when it wrote the model for phones."""
    return run(
        "adapt", folder / "model.keras", folder / "phones.parquet", folder / "phone.keras", *DATES
    )


@pytest.fixture(scope="module")
def models(folder: Path, answer: Result) -> tuple[CoupledModel, CoupledModel]:
    """The model, and that for phones."""
    assert answer.exit_code == 0, answer.stderr
    return CoupledModel.load(folder / "model.keras"), CoupledModel.load(folder / "phone.keras")


def test_it_says_what_it_trained_and_the_loss_with_and_without(
    answer: Result, models: tuple[CoupledModel, CoupledModel], phones: pd.DataFrame
) -> None:
    _, validation, _ = split(phones, None, *DATES[1::2])
    base, phone = (
        log_loss(validation["redeemed"], model.predict(validation)["redeemed"]) for model in models
    )
    weights = trained_weights(adapted(models[0].served, factors=["redeemed_if_bought"]))
    assert f"trained {weights} weights of redeemed_if_bought" in answer.stdout
    assert f"validation log loss {phone:.4f} adapted, {base:.4f} unadapted" in answer.stdout
    assert "`evaluate` both" in answer.stderr


def test_a_platform_moves_redemptions_and_leaves_purchases_as_they_are(
    models: tuple[CoupledModel, CoupledModel], phones: pd.DataFrame
) -> None:
    before, after = (model.predict(phones) for model in models)
    assert after["bought"].equals(before["bought"])
    base, phone = (predict(model.served, phones) for model in models)
    assert not np.allclose(phone["redeemed"], base["redeemed"], atol=1e-4)


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapters stay as they begin, in tests that do not ask what training does."""
    monkeypatch.setattr(recommender, "fit", lambda *_, **__: pd.DataFrame())


def test_the_factors_that_are_named_are_adapted_and_what_they_move_is_calibrated(
    models: tuple[CoupledModel, CoupledModel], phones: pd.DataFrame, untrained: None
) -> None:
    train, validation, _ = split(phones, None, *DATES[1::2])
    one = models[0].adapt(train, validation)
    both = models[0].adapt(train, validation, factors=["bought", "redeemed_if_bought"])
    assert trained_weights(both.served) > trained_weights(one.served)
    for label in ("bought", "redeemed"):
        promised = both.predict(validation)[label].mean()
        assert promised == pytest.approx(validation[label].mean(), rel=1e-3)


def test_a_bundle_serves_a_platform_by_its_name_and_all_others_as_before(
    folder: Path,
    models: tuple[CoupledModel, CoupledModel],
    phones: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporting, "model_card", lambda *_: "")
    bundle, phone = tmp_path / "bundle", f"phone={folder / 'phone.keras'}"
    command = ("export", folder / "model.keras", bundle, "--market", SAMPLE, *DATES)
    exported = run(*command, "--platform", phone)
    assert exported.exit_code == 0, exported.stderr
    scorer = Scorer.load(bundle)
    arrays = scorer.encoder.encode(phones)
    for platform, model in zip((None, "phone"), models, strict=True):
        served = scorer.on(platform).predict(arrays)
        for label, wanted in model.predict(phones).items():
            np.testing.assert_allclose(served[label], wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "table", "out", "options", "message"),
    [
        ("model", "few", "new", (), "the training offers have 4 redemptions, fewer than 10"),
        ("model", "no_rate", "new", (), "offers lack the columns ['user_redemption_rate']"),
        ("model", "phones", "new", ("--factor", "clicked"), "name some of bought, redeemed_if_"),
        ("model", "phones", "model", (), "is the model that is adapted: name another file"),
        ("phone", "phones", "new", (), "has adapters already: adapt the model it came from"),
        ("purchase", "phones", "new", (), "purchase.keras holds no coupled model"),
    ],
)
def test_what_cannot_be_adapted_is_refused_and_nothing_is_written(
    model: str,
    table: str,
    out: str,
    options: tuple[str, ...],
    message: str,
    folder: Path,
    answer: Result,
) -> None:
    before = (folder / "model.keras").read_bytes()
    files = (f"{model}.keras", f"{table}.parquet", f"{out}.keras")
    refused = refusal("adapt", *(folder / name for name in files), *options, *DATES)
    assert message in refused
    assert not (folder / "new.keras").exists()
    assert (folder / "model.keras").read_bytes() == before


def test_validation_offers_that_cannot_calibrate_are_refused(
    models: tuple[CoupledModel, CoupledModel], phones: pd.DataFrame, untrained: None
) -> None:
    base, (train, validation, _) = models[0], split(phones, None, *DATES[1::2])
    with pytest.raises(ValueError, match="the validation offers have 0 redemptions"):
        base.adapt(train, validation.assign(redeemed=0))
    unlikely = base.predict(validation)["redeemed"].rank() <= 20
    with pytest.raises(ValueError, match="redeemed cannot be calibrated on the validation offers"):
        base.adapt(train, validation.assign(redeemed=unlikely))


@pytest.mark.parametrize(
    ("platforms", "message"),
    [
        (["phone"], "--platform phone: expected NAME=MODEL, as in phone=phone.keras"),
        (["=other.keras"], "expected NAME=MODEL"),
        (["phone=other.keras", "phone=other.keras"], "phone has a model already"),
        (["phone=nowhere.keras"], "there is no model at nowhere.keras"),
        (["phone=purchase.keras"], "purchase.keras holds no coupled model"),
        (["phone=other.keras"], "platform phone: its model encodes offers in another way"),
    ],
)
def test_a_platform_that_does_not_fit_is_refused_and_no_bundle_is_written(
    platforms: list[str], message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    options = [word for each in platforms for word in ("--platform", each)]
    refused = refusal("export", "model.keras", "bundle", "--market", SAMPLE, *DATES, *options)
    assert message in refused
    assert not (folder / "bundle").exists()
