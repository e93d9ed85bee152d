"""Offers from a market, and a model from offers: features, train, evaluate, recommend."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from coupon_rec.commands.shared import (
    MarketSource,
    Model,
    Offers,
    TestFrom,
    TrainFrom,
    ValidateFrom,
    checked,
    market_of,
    need_keras,
    offers_of,
    say,
    split_of,
)


def features(
    out: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    market: MarketSource = None,
) -> None:
    """Build the offers table: one row an offer, its features and its labels."""
    from coupon_rec.features import write_offers

    redeemed = pd.read_parquet(write_offers(market_of(market), out), columns=["redeemed"])[
        "redeemed"
    ]
    typer.echo(f"{len(redeemed):,} offers, {redeemed.sum():,} redeemed: {out}")


def train(
    offers: Offers = None,
    *,
    out: Annotated[Path, typer.Argument(help="The .keras file to write.")],
    market: MarketSource = None,
    extra: Annotated[
        list[str] | None,
        typer.Option(help="A column of your own that the model is to read, such as user_region."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, shuffling and dropout.")] = 0,
    train_from: TrainFrom = None,
    validate_from: ValidateFrom = None,
    test_from: TestFrom = None,
) -> None:
    """Fit the coupled model on the training campaigns, stopping on the validation campaigns."""
    if out.suffix != ".keras" or not out.parent.is_dir():
        raise typer.BadParameter(f"{out}: name a .keras file in a folder that exists")
    need_keras()
    table = offers_of(offers, None if offers else market_of(market))
    training, validation, _ = split_of(table, train_from, validate_from, test_from)

    from coupon_rec.recommender import CoupledModel

    model = CoupledModel(extra=tuple(extra or ()), seed=seed)
    checked(lambda: model.fit(training, validation))
    model.save(out)
    best = model.history["val_redeemed_log_loss"].min()
    typer.echo(f"{len(model.history)} epochs, validation log loss {best:.4f}: {out}")
    if constant := model.served.encoder.constant:
        say(f"never varied in training, so nothing is learned from: {', '.join(constant)}")


def evaluate(
    model: Model,
    offers: Offers = None,
    market: MarketSource = None,
    validate_from: ValidateFrom = None,
    test_from: TestFrom = None,
) -> None:
    """Score a model on the test campaigns, with 95% intervals from a bootstrap over users."""
    need_keras()
    table = offers_of(offers, None if offers else market_of(market))
    test = split_of(table, None, validate_from, test_from).test

    from coupon_rec.recommender import CoupledModel

    scores = checked(lambda: CoupledModel.load(model).evaluate(test))
    typer.echo(scores.round(4).to_string())


def recommend(
    model: Model,
    offers: Offers = None,
    *,
    market: MarketSource = None,
    user: Annotated[str, typer.Option(help="The user_id to choose for.")],
) -> None:
    """Choose the coupon, or none, for a user in each campaign that was mailed to them."""
    need_keras()
    tables = None if offers else market_of(market)
    table = offers_of(offers, tables)
    users = table["user_id"] if tables is None else tables.named(table[["user_id"]])["user_id"]
    mailed = table[users.astype(str) == user]
    if mailed.empty:
        raise typer.BadParameter(f"user {user} has no offers", param_hint="--user")

    from coupon_rec.recommender import CoupledModel

    choices = checked(lambda: CoupledModel.load(model).recommend(mailed))
    choices = choices if tables is None else tables.named(choices)
    typer.echo(choices.round(4).to_string(index=False))
