"""One bar for a whole command, with the name of its step, where someone looks on."""

import os
import sys
from typing import Any

import typer

_shown: list[Any] = []
"""The bar of the command that runs, once it has taken a step."""


def step(name: str, total: int | None = None) -> None:
    """Begin a step of so many parts, if they can be counted.

    Elsewhere than on a terminal it is a line, so that logs stay readable.
    """
    if not sys.stderr.isatty():
        typer.echo(f"{name} ...", err=True)
        return
    if not _shown:
        from rich import progress
        from rich.console import Console

        columns = (progress.TextColumn("{task.description}"), progress.BarColumn())
        bar = progress.Progress(
            *columns,
            progress.TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
        )
        bar.add_task(name, total=total)
        bar.start()
        _shown.append(bar)
    _shown[0].update(_shown[0].task_ids[0], description=name, total=total, completed=0)


def alone() -> None:
    """Leave out the bars of single steps, such as that of the training, beside that of commands."""
    if sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported, which no command has yet


def advance() -> None:
    """Count a part of the step as done."""
    for bar in _shown:
        bar.advance(bar.task_ids[0])


def done() -> None:
    """Take the bar away, before results are shown."""
    while _shown:
        _shown.pop().stop()
