"""The live figures say what the chapters' formulas say, to a mouse, a keyboard and a screen reader.

They stand here in a page of their own, made by the directive, whether or not a chapter has them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page
from reader import open_page
from scipy.optimize import minimize
from sphinx.application import Sphinx

from coupon_rec.assistant import Assistant, Catalog, Customers, Tools
from coupon_rec.book import talking
from coupon_rec.decisions import Budget, Economics, allocate
from coupon_rec.evaluation import Prior
from coupon_rec.explain import shapley

ROOT = Path(__file__).parents[2]
LIVE = ROOT / "_static" / "live"
FIGURES = ("likelihood", "lambda", "qini", "shrink", "because", "talk")
CONVERSATIONS = (
    ["Do you have oat milk?", "Do you have oat milk?", "Why did I get these coupons?"],
    ["Any coupons?", "Why did I get these coupons?", "Do you have oat milk?", "thanks"],
    ["asdf jkl", "Do you have oat milk?", "asdf jkl", "hello"],
    ["Do you have oat milk?", "My order is late", "Any coupons?"],
    [*["How do I use it?"] * 5, *["Do you have oat milk?"] * 10],
    ["Why did I get these coupons?", "How do I use it?", "asdf jkl", "thanks", "asdf jkl"],
)
FIGURE = """
```{{live}} {name}
:name: fig-{name}
:alt: A description of the figure {name}, long enough to be one.

The caption, with *one* word that matters.
```
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with the figures."""
    folder = tmp_path_factory.mktemp("book")
    figures = "".join(FIGURE.format(name=name) for name in FIGURES)
    (folder / "figures.md").write_text(f"# Figures\n{figures}", encoding="utf-8")
    settings = {
        "extensions": ["myst_parser", "live"],
        "html_static_path": [str(ROOT / "_static")],
        "html_css_files": ["custom.css"],
        "root_doc": "figures",
        "html_theme": "basic",
        "language": "en",
    }
    html = folder / "html"
    Sphinx(
        folder, None, html, folder / "trees", "html", settings, None, warningiserror=True
    ).build()
    return html


@pytest.fixture
def page(browser: Browser, book: Path) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto((book / "figures.html").as_uri())
    page.evaluate("() => document.documentElement.setAttribute('data-theme', 'light')")
    page.add_style_tag(content="body { color: var(--ink); background: var(--page) }")
    yield page
    page.close()


def words(page: Page, name: str) -> str:
    return page.locator(f"[data-live={name}] .live-words").inner_text()


def slide(page: Page, label: str, value: float) -> None:
    page.get_by_role("slider", name=label).fill(str(value))


# The pages that have one


def test_the_figure_of_each_page_answers_its_slider_or_its_field(
    browser: Browser, pages: dict[Path, BeautifulSoup]
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    files = [file for file, parsed in pages.items() if parsed.select_one("[data-live]")]
    assert len(files) > 15
    for file in files:
        open_page(page, file)
        place = page.locator("[data-live]").first
        slider, field = place.get_by_role("slider").first, place.locator("input").first
        said = []
        for key, word in (("Home", "coffee"), ("End", "shampoo")):
            if slider.count():
                slider.press(key)
            else:
                field.fill(word)
                field.press("Enter")
            said.append(place.inner_text())
        assert said[0] != said[1], file.name
    page.close()


# What they compute


def test_the_likelihood_is_that_of_the_offers_shown(page: Page) -> None:
    script = (LIVE / "likelihood.js").read_text("utf-8")

    def numbers(name: str) -> np.ndarray:
        listed = re.search(rf"{name} = \[([^]]*)", script)[1]
        return np.array([int(number) for number in re.findall(r"\d+", listed)])

    days, offered, redeemed = map(numbers, ("DAYS", "OFFERED", "REDEEMED"))
    x = np.log1p(np.repeat(days, offered))
    x = np.column_stack([np.ones(len(x)), (x - x.mean()) / x.std()])
    y = np.concatenate([np.arange(n) < k for n, k in zip(offered, redeemed, strict=True)])

    def loss(theta: np.ndarray) -> float:
        return np.logaddexp(0, x @ theta).sum() - y @ (x @ theta)

    theta = np.array([-1.5, 0.5])
    slide(page, "Intercept b", theta[0])
    slide(page, "Slope W", theta[1])
    gradient = x.T @ (y - 1 / (1 + np.exp(-x @ theta)))
    said = [
        float(n) for n in re.findall(r"-?\d+\.\d+", words(page, "likelihood").replace("−", "-"))
    ]
    best = minimize(loss, np.zeros(2))
    expected = [-loss(theta), -best.fun, loss(theta) / len(y), *gradient]
    np.testing.assert_allclose(said, expected, atol=0.006)
    for _ in range(8):
        page.get_by_role("button", name="A step of Newton's method").click()
    assert "gradient (0.00, 0.00)" in words(page, "likelihood").replace("−0.00", "0.00")
    for label, value in zip(("Intercept b", "Slope W"), best.x, strict=True):
        found = float(page.get_by_role("slider", name=label).input_value())
        assert found == pytest.approx(value, abs=0.011)


def test_the_price_of_a_dollar_is_that_of_allocate(page: Page) -> None:
    offers = page.evaluate(
        """() => couponModel.users.map((user) => user.offers.map(({ coupon, redeemed }) => [
            coupon, redeemed, couponModel.coupons[coupon].spend,
            couponModel.coupons[coupon].discount,
        ]))"""
    )
    value, cost = (np.full((len(offers), 200), fill) for fill in (-np.inf, 0.0))
    for user, row in enumerate(offers):
        place, p, spend, discount = np.array(row).T
        value[user, place.astype(int)] = 100 * Economics().profit(p, spend, discount)
        cost[user, place.astype(int)] = 100 * p * discount
    for budget in (15, 40):
        slide(page, "Budget B", budget)
        page.get_by_role("button", name="Find the right price").click()
        best = allocate(value, Budget(budget, cost), method="dual")
        said = words(page, "lambda")
        assert float(re.search(r"λ = (\d+\.\d+)", said)[1]) == pytest.approx(
            best.prices[0], abs=0.011
        )
        assert float(re.search(r"more than (\d+\.\d)", said)[1]) == pytest.approx(
            best.bound, abs=0.2
        )
        assert "keeps the budget" in said
        takes = page.locator(".lambda-takes").count()
        assert f"{takes} of 40 users" in said
    slide(page, "Price of a dollar", 0)
    assert "too much" in words(page, "lambda")
    assert page.locator(".lambda-takes").count() == (value.max(axis=1) > 0).sum()


def test_a_new_coupons_rate_is_shrunk_as_the_package_does(page: Page) -> None:
    cases = [(0, 0, 300), (100, 3, 300), (2000, 40, 500), (500, 0, 1000)]
    for offers, redeemed, strength in cases:
        slide(page, "Offers seen", offers)
        slide(page, "Redemptions among them", redeemed)
        slide(page, "Strength of the prior", strength)
        prior = Prior(mean=0.01, strength=strength)
        low, high = prior.interval([redeemed], [offers])
        wanted = [prior.rate([redeemed], [offers])[0], low[0], high[0]]
        said = words(page, "shrink")
        found = [float(share) / 100 for share in re.findall(r"(\d\.\d+)%", said)]
        assert ("no raw rate" in said) == (offers == 0)
        if offers:
            assert found.pop(0) == pytest.approx(redeemed / offers, abs=6e-5)
        assert found[:3] == pytest.approx(wanted, abs=1.5e-4)


def test_the_page_answers_as_the_assistant_does(page: Page) -> None:
    place = page.locator("[data-live=talk]")
    for share in (35, 90):
        slide(page, "Customers who are undecided", share)
        rest = (1 - share / 100) / 0.65
        customers = Customers(share=(0.45 * rest, share / 100, 0.2 * rest))
        for conversation in CONVERSATIONS:
            place.get_by_role("button", name="Start again").click()
            for said in conversation:
                place.get_by_role("button", name=said, exact=True).click()
            tools = Tools(2448, lambda user: talking.MINE[user], Catalog(talking.FACTS))
            talk = Assistant(tools, customers, hand_over=lambda *said: None)
            replies = [talk.reply(said).reply for said in ["hello", *conversation]]
            shown = place.locator(".talk-shop").all_text_contents()
            assert [each.removeprefix("Assistant: ") for each in shown] == [
                reply.replace("\n- ", "\n– ") for reply in replies
            ]


def hundredths(order: str) -> dict[str, np.ndarray]:
    """Read the sums of the Qini figure over each hundredth of the offers."""
    script = (LIVE / "qini.js").read_text("utf-8")
    (part,) = re.findall(rf"^    {order}: {{(.*?)^    }},", script, re.DOTALL | re.MULTILINE)
    return {
        name: np.array([float(number) for number in listed.replace("\n", " ").split(",")[:-1]])
        for name, listed in re.findall(r"(\w+): \[(.*?)\]", part, re.DOTALL)
    }


@pytest.mark.parametrize("order", ["effect", "redemption"])
def test_the_cut_of_a_qini_curve_says_units_cost_and_profit(order: str, page: Page) -> None:
    sums = hundredths(order)
    assert all(len(values) == 100 for values in sums.values())
    if order == "redemption":
        page.get_by_role("button", name="Order by redemption").click()
    for share in (0, 20, 100):
        slide(page, "Share of the offers", share)
        units, margin, cost = (sums[name][:share].sum() for name in ("units", "margin", "cost"))
        said = words(page, "qini").replace(",", "").replace("−", "-")
        found = [float(n) for n in re.findall(r"-?\d+(?=[ %.]|$)", said)]
        wanted = [share, units, 100 * units / sums["units"].sum(), margin, cost, margin - cost]
        np.testing.assert_allclose(found[: len(wanted)], wanted, atol=0.6)
    page.get_by_role("button", name="Go to the highest profit").click()
    earned = (sums["margin"] - sums["cost"]).cumsum()
    slider = page.get_by_role("slider", name="Share of the offers")
    assert int(slider.input_value()) == earned.argmax() + 1


def test_the_credit_of_the_page_is_shapleys_and_adds_up(page: Page) -> None:
    found = page.evaluate(
        """() => {
            const predict = coupled.scorer(couponModel);
            const user = couponModel.users[3];
            const rows = whatIf.ranked(user, null, new Map()).map((row) => row.read);
            const score = (read) => Math.log(predict(read).redeemed);
            const mine = credit.shared(score, rows[0], rows.slice(1, 9), couponModel.columns);
            const other = whatIf.answer(couponModel.users[5], couponModel.users[5].offers[0],
                null, new Map()).read;
            const theirs = credit.shared(score, rows[0], [other], couponModel.columns);
            const worth = [1, 5, -2, 0, 3, 3, 8, 7, 1, 2, 2, 9, 0, 0, 1, 4];
            return { mine, theirs, worth, values: credit.shapley(worth) };
        }"""
    )
    np.testing.assert_allclose(found["values"], shapley(found["worth"]), atol=1e-12)
    for account in (found["mine"], found["theirs"]):
        total = sum(account["topics"].values())
        assert total == pytest.approx(account["score"] - account["others"], abs=1e-9)
    assert found["mine"]["topics"]["shopping"] == found["mine"]["topics"]["saving"] == 0
    assert found["theirs"]["topics"]["shopping"] != 0
