"""The trained model in the page says what Python says, and everybody can work it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest
from page_model import write
from playwright.sync_api import Browser, Page, sync_playwright

from coupon_rec.evaluation import Platt
from coupon_rec.features import COUPON_CATEGORIES, GROUPS, USER_CATEGORIES, encode, feature_names
from coupon_rec.features.graph import offers_frame
from coupon_rec.market import Market, load_market
from coupon_rec.serving.scorer import Scorer

ROOT = Path(__file__).parents[2]
LIVE = ROOT / "_static" / "live"
DAY = pd.Timestamp("2017-06-01").date()
CATEGORIES = {"user_category": USER_CATEGORIES, "coupon_category": COUPON_CATEGORIES}
ROWS = 1000


@pytest.fixture(scope="module")
def browser(unavailable: Callable[[str], NoReturn]) -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        unavailable("no Chromium on the path: install one to look at the pages as a reader does")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def market() -> Market:
    return load_market(ROOT / "data" / "sample")


@pytest.fixture(scope="module")
def offers(market: Market) -> pd.DataFrame:
    return offers_frame(market)


@pytest.fixture(scope="module")
def bundle(market: Market, offers: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the sample market, with a model that was trained a little, and calibrated."""
    from coupon_rec.models import coupled_model
    from coupon_rec.serving.bundle import export
    from coupon_rec.serving.snapshot import write_snapshot
    from coupon_rec.training import examples, fit

    seen = examples(offers)
    model = coupled_model(seen[0])
    fit(model, seen, seen, epochs=2)
    return export(
        model,
        tmp_path_factory.mktemp("bundle") / "bundle",
        offers,
        calibration={"redeemed": Platt(-0.4, 0.9), "bought": Platt(0.1, 1.2)},
        snapshot=lambda folder: write_snapshot(market, DAY, folder),
    )


def with_scripts(browser: Browser, model: Path) -> Page:
    """An empty page with the forward pass and a model."""
    page = browser.new_page()
    for script in (model, LIVE / "coupled.js", LIVE / "choice.js"):
        page.add_script_tag(path=script)
    return page


def as_read_by_the_page(offers: pd.DataFrame) -> list[dict[str, Any]]:
    groups = {name: offers[feature_names(name)] for name in GROUPS}
    groups |= {name: offers[list(columns)] for name, columns in CATEGORIES.items()}
    lists = {name: frame.to_numpy().tolist() for name, frame in groups.items()}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def test_the_forward_pass_of_the_page_is_that_of_the_scorer(
    browser: Browser, bundle: Path, offers: pd.DataFrame, market: Market, tmp_path: Path
) -> None:
    some = offers.sample(ROWS, random_state=0)
    page = with_scripts(browser, write(bundle, tmp_path / "model.js", market))
    found = page.evaluate(
        "offers => offers.map(coupled.scorer(couponModel))", as_read_by_the_page(some)
    )
    expected = Scorer.load(bundle).predict(encode(some))
    for name, p in expected.items():
        assert np.ptp(p) > 0.01
        np.testing.assert_allclose([row[name] for row in found], p, atol=1e-5)
