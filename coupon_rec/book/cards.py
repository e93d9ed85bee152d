"""Cards of coupons, drawn with Pillow for chapter 23, and what a simulated market does with them.

No real advertisement is in the book: each card is drawn from a list of what is on it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import get_data_path
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from coupon_rec.arguments import Floats

SIDE = 48
"""Rows and columns of a card, in pixels."""
TRAITS = ("photo", "border", "badge")
FONTS = tuple(
    Path(get_data_path()) / "fonts" / "ttf" / f"DejaVu{name}.ttf"
    for name in ("Sans", "Sans-Bold", "Serif", "Serif-Bold", "SansMono")
)
THINGS = (
    *("COFFEE", "COOKIES", "DOG FOOD", "FROZEN PIZZA", "ORANGE JUICE"),
    *("PAPER TOWELS", "SHAMPOO", "SOFT DRINKS", "YOGURT", "CEREAL"),
)
Pixels = NDArray[np.uint8]


def card(photo: bool, border: bool, badge: bool, seed: int) -> Pixels:
    """Draw a card: some lines of text, perhaps a photo, a border, a red badge.

    Parameters
    ----------
    photo, border, badge : bool
        What is on it.
    seed : int
        Of colors, sizes and places.

    Returns
    -------
    numpy.ndarray
        uint8 of shape (48, 48, 3).
    """
    random = np.random.default_rng(seed)
    paper = tuple(int(each) for each in random.integers(205, 256, 3))
    image = Image.new("RGB", (SIDE, SIDE), paper)
    draw = ImageDraw.Draw(image)
    if photo:
        left, top = (int(each) for each in random.integers(4, 18, 2))
        size = int(random.integers(16, 24))
        grain = random.normal(0, 40, (size, size, 3)) + random.integers(60, 190, 3)
        patch = Image.fromarray(np.clip(grain, 0, 255).astype("uint8"))
        image.paste(patch, (left, top))
    for row in random.integers(6, SIDE - 8, 3):
        start, length = int(random.integers(4, 14)), int(random.integers(12, 28))
        ink = tuple(int(each) for each in random.integers(0, 120, 3))
        draw.line((start, int(row), start + length, int(row)), fill=ink, width=2)
    if border:
        ink = tuple(int(each) for each in random.integers(0, 150, 3))
        draw.rectangle((0, 0, SIDE - 1, SIDE - 1), outline=ink, width=3)
    if badge:
        x, y = int(random.integers(26, 38)), int(random.integers(26, 38))
        draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=(214, 30, 30))
    noise = random.normal(0, 6, (SIDE, SIDE, 3))
    return np.clip(np.asarray(image, "float64") + noise, 0, 255).astype("uint8")


def cards(traits: pd.DataFrame, seed: int = 0) -> Pixels:
    """Draw a card for each row of traits; shape (n, 48, 48, 3)."""
    rows = enumerate(traits[list(TRAITS)].to_numpy(bool).tolist(), start=seed * 100_000)
    return np.stack([card(photo, border, badge, each) for each, (photo, border, badge) in rows])


def some_traits(count: int, seed: int = 0) -> pd.DataFrame:
    """Traits of cards by chance, each in half of them."""
    random = np.random.default_rng(seed)
    return pd.DataFrame({name: random.integers(0, 2, count) for name in TRAITS})


def printed(text: str, seed: int = 0, *, blur: float = 0.0) -> Pixels:
    """Print a line of text on a card as a phone sees it: some font, tilt and grain.

    Parameters
    ----------
    text : str
        Such as "20% OFF COFFEE".
    seed : int
        Of the font, the tilt and the grain.
    blur : float
        How far out of focus, in pixels.

    Returns
    -------
    numpy.ndarray
        uint8 of shape (48, width, 3).
    """
    from PIL import ImageFilter

    random = np.random.default_rng(seed)
    font = ImageFont.truetype(str(FONTS[int(random.integers(len(FONTS)))]), 30)
    width = int(font.getlength(text)) + 24
    image = Image.new("RGB", (width, 48), "white")
    ImageDraw.Draw(image).text((12, 24), text, font=font, fill="black", anchor="lm")
    image = image.rotate(
        float(random.normal(0, 1)), fillcolor="white", resample=Image.Resampling.BILINEAR
    )
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    grain = random.normal(0, random.choice([0, 15, 30]), (48, width, 1))
    return np.clip(np.asarray(image, "float64") + grain, 0, 255).astype("uint8")


def some_offers(count: int, seed: int = 0) -> list[str]:
    """Texts of offers by chance, such as "$1.50 OFF SOFT DRINKS"."""
    random = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        thing = THINGS[int(random.integers(len(THINGS)))]
        share = f"{random.choice([5, 10, 15, 20, 25, 30, 40, 50])}%"
        money = f"${random.integers(0, 10)}.{random.choice([5, 10, 25, 49, 50, 75, 80, 99]):02d}"
        texts.append(f"{share if random.random() < 0.5 else money} OFF {thing}")
    return texts


def market(seed: int = 0, users: int = 4000, campaigns: int = 10) -> pd.DataFrame:
    """What a market bought with and without each coupon, where a photo moves demand.

    The market of `coupon_rec.simulation` with its mechanism "content" alone: a photo adds 0.25
    to the purchase logit, a border nothing. A coin decides who is sent each coupon. The badge is
    this chapter's: the printer puts it on nine of ten cards with a quarter off or more, and on
    one of ten others, and it does nothing.

    Returns
    -------
    pandas.DataFrame
        A row for each coupon that was sent: `coupon_id`, `depth`, `photo`, `border`, `badge`, and
        the purchase lines of its items by those who were sent it and by the others, `sent_lines`
        and `other_lines`, of `sent` and `others` mailings.
    """
    from coupon_rec.simulation import open_market, simulate

    state = open_market(users, 300, 96, campaigns, seed, mechanisms=("content",))
    about = state.world.coupons[["coupon_id", "depth"]].assign(
        photo=state.nature.content["photo"].to_numpy(),
        border=state.nature.content["border"].to_numpy(),
    )
    random = np.random.default_rng([seed, 23])
    deep = about["depth"] >= 0.25
    about["badge"] = (random.random(len(about)) < np.where(deep, 0.9, 0.1)).astype(int)
    state = simulate(state, lambda offers: np.full(len(offers), 0.5), campaigns)
    made = state.simulation()
    lines = made.market.purchases.select("user_id", "item_id", "time").to_pandas()
    dates = made.market.campaigns.to_pandas().sort_values("start")
    place = np.searchsorted(dates["start"].to_numpy(), lines["time"].to_numpy(), "right") - 1
    lines = lines[place >= 0].assign(campaign_id=dates["campaign_id"].to_numpy()[place[place >= 0]])
    key = ["campaign_id", "user_id", "coupon_id"]
    items = made.market.coupon_items.to_pandas()
    count = lines.merge(items, on=["campaign_id", "item_id"]).groupby(key).size()
    pairs = made.truth.candidates.select(*key, "offered").to_pandas()
    pairs["lines"] = count.reindex(pd.MultiIndex.from_frame(pairs[key]), fill_value=0).to_numpy()
    sums = pairs.groupby(["coupon_id", "offered"])["lines"].agg(["sum", "size"]).unstack()
    table = pd.DataFrame(
        {
            "sent_lines": sums["sum", True],
            "sent": sums["size", True],
            "other_lines": sums["sum", False],
            "others": sums["size", False],
        }
    ).reset_index()
    return about.merge(table, on="coupon_id")


def effects(table: pd.DataFrame, inputs: Sequence[str]) -> pd.DataFrame:
    """What each input adds to the log of the purchase rate, by weighted least squares.

    A coupon whose items one of the two groups never bought has no such logarithm and is left out.

    Parameters
    ----------
    table : pandas.DataFrame
        As `market` gives it, with the columns `inputs`.
    inputs : sequence of str
        Such as ["photo", "depth"].

    Returns
    -------
    pandas.DataFrame
        Indexed by input: `value`, and `low` and `high` of its 95% interval, over coupons: where
        they differ by more than lines that come independently, it is widened by as much.
    """
    some, lift, weight = _lifts(table)
    x = np.column_stack([np.ones(len(some)), some[list(inputs)]])
    inverse = np.linalg.inv(x.T @ (x * weight[:, None]))
    value = inverse @ (x.T @ (weight * lift))
    left = lift - x @ value
    spread = max(1.0, float(weight @ left**2) / (len(some) - x.shape[1]))
    error = np.sqrt(np.diag(inverse) * spread)
    frame = {"value": value, "low": value - 1.96 * error, "high": value + 1.96 * error}
    return pd.DataFrame(frame, ["constant", *inputs]).iloc[1:]


def _lifts(table: pd.DataFrame) -> tuple[pd.DataFrame, Floats, Floats]:
    """The coupons that have one, the log of the purchase rate's ratio, and how much it weighs."""
    some = table[(table["sent_lines"] > 0) & (table["other_lines"] > 0)]
    rate = some["sent_lines"] / some["sent"], some["other_lines"] / some["others"]
    weight = 1 / (1 / some["sent_lines"] + 1 / some["other_lines"])
    return some, np.log(rate[0] / rate[1]).to_numpy(), weight.to_numpy()


