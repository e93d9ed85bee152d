"""Listen to what people say, and ring when it gets worse."""

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from coupon_rec.commands.shared import say

if TYPE_CHECKING:
    from coupon_rec.listening import Errors, Labels


def listen(
    source: Annotated[
        str,
        typer.Argument(
            help="JSON lines with time and text (and topic, rating, if known): a file, a folder "
            "of *.jsonl, or - for a pipe; the address of a service, for its reviews; or, with "
            "--reviews, the folder or URI of a market."
        ),
    ],
    memory: Annotated[
        Path, typer.Option(help="File that remembers the place, the sums and the alerts.")
    ] = Path("listening.sqlite"),
    reviews: Annotated[
        bool, typer.Option("--reviews", help="Listen to the stars of a market's reviews.")
    ] = False,
    market: Annotated[
        str | None,
        typer.Option(help="Folder or URI of the market whose items a service's reviews name."),
    ] = None,
    operator_key: Annotated[
        str,
        typer.Option(
            help="That service's key for its operator; any client's, if it has none for one.",
            envvar="COUPON_REC_OPERATOR_KEY",
        ),
    ] = "",
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Labeled sentences (CSV: text, topic, sentiment; of a column half, the rows "
            "`repair` teach and the rows `judge` count the errors)."
        ),
    ] = None,
    hook: Annotated[
        str | None,
        typer.Option(help="Address that each alert is posted to.", envvar="COUPON_REC_ALERT_HOOK"),
    ] = None,
    days: Annotated[
        int, typer.Option(help="Days at the beginning that say what is usual.", min=14)
    ] = 84,
    rate: Annotated[
        float,
        typer.Option(help="False alarms in four weeks, all topics together.", min=0.01, max=2),
    ] = 1.0,
    growth: Annotated[
        float, typer.Option(help="Tuned to so many times as many negative opinions.", min=1.01)
    ] = 2.0,
    cooldown: Annotated[
        int, typer.Option(help="Hours of silence of a topic after an alert.", min=0)
    ] = 24,
    follow: Annotated[
        float, typer.Option(help="Look for more every so many seconds; 0 to end.", min=0)
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the quiet weeks that set the thresholds.")] = 0,
) -> None:
    """Learn what is usual of each topic, then alert when its talk gets worse.

    Each new alert is a line of JSON with its evidence. A run goes on where the last one ended, even
    if that was killed; the first run's --days, --rate, --growth, --cooldown and --seed stay.
    """
    from coupon_rec.listening import (
        Alert,
        Errors,
        Listener,
        SourceError,
        read_lines,
        read_reviews,
        read_service,
    )
    from coupon_rec.listening import listen as run
    from coupon_rec.outgoing import hook as web_hook

    of_service = source.startswith(("http://", "https://"))
    if follow and (source == "-" or reviews):
        raise typer.BadParameter("--follow is for what can be read again: no pipe, no --reviews")
    if reviews and of_service:
        raise typer.BadParameter("--reviews is for a market; a service is asked for them anyway")
    if market and not of_service:
        raise typer.BadParameter("--market goes with the address of a service")
    send = web_hook(hook) if hook else None

    def tell(words: str) -> None:
        with suppress(OSError):  # nobody reads it, and there is more to do
            say(words)

    def deliver(alert: Alert) -> None:
        if send:
            send(asdict(alert))
        try:
            _print(json.dumps(asdict(alert)))
        except OSError as error:
            if not send:
                raise SourceError(f"standard output takes no alert ({error})") from error
            tell(f"standard output takes no alert ({error}): they go to the hook alone")

    sentences, errors = _learned(labels) if labels else (None, Errors())
    listener = Listener(errors, days=days, rate=rate, growth=growth, cooldown=cooldown, seed=seed)
    read = partial(read_reviews if reviews else read_lines, source)
    if of_service:
        read = partial(read_service, source, market=market, key=operator_key)
    alerts = run(read, memory, listener, labels=sentences, deliver=deliver, say=tell, follow=follow)
    tell(f"{len(alerts)} alerts so far, in {memory}")


def _learned(path: Path) -> "tuple[Labels, Errors]":
    """Labels from one half of the sentences of a file, and their errors from the other."""
    from coupon_rec.listening.labels import Errors, Labels, lexicon, negatives_of

    sentences = pd.read_csv(path)
    if "half" not in sentences:
        raise ValueError(
            f"{path} has no column half: write `repair` for rows to learn from, and `judge` "
            "for those that count the errors"
        )
    if missing := {"repair", "judge"} - {*sentences["half"]}:
        raise ValueError(f"{path} has no row with `{min(missing)}` in its column half")
    labels = Labels(sentences[sentences["half"] == "repair"], lexicon)
    judge = sentences[sentences["half"] == "judge"]
    return labels, Errors.of(labels.called(judge["text"].tolist()), negatives_of(judge))


def _print(line: str) -> None:
    if sys.stdout is None:
        raise OSError("it is closed")
    try:
        typer.echo(line)
    except OSError:  # what its buffer holds would be written again with each alert to come
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
