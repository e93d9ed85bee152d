"""A service, and its memory: serve, forget."""

from pathlib import Path
from typing import Annotated

import typer

from coupon_rec.commands.shared import Contact, Incremental, Margin, RetailerMatch, say


def serve(
    bundle: Annotated[Path, typer.Argument(help="A bundle, as `export` writes it.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 for any free one.", min=0, max=65535)
    ] = 8000,
    log: Annotated[
        Path | None,
        typer.Option(help="Log of events; BUNDLE.events if left out.", envvar="COUPON_REC_LOG"),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(
            help="Folder that records answers and what followed; BUNDLE.decisions if left out, "
            '"none" for none.',
            envvar="COUPON_REC_DECISIONS",
        ),
    ] = None,
    pseudonym_key: Annotated[
        str,
        typer.Option(
            help="Secret of coupon_rec.privacy.new_key() under which people have pseudonyms in "
            "that folder; after a rotation the new and the old ones, separated by commas. Better "
            "set in the environment: options are shown by `ps`.",
            envvar="COUPON_REC_PSEUDONYM_KEY",
        ),
    ] = "",
    redis: Annotated[
        str,
        typer.Option(help="Redis that replicas share.", envvar="COUPON_REC_REDIS"),
    ] = "",
    api_key: Annotated[
        str,
        typer.Option(
            help="What requests must carry; several, separated by commas, for several clients. "
            "Better set in the environment.",
            envvar="COUPON_REC_API_KEY",
        ),
    ] = "",
    operator_key: Annotated[
        str,
        typer.Option(
            help="What /v1/reload, /v1/reviews and /metrics need; any client's key does if there "
            "is none.",
            envvar="COUPON_REC_OPERATOR_KEY",
        ),
    ] = "",
    proxy: Annotated[
        str,
        typer.Option(
            "--forwarded-allow-ips",
            help="Addresses or networks of the proxy whose X-Forwarded-For names the client.",
            envvar="FORWARDED_ALLOW_IPS",
        ),
    ] = "",
    open_to_all: Annotated[
        bool,
        typer.Option(
            "--open",
            help="Let anyone in, without --api-key, where other machines reach the address.",
            envvar="COUPON_REC_OPEN",
        ),
    ] = False,
    rate: Annotated[
        float,
        typer.Option(help="Requests a second from one address.", envvar="COUPON_REC_RATE", min=0),
    ] = 0.0,
    users_per_client: Annotated[
        float,
        typer.Option(
            help="Users about whom one client (a key, or an address) may ask in an hour.",
            envvar="COUPON_REC_USERS_PER_CLIENT",
            min=0,
        ),
    ] = 0.0,
    asks_per_user: Annotated[
        float,
        typer.Option(
            help="How often one client may ask about one user in an hour.",
            envvar="COUPON_REC_ASKS_PER_USER",
            min=0,
        ),
    ] = 0.0,
    margin: Margin = 0.25,
    incremental: Incremental = 0.5,
    retailer_match: RetailerMatch = 0.17,
    contact: Contact = 0.005,
    explore: Annotated[
        float,
        typer.Option(
            help="Share of the answers whose coupons are drawn, so that `value` can judge other "
            "policies from the decisions; 0 for none.",
            envvar="COUPON_REC_EXPLORE",
            min=0,
            max=1,
        ),
    ] = 0.0,
    explore_floor: Annotated[
        float,
        typer.Option(
            help="Least chance of a coupon that can be drawn; at most --explore.",
            envvar="COUPON_REC_EXPLORE_FLOOR",
            min=0,
            max=1,
        ),
    ] = 0.01,
    explore_seed: Annotated[
        int | None,
        typer.Option(help="Of the draws, for tests.", envvar="COUPON_REC_EXPLORE_SEED", min=0),
    ] = None,
    trial: Annotated[
        Path | None,
        typer.Option(
            help="A second bundle, of the same day: a shadow that scores the same requests and is "
            "recorded, or with --canary one that answers.",
            envvar="COUPON_REC_TRIAL",
        ),
    ] = None,
    canary: Annotated[
        float,
        typer.Option(
            help="Share of the users, drawn by a hash, whom --trial answers.",
            envvar="COUPON_REC_CANARY",
            min=0,
            max=1,
        ),
    ] = 0.0,
) -> None:
    """Answer requests for coupons and items over HTTP, until Ctrl-C or SIGTERM.

    Before an open network it wants a proxy, which limits connections: deploy/nginx.conf.
    """
    from coupon_rec.decisions import Economics
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
    say("before an open network, put a proxy in front: deploy/nginx.conf limits connections")
    run(bundle, host, port, settings)


def forget(
    users: Annotated[list[str], typer.Argument(help="Whom to forget.", metavar="USER...")],
    bundle: Annotated[
        list[Path],
        typer.Option(
            help="The bundle that is served, or a registry; further ones may follow.", exists=True
        ),
    ],
    log: Annotated[
        Path | None,
        typer.Option(help="Log of events; as for `serve`.", envvar="COUPON_REC_LOG"),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(help="Folder of answers; as for `serve`.", envvar="COUPON_REC_DECISIONS"),
    ] = None,
    pseudonym_key: Annotated[
        str,
        typer.Option(
            help="All secrets that pseudonyms were made with, separated by commas.",
            envvar="COUPON_REC_PSEUDONYM_KEY",
        ),
    ] = "",
    redis: Annotated[
        str, typer.Option(help="Redis that replicas share.", envvar="COUPON_REC_REDIS")
    ] = "",
    dialogues: Annotated[
        Path | None,
        typer.Option(help="Database of dialogues; as --log of `assistant`.", exists=True),
    ] = None,
) -> None:
    """Remove people from every file of a service that is stopped, and say what is due."""
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
