"""The path from tables to a coupon, from a shell: `python -m coupon_rec --help`."""

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from coupon_rec.features import TEST_FROM, TRAIN_FROM, VALIDATE_FROM, split, write_offers
from coupon_rec.market import Market, MarketError, load_complete_journey, load_market

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

Offers = Annotated[Path, typer.Argument(help="Offers, as `features` writes them.")]
Model = Annotated[Path, typer.Argument(help="A model, as `train` writes it.")]
TrainFrom = Annotated[str, typer.Option(help="First day of the training campaigns.")]
ValidateFrom = Annotated[str, typer.Option(help="First day of the validation campaigns.")]
TestFrom = Annotated[str, typer.Option(help="First day of the test campaigns.")]


def _offers(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"{path} cannot be read as Parquet ({error}). Make it with `features`."
        ) from error


def _part(offers: pd.DataFrame, name: str, dates: tuple[str, str, str]) -> pd.DataFrame:
    part = split(offers, *dates)[name]
    if part.empty:
        first, last = offers["start"].min(), offers["start"].max()
        raise typer.BadParameter(
            f"no {name} campaign: the campaigns start from {first:%Y-%m-%d} to {last:%Y-%m-%d}. "
            "Choose --train-from, --validate-from and --test-from accordingly."
        )
    return part


def _market(folder: Path | None) -> Market:
    try:
        return load_complete_journey() if folder is None else load_market(folder)
    except MarketError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error


@app.command()
def features(
    out: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    market: Annotated[
        Path | None,
        typer.Option(help="Folder of your own tables (data/SCHEMA.md); else Complete Journey."),
    ] = None,
) -> None:
    """Build the offers table: one row an offer, its features and its labels."""
    redeemed = pd.read_parquet(write_offers(_market(market), out), columns=["redeemed"])["redeemed"]
    typer.echo(f"{len(redeemed):,} offers, {redeemed.sum():,} redeemed: {out}")


@app.command()
def train(
    offers: Offers,
    out: Annotated[Path, typer.Argument(help="The .keras file to write.")],
    seed: Annotated[int, typer.Option(help="Of weights, shuffling and dropout.")] = 0,
    train_from: TrainFrom = TRAIN_FROM,
    validate_from: ValidateFrom = VALIDATE_FROM,
    test_from: TestFrom = TEST_FROM,
) -> None:
    """Fit the coupled model on the training campaigns, stopping on the validation campaigns."""
    table, dates = _offers(offers), (train_from, validate_from, test_from)
    parts = [_part(table, name, dates) for name in ("train", "validation")]

    from coupon_rec.models import coupled_model
    from coupon_rec.training import examples, fit

    training, validation = map(examples, parts)
    model = coupled_model(training[0], seed=seed)
    history = fit(model, training, validation, seed=seed)
    model.save(out)
    best = history["val_redeemed_log_loss"].min()
    typer.echo(f"{len(history)} epochs, validation log loss {best:.4f}: {out}")


@app.command()
def evaluate(model: Model, offers: Offers, test_from: TestFrom = TEST_FROM) -> None:
    """Score a model on the test campaigns, with 95% intervals from a bootstrap over users."""
    test = _part(_offers(offers), "test", (TRAIN_FROM, VALIDATE_FROM, test_from))

    from coupon_rec.evaluation import evaluate as score
    from coupon_rec.models import load_model, predict

    typer.echo(score(test, predict(load_model(model), test)["redeemed"]).round(4).to_string())


@app.command()
def recommend(
    model: Model,
    offers: Offers,
    user: Annotated[int, typer.Option(help="The user_id to choose for.")],
) -> None:
    """Choose the coupon, or none, for a user in each campaign that was mailed to them."""
    from coupon_rec.decisions import best_coupon
    from coupon_rec.models import load_model, predict

    table = _offers(offers)
    mailed = table[table["user_id"] == user]
    if mailed.empty:
        raise typer.BadParameter(f"user {user} has no offers in {offers}", param_hint="--user")
    choices = best_coupon(mailed, predict(load_model(model), mailed)["redeemed"])
    typer.echo(choices.round(4).to_string(index=False))


if __name__ == "__main__":
    sys.exit(app())
