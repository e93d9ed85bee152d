"""A service, and its memory: serve, forget."""

from pathlib import Path
from typing import Annotated

import typer

from coupon_rec.commands import shared
from coupon_rec.commands.shared import setting

EventLogPath = Annotated[Path | None, setting("LOG")]
DecisionFolder = Annotated[Path | None, setting("DECISIONS")]
PseudonymKey = Annotated[str, setting("PSEUDONYM_KEY")]
Redis = Annotated[str, setting("REDIS")]
ENOUGH = 0.2
"""Share of exploring answers from which intervals hold about as often as they say: chapter 13."""


def serve(
    bundle: Path,
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    log: EventLogPath = None,
    decisions: DecisionFolder = None,
    pseudonym_key: PseudonymKey = "",
    redis: Redis = "",
    api_key: Annotated[str, setting("API_KEY")] = "",
    operator_key: Annotated[str, setting("OPERATOR_KEY")] = "",
    proxy: Annotated[str, typer.Option("--forwarded-allow-ips", envvar="FORWARDED_ALLOW_IPS")] = "",
    open_to_all: Annotated[bool, typer.Option("--open", envvar="COUPON_REC_OPEN")] = False,
    rate: Annotated[float, setting("RATE", min=0)] = 0.0,
    users_per_client: Annotated[float, setting("USERS_PER_CLIENT", min=0)] = 0.0,
    asks_per_user: Annotated[float, setting("ASKS_PER_USER", min=0)] = 0.0,
    margin: shared.Margin = 0.25,
    incremental: shared.Incremental = 0.5,
    retailer_match: shared.RetailerMatch = 0.17,
    contact: shared.Contact = 0.005,
    explore: Annotated[float, setting("EXPLORE", min=0, max=1)] = 0.0,
    explore_floor: Annotated[float, setting("EXPLORE_FLOOR", min=0, max=1)] = 0.01,
    explore_seed: Annotated[int | None, setting("EXPLORE_SEED", min=0)] = None,
    trial: Annotated[Path | None, setting("TRIAL")] = None,
    canary: Annotated[float, setting("CANARY", min=0, max=1)] = 0.0,
) -> None:
    """Answer requests for coupons and items over HTTP, until Ctrl-C or SIGTERM.

    Before an open network it wants a proxy, which limits connections: deploy/nginx.conf.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port to listen on; 0 for any free one.
    api_key
        What requests must carry; several, separated by commas, for several clients. Better set in
        the environment.
    operator_key
        What /v1/reload, /v1/reviews and /metrics need; any client's key does if there is none.
    proxy
        Addresses or networks of the proxy whose X-Forwarded-For names the client.
    open_to_all
        Let anyone in, without --api-key, where other machines reach the address.
    rate
        Requests a second from one address.
    users_per_client
        Users about whom one client (a key, or an address) may ask in an hour.
    asks_per_user
        How often one client may ask about one user an hour.
    explore
        Share of the answers whose coupons are drawn, so that `value` can judge other policies from
        the decisions; 0 for none. Of a small share the intervals of `value` are too narrow: below
        0.2 they hold the truth less often than they say (chapter 13).
    explore_floor
        Least chance of a coupon that can be drawn; at most --explore.
    explore_seed
        Of the draws, for tests.
    trial
        A second bundle, of the same day: a shadow that scores the same requests and is recorded, or
        with --canary one that answers.
    canary
        Share of the users, drawn by a hash, whom --trial answers.
    """
    from coupon_rec.decisions import Economics
    from coupon_rec.serving.exploring import Exploring
    from coupon_rec.serving.http.server import serve as run
    from coupon_rec.serving.http.settings import Settings

    settings = Settings(
        log,
        redis,
        api_key,
        rate,
        decisions,
        pseudonym_key,
        Economics(margin, incremental, retailer_match, contact),
        explore=explore,
        explore_floor=explore_floor,
        explore_seed=explore_seed,
        trial=trial,
        canary=canary,
        users_per_client=users_per_client,
        asks_per_user=asks_per_user,
        operator_key=operator_key,
        proxy=proxy,
        open=open_to_all,
    )
    if explore:
        Exploring(explore, explore_floor)  # refuses what no service can do
    if 0 < explore < ENOUGH:
        shared.say(
            f"--explore {explore:g} is little: the intervals of `value` will be too narrow until "
            f"many answers have been explored; from {ENOUGH:g} on they hold nearly as they say"
        )
    run(bundle, host, port, settings)


def forget(
    users: Annotated[list[str], typer.Argument(metavar="USER...")],
    bundle: Annotated[list[Path], typer.Option(exists=True)],
    log: EventLogPath = None,
    decisions: DecisionFolder = None,
    pseudonym_key: PseudonymKey = "",
    redis: Redis = "",
    dialogues: shared.GivenFile = None,
) -> None:
    """Remove people from every file of a service that is stopped, and say what is due.

    Name the files, and all secrets that pseudonyms were made with, as for `serve`.

    Parameters
    ----------
    users
        Whom to forget.
    bundle
        The bundle that is served, or a registry; further ones may follow.
    dialogues
        Database of dialogues; as --log of `assistant`.
    """
    from coupon_rec.assistant import DialogueLog
    from coupon_rec.serving.forgetting import forget as remove

    done = remove(users, bundle, log=log, decisions=decisions, key=pseudonym_key, redis=redis)
    rows = sum(done.snapshot.values())
    typer.echo(
        f"removed {done.events} events, {done.decisions} answers and outcomes, and {rows} rows of "
        f"{len(done.snapshot)} snapshot{'s' * (len(done.snapshot) != 1)}"
    )
    if dialogues:
        kept = DialogueLog(dialogues, pseudonym_key)
        typer.echo(f"removed {sum(kept.forget(user) for user in users)} turns of dialogues")
    for words in done.due:
        typer.echo(f"due: {words}")
