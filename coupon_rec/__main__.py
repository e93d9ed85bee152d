"""The path from tables to a coupon, from a shell: `python -m coupon_rec --help`."""

import sys

try:
    import typer

    from coupon_rec.commands import (
        assistant,
        bundles,
        listening,
        modelling,
        recording,
        report,
        serving,
        watching,
    )
    from coupon_rec.commands.shared import Described, ends_well
except ModuleNotFoundError as error:
    sys.exit(f"{error}: run `python -m coupon_rec.book.doctor` to see what is missing.")

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


def doctor() -> None:
    """Look at what the book needs of this machine, and say how to fix what is missing."""
    from coupon_rec.book.doctor import main

    raise typer.Exit(main())


for command in (
    modelling.features,
    recording.records,
    modelling.train,
    modelling.adapt,
    modelling.evaluate,
    modelling.recommend,
    modelling.ablate,
    report.report,
    bundles.export,
    bundles.score,
    bundles.allocate,
    serving.serve,
    watching.value,
    watching.monitor,
    watching.retrain,
    listening.listen,
    serving.forget,
    assistant.assistant,
    doctor,
):
    app.command(cls=Described)(ends_well(command))

if __name__ == "__main__":
    sys.exit(app())
