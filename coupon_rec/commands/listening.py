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

from coupon_rec.commands.shared import say, setting

if TYPE_CHECKING:
    from coupon_rec.listening import Errors, Labels


def listen(
    source: str,
    memory: Path = Path("listening.sqlite"),
    reviews: Annotated[bool, typer.Option("--reviews")] = False,
    market: str | None = None,
    operator_key: Annotated[str, setting("OPERATOR_KEY")] = "",
    labels: Path | None = None,
    hook: Annotated[str | None, setting("ALERT_HOOK")] = None,
    days: int = 84,
    rate: float = 1.0,
    growth: float = 2.0,
    cooldown: int = 24,
    follow: Annotated[float, typer.Option(min=0)] = 0.0,
    seed: int = 0,
) -> None:
    """Learn what is usual of each topic, then alert when its talk gets worse.

    Each new alert is a line of JSON with its evidence. A run goes on where the last one ended, even
    if that was killed; the first run's --days, --rate, --growth, --cooldown and --seed stay.

    Parameters
    ----------
    source
        JSON lines with time and text (and topic, rating, if known): a file, a folder of *.jsonl, or
        - for a pipe; the address of a service, for its reviews; or, with --reviews, the folder or
        URI of a market.
    memory
        File that remembers the place, the sums and the alerts.
    reviews
        Listen to the stars of a market's reviews.
    market
        Folder or URI of the market whose items a service's reviews name.
    operator_key
        That service's key for its operator; any client's, if it has none for one.
    labels
        Labeled sentences (CSV: text, topic, sentiment; of a column half, the rows `repair` teach
        and the rows `judge` count the errors).
    hook
        Address that each alert is posted to.
    days
        Days at the beginning that say what is usual, 14 or more.
    rate
        False alarms in four weeks, all topics together, 2 at most.
    growth
        Tuned to so many times as many negative opinions, above 1.
    cooldown
        Hours of silence of a topic after an alert.
    follow
        Look for more every so many seconds; 0 to end.
    seed
        Of the quiet weeks that set the thresholds.
    """
    from coupon_rec import listening, outgoing

    of_service = source.startswith(("http://", "https://"))
    if follow and (source == "-" or reviews):
        raise typer.BadParameter("--follow is for what can be read again: no pipe, no --reviews")
    if reviews and of_service:
        raise typer.BadParameter("--reviews is for a market; a service is asked for them anyway")
    if market and not of_service:
        raise typer.BadParameter("--market goes with the address of a service")
    send = outgoing.hook(hook) if hook else None

    def tell(words: str) -> None:
        with suppress(OSError):  # nobody reads it, and there is more to do
            say(words)

    def deliver(alert: listening.Alert) -> None:
        if send:
            send(asdict(alert))
        try:
            typer.echo(json.dumps(asdict(alert)))
        except OSError as error:
            # what its buffer holds would be written again with each alert to come
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not send:
                raise listening.SourceError(f"standard output takes no alert ({error})") from error
            tell(f"standard output takes no alert ({error}): they go to the hook alone")

    if sys.stdout is None and not send:
        raise typer.BadParameter("standard output is closed: name a hook", param_hint="--hook")
    sentences, errors = _learned(labels) if labels else (None, listening.Errors())
    listener = listening.Listener(
        errors, days=days, rate=rate, growth=growth, cooldown=cooldown, seed=seed
    )
    read = partial(listening.read_reviews if reviews else listening.read_lines, source)
    if of_service:
        read = partial(listening.read_service, source, market=market, key=operator_key)
    alerts = listening.listen(
        read, memory, listener, labels=sentences, deliver=deliver, say=tell, follow=follow
    )
    tell(f"{len(alerts)} alerts so far, in {memory}")


def _learned(path: Path) -> "tuple[Labels, Errors]":
    """Labels from one half of the sentences of a file, and their errors from the other."""
    from coupon_rec.listening.labels import Errors, Labels, lexicon, negatives_of

    sentences = pd.read_csv(path)
    halves = sentences.get("half")
    if halves is None or {"repair", "judge"} - {*halves}:
        raise ValueError(
            f"{path} has no column half with `repair` in rows to learn from, and `judge` in those "
            "that count the errors"
        )
    labels, judge = Labels(sentences[halves == "repair"], lexicon), sentences[halves == "judge"]
    return labels, Errors.of(labels.called(judge["text"].tolist()), negatives_of(judge))