def without_pictures(table: pd.DataFrame, seed: int = 0) -> dict[str, float]:
    """Observed over predicted lift of coupons that are new, with their pictures and without.

    Two models forecast the log of the purchase rate from depth and picture: "zeros" has seen no
    card without a picture and reads zeros where there is none; "dropout" has also seen each
    coupon without its picture, with a flag that says so. "no loss" is the first model where no
    picture is lost: what differs from 1 there, no picture can fix.

    Parameters
    ----------
    table : pandas.DataFrame
        As `market` gives it.
    seed : int
        Of which half of the coupons is learned from; the other half is forecast.
    """
    some, lift, weights = _lifts(table)
    learned = np.random.default_rng(seed).permutation(len(some)) < len(some) // 2
    columns = np.column_stack([np.ones(len(some)), some[["depth", "photo", "border"]]])
    gone = columns * [1, 1, 0, 0]
    root = np.sqrt(weights)

    def fit(x: Floats, y: Floats, w: Floats) -> Floats:
        return np.asarray(np.linalg.lstsq(x * w[:, None], y * w, rcond=None)[0])

    zeros = fit(columns[learned], lift[learned], root[learned])
    flagged = [
        np.column_stack([x, flag * np.ones(len(x))]) for x, flag in ((columns, 0), (gone, 1))
    ]
    both = fit(
        np.vstack([x[learned] for x in flagged]),
        np.tile(lift[learned], 2),
        np.tile(root[learned], 2),
    )
    later = ~learned
    weight = some["other_lines"].to_numpy()[later]

    def ratio(forecast: Floats) -> float:
        return float(weight @ np.exp(lift[later]) / (weight @ np.exp(forecast)))

    return {
        "no loss": ratio(columns[later] @ zeros),
        "zeros": ratio(gone[later] @ zeros),
        "dropout": ratio(flagged[1][later] @ both),
    }
