"""What each input adds to a model: ablate."""

from typing import Annotated, Literal

import typer

from coupon_rec.commands.shared import (
    MarketSource,
    Offers,
    TestFrom,
    TrainFrom,
    ValidateFrom,
    offers_of,
    split_of,
)


def ablate(
    offers: Offers = None,
    *,
    market: MarketSource = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input", help="What to leave out: a group, a feature, or one of --extra. May repeat."
        ),
    ] = None,
    extra: Annotated[
        list[str] | None,
        typer.Option(help="A column of your own that the model reads, such as coupon_picture."),
    ] = None,
    model: Annotated[Literal["trees", "logistic"], typer.Option(help="What is fitted.")] = "trees",
    coupons: Annotated[
        bool, typer.Option("--coupons", help="Intervals over users and coupons, not users alone.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the trees and of the resamples.")] = 0,
    train_from: TrainFrom = None,
    validate_from: ValidateFrom = None,
    test_from: TestFrom = None,
) -> None:
    """Say what each input adds to the others: AUC with it, without it, and the interval."""
    table = offers_of(offers, market)
    training, _, test = split_of(table, train_from, validate_from, test_from)

    from coupon_rec.content import ablation
    from coupon_rec.features import GROUPS

    effects = ablation.ablate(
        training,
        test,
        inputs or [*GROUPS, *(extra or ())],
        extra=extra or (),
        model=model,
        clusters=("user_id", "coupon_id") if coupons else ("user_id",),
        seed=seed,
    )
    typer.echo(effects.round(4).to_string())
