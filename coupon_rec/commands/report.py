"""A page of one's own market and model: report."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer

from coupon_rec._extras import need
from coupon_rec.commands import shared
from coupon_rec.commands.progress import step

if TYPE_CHECKING:
    from coupon_rec.recommender import CoupledModel

ROWS = 1000
"""Test offers that say which columns move a promise."""


def _page(out: Path) -> Path:
    """Refuse what is no page: whoever forgets its name would lose their last file of offers."""
    if out.suffix != ".html" or not out.absolute().parent.is_dir():
        raise typer.BadParameter(f"{out}: name a .html file in a folder that exists")
    return out


def report(
    model: shared.Model,
    offers: shared.Offers = None,
    *,
    out: Annotated[Path, typer.Argument(callback=_page)],
    market: str | None = None,
    margin: shared.Margin = 0.25,
    incremental: shared.Incremental = 0.5,
    retailer_match: shared.RetailerMatch = 0.17,
    contact: shared.Contact = 0.005,
    validate_from: shared.ValidateFrom = None,
    test_from: shared.TestFrom = None,
) -> None:
    """Write a page of a market and a model: what is known, what is promised, what was kept.

    It judges the model on the test campaigns, as `evaluate` does, and needs no network to be read.

    Parameters
    ----------
    offers
        Offers, as `features` writes them; built from the market if none. With `--market` as well,
        they are those of that market.
    out
        The .html file to write.
    """
    need("matplotlib", "book")
    need("keras", "train")
    tables = None if offers and market is None else shared.market_of(market)
    table = shared.read(offers or []) if tables is None or offers else shared.built(tables)
    test = shared.split_of(table, None, validate_from, test_from).test

    from coupon_rec.decisions import Economics
    from coupon_rec.monitoring.market_page import Judged, market_page
    from coupon_rec.recommender import CoupledModel

    step("judging the model")
    fitted = CoupledModel.load(model)
    p = fitted.predict(test)["redeemed"].to_numpy()
    economics = Economics(margin, incremental, retailer_match, contact)
    judged = Judged(table, test, p, economics, learned(fitted, test), tables)
    step("drawing the page")
    page = market_page(judged, model.name)
    out.write_text(page, encoding="utf-8")
    shared.tell(f"{len(test):,} test offers, {len(page.encode()) / 1000:,.0f} kB: {out}")


def learned(model: "CoupledModel", test: pd.DataFrame) -> dict[str, float]:
    """Say how far the log odds of a promise move when one column is another offer's."""
    from coupon_rec.features import UnseenWarning
    from coupon_rec.odds import logit

    rng = np.random.default_rng(0)
    rows = test.sample(min(ROWS, len(test)), random_state=0).reset_index(drop=True)
    columns = model.encoder.columns
    others = [rows.assign(**{name: rng.permutation(rows[name])}) for name in columns]
    every = pd.concat([rows, *others], ignore_index=True)
    with warnings.catch_warnings():  # of values that the prediction of all offers warned of
        warnings.simplefilter("ignore", UnseenWarning)
        odds = logit(model.predict(every)["redeemed"]).reshape(-1, len(rows))
    return dict(zip(columns, np.abs(odds[1:] - odds[0]).mean(axis=1).tolist(), strict=True))
