"""The trained model in the page says what Python says, and everybody can work it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from page_model import write
from playwright.sync_api import Browser, Page
from reader import open_page

from coupon_rec.decisions import offer_value, reason
from coupon_rec.features import CATEGORIES, GROUPS, OPTIONAL_FEATURES, Encoder, feature_names
from coupon_rec.market import Market
from coupon_rec.odds import Platt
from coupon_rec.serving.bundle.scorer import Scorer

ROOT = Path(__file__).parents[2]
LIVE = ROOT / "_static" / "live"
DAY = pd.Timestamp("2017-06-01").date()
ROWS = 1000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def offers(offers: pd.DataFrame) -> pd.DataFrame:
    """With the features that every market has, which are those of the page."""
    return offers.drop(columns=[each.name for each in OPTIONAL_FEATURES])


@pytest.fixture(scope="module")
def bundle(market: Market, offers: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the sample market, with a model that was trained a little, and calibrated."""
    from coupon_rec.features.online.snapshot_writer import write_snapshot
    from coupon_rec.models import boosted, coupled_model, with_trees
    from coupon_rec.serving.bundle import exporting
    from coupon_rec.training import examples, fit

    encoder = Encoder.fit(offers)
    seen = examples(offers, encoder)
    network = coupled_model(encoder)
    fit(network, seen, seen, epochs=2)
    trees = boosted(encoder, seen[0], seen[1]["redeemed"])
    with pytest.MonkeyPatch.context() as only:
        only.setattr(exporting, "model_card", lambda *_: "")
        return exporting.export(
            with_trees(network, trees),
            tmp_path_factory.mktemp("bundle") / "bundle",
            offers,
            calibration={"redeemed": Platt(-0.4, 0.9), "bought": Platt(0.1, 1.2)},
            snapshot=lambda folder: write_snapshot(market, DAY, folder),
        )


@pytest.fixture
def empty(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def opened(browser: Browser, site: Path) -> Iterator[Page]:
    """The page as a reader opens it on a phone."""
    page = browser.new_page(viewport={"width": 390, "height": 900}, color_scheme="light")
    open_page(page, site / "try_it.html")
    yield page
    page.close()


MODEL = [LIVE / "people.js", LIVE / "network.js"]


def load(page: Page, *scripts: str, model: Sequence[Path] = MODEL) -> None:
    for path in [*model, *(LIVE / f"{name}.js" for name in scripts)]:
        page.add_script_tag(path=path)


def as_the_page_reads(offers: pd.DataFrame) -> list[dict[str, Any]]:
    groups = {name: offers[feature_names(name)] for name in GROUPS}
    groups |= {name: offers[list(columns)] for name, columns in CATEGORIES.items()}
    lists = {name: frame.to_numpy().tolist() for name, frame in groups.items()}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


# What is computed


def test_the_forward_pass_of_the_page_is_that_of_the_scorer(
    empty: Page, bundle: Path, offers: pd.DataFrame, market: Market, tmp_path: Path
) -> None:
    some = offers.sample(ROWS, random_state=0)
    some.loc[some.index[:9], "department"] = "one that training never saw"
    load(empty, "coupled", model=write(bundle, tmp_path, market))
    found = empty.evaluate(
        "offers => offers.map(coupled.scorer(couponModel))", as_the_page_reads(some)
    )
    scorer = Scorer.load(bundle)
    for name, p in scorer.predict(scorer.encoder.encode(some)).items():
        assert np.ptp(p) > 0.01
        np.testing.assert_allclose([row[name] for row in found], p, atol=1e-5)


@pytest.fixture(scope="module")
def answers(browser: Browser) -> pd.DataFrame:
    """Every offer of the committed model's users: what Python said, and what the page says."""
    page = browser.new_page()
    load(page, "coupled", "choice", "what-if")
    rows = page.evaluate(
        """() => [couponModel.stranger, ...couponModel.users].flatMap((user) =>
            whatIf.ranked(user, null, new Map()).map(({ offer, read, ...answer }) => {
                const names = (group) => couponModel.columns[group].map((column) => column.name);
                const features = ["user", "match", "coupon"].flatMap((group) =>
                    names(group).map((name, k) => [name, read[group][k]]));
                const value = Object.fromEntries(features);
                const { spend, discount, campaign, id } = couponModel.coupons[offer.coupon];
                return {
                    ...value, ...answer, user_id: user.id, campaign_id: campaign, coupon_id: id,
                    spend_per_line: spend, discount,
                    said_bought: offer.bought, said_redeemed: offer.redeemed,
                    reason: choice.reason((name) => value[name]),
                };
            }))"""
    )
    page.close()
    return pd.DataFrame(rows)


def test_the_committed_model_predicts_for_its_users_what_python_predicted(
    answers: pd.DataFrame,
) -> None:
    assert answers["user_id"].nunique() == 41
    for name in ("bought", "redeemed"):
        np.testing.assert_allclose(answers[name], answers[f"said_{name}"], atol=1e-5)


def test_a_redemption_given_a_purchase_is_a_probability(answers: pd.DataFrame) -> None:
    assert answers["ifBought"].between(0, 1).all()
    off = answers["redeemed"] > answers["bought"]
    assert off.mean() < 0.05
    assert (answers.loc[off, "redeemed"] < 0.02).all()


def test_the_money_and_the_reasons_of_the_page_are_those_of_the_package(
    answers: pd.DataFrame,
) -> None:
    np.testing.assert_allclose(
        answers["profit"], offer_value(answers, answers["redeemed"]), atol=1e-12
    )
    assert answers["reason"].tolist() == [reason(row) for row in answers.to_dict("records")]
    assert answers["reason"].nunique() > 100


def test_the_committed_model_reads_exactly_the_features_of_the_package(empty: Page) -> None:
    load(empty)
    columns = empty.evaluate("() => couponModel.columns")
    named = {group: [column["name"] for column in some] for group, some in columns.items()}
    assert {group: named[group] for group in GROUPS} == {g: feature_names(g) for g in GROUPS}
    assert named.keys() - CATEGORIES.keys() == set(GROUPS)


# The page


def test_a_user_a_coupon_and_a_slider_are_worked_by_keyboard(opened: Page) -> None:
    choice, told = opened.locator(".try-choice"), opened.get_by_role("status").first
    opened.get_by_label("User", exact=True).focus()
    first = choice.inner_text()
    opened.keyboard.press("ArrowDown")
    assert choice.inner_text() != first
    for _ in range(2):
        opened.keyboard.press("Tab")
        if opened.evaluate("() => document.activeElement.type") == "radio":
            break
    opened.keyboard.press("ArrowDown")
    assert opened.evaluate("() => document.activeElement.checked")
    chosen = opened.locator("tr:has(input:checked) label span").evaluate("e => e.firstChild.data")
    assert f"The coupon for {chosen}" in opened.locator("#try-subject").inner_html()
    for _ in range(3):
        opened.keyboard.press("Tab")
    slider = opened.locator(".try-handle input")
    assert slider.evaluate("e => e === document.activeElement")
    before = slider.get_attribute("aria-valuetext")
    profit = opened.locator("tr:has(input:checked) td").last.inner_text()
    opened.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") != before
    assert opened.locator("tr:has(input:checked) td").last.inner_text() != profit
    assert "Before you moved anything" in opened.locator(".try-back").inner_text()
    opened.wait_for_function("e => e.textContent.startsWith('Choice')", arg=told.element_handle())
