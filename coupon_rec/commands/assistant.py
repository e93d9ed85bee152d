"""A conversation about coupons: in the terminal, over HTTP, or its tools over MCP."""

import asyncio
import gc
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from coupon_rec.commands.shared import market_of, say, setting

if TYPE_CHECKING:
    from coupon_rec.assistant import Assistant
    from coupon_rec.assistant.talking import Open
    from coupon_rec.content import Ear
    from coupon_rec.serving.http.settings import Settings

NEEDS: Final = {
    "speech": ("port",),
    "host": ("port",),
    "api_key": ("port",),
    "to_all": ("port",),
    "keep": ("log",),
    "forget": ("log",),
    "pseudonym_key": ("log", "hook"),
}
"""What does nothing without one of some other settings."""
OVER_MCP: Final = ("market", "user", "mcp", "service", "service_key", "time", "currency", "names")
"""What the tools over MCP need; everything else belongs to conversations."""


def _text(value: str | None) -> str | None:
    """Refuse what is no UTF-8: halves of characters, as Python reads the bytes of an argument."""
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise typer.BadParameter("write the customer's name in UTF-8") from None
    return value


def assistant(
    context: typer.Context,
    service: Annotated[str, setting("SERVICE")] = "http://127.0.0.1:8000",
    market: str | None = None,
    user: Annotated[str, typer.Option(callback=_text)] = "",
    port: Annotated[int | None, typer.Option(min=0, max=65535)] = None,
    host: str = "127.0.0.1",
    speech: Annotated[bool, typer.Option("--speech")] = False,
    mcp: bool = False,
    offers: bool = False,
    currency: str = "",
    names: Path | None = None,
    list_names: Annotated[bool, typer.Option("--list-names")] = False,
    use: str = "",
    hook: Annotated[str, setting("HANDOVER_HOOK")] = "",
    time: datetime | None = None,
    log: Path | None = None,
    keep: Annotated[int | None, typer.Option(min=1, max=36500)] = None,
    pseudonym_key: Annotated[str, setting("PSEUDONYM_KEY")] = "",
    forget: Annotated[str | None, typer.Option(callback=_text)] = None,
    api_key: Annotated[str, setting("API_KEY")] = "",
    to_all: Annotated[bool, typer.Option("--open")] = False,
    service_key: Annotated[str, setting("SERVICE_KEY")] = "",
) -> None:
    """Talk about coupons: what a customer has, how to use it, and why.

    Parameters
    ----------
    service
        Address of a running `serve`.
    user
        Whose conversation it is, in the terminal and over MCP.
    port
        Answer over HTTP on this port; 0 for any free one.
    host
        Address to listen on.
    speech
        With --port: hear recordings of requests for the released names, too. What sounds like a
        request may be taken for one: have the customer confirm what was heard.
    mcp
        Offer the tools alone, by MCP over standard input and output.
    offers
        Offer unasked, when the defaults of `Customers` say that it pays.
    currency
        What stands before an amount, such as "$".
    names
        Product names that somebody has read and released, one a line (UTF-8); what is not among
        them is shown by its category or department, or as selected products.
    list_names
        Print the market's names for such a file, for you to read and to delete from, and do nothing
        else.
    use
        Answer to "how do I use it?"; that of `Assistant` if left out.
    hook
        Address that is posted what a person should see; if left out, nobody takes over, and
        customers are told so.
    time
        The time of the shop; now, if left out.
    log
        Database of the dialogues; none is kept if left out.
    keep
        Remove older turns from that log, at the start and with new conversations, at most every ten
        minutes: days.
    pseudonym_key
        Keys of people in that log and at the hook.
    forget
        Remove this user from the log, and do nothing else.
    api_key
        What requests must carry.
    to_all
        Answer on any address without a key, too.
    service_key
        Key of the service.
    """
    from coupon_rec.assistant import (
        Assistant,
        Catalog,
        Customers,
        DialogueLog,
        Tools,
        hand_to,
        hear,
        mcp_server,
        names_to_read,
    )
    from coupon_rec.assistant import service as service_at
    from coupon_rec.assistant.talking import SAYS
    from coupon_rec.serving.http.server import check_closed, check_free
    from coupon_rec.serving.http.settings import Settings

    if list_names and forget is not None:
        raise typer.BadParameter("ask for one thing at a time", param_hint="--list-names")
    if list_names:
        typer.echo("\n".join(names_to_read(market_of(market))))
        return
    _check_needs(context, mcp=mcp)
    if forget is not None:
        _forget(forget, log, pseudonym_key)
        return
    _check_user(user, port, mcp=mcp)
    settings = Settings(api_key=api_key, open=to_all)
    if port is not None:
        check_closed(host, settings)
        check_free(host, port)
    recommend = service_at(service, service_key, time)
    catalog = Catalog.of_market(market_of(market), currency, _names(names))
    if mcp:
        mcp_server(Tools(user, recommend, catalog)).run("stdio")
        return
    dialogues = DialogueLog(log, pseudonym_key, keep) if log else None
    desk = hand_to(hook, pseudonym_key) if hook else None
    customers = Customers() if offers else None

    def begin(user_id: int | str) -> Assistant:
        mine = Tools(user_id, recommend, catalog)
        return Assistant(mine, customers, log=dialogues, hand_over=desk, use=use or SAYS["use"])

    hear("hello")  # which learns, before a customer waits for it
    _end_as_on_ctrl_c()
    if port is None:
        _talk(begin(user))
    else:
        _serve(begin, host, port, settings, _ear(catalog.products) if speech else None)


def _forget(user: str, log: Path | None, key: str) -> None:
    """Remove a customer from the log."""
    from coupon_rec.assistant import DialogueLog

    if not (user and log and log.exists()):
        problem = "name a customer, and a log that is there, with --log"
        raise typer.BadParameter(problem, param_hint="--forget")
    removed = DialogueLog(log, key).forget(user)
    nobody = "" if removed else ": under the keys that you gave, nobody of this name is there"
    typer.echo(f"removed {removed} turns{nobody}")


def _check_user(user: str, port: int | None, *, mcp: bool) -> None:
    """See that one customer is named, or that each message names its own."""
    problem = ""
    if mcp and not user:
        problem = "name the customer"
    elif not user and port is None:
        problem = "name the customer, or a port to answer over HTTP with --port"
    elif user and port is not None:
        problem = "over HTTP each message names its customer: leave it out"
    if problem:
        raise typer.BadParameter(problem, param_hint="--user")


def _serve(begin: "Open", host: str, port: int, settings: "Settings", ear: "Ear | None") -> None:
    """Answer over HTTP until SIGTERM or Ctrl-C, then finish what is in flight."""
    import uvicorn

    from coupon_rec.assistant import create_app
    from coupon_rec.serving.http.server import GRACE, KEEP_ALIVE

    app = create_app(begin, settings, ear)
    gc.collect()
    gc.freeze()  # a collector that looks through all of it again makes customers wait
    uvicorn.run(
        app,
        host=host,
        port=port,
        ws="none",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )


def _check_needs(context: typer.Context, *, mcp: bool) -> None:
    """Refuse settings that would do nothing."""
    for option in context.command.params:
        name, source = str(option.name), context.get_parameter_source(str(option.name))
        if not source or source.name != "COMMANDLINE":
            continue
        problem, needed = "", NEEDS.get(name, ())
        if mcp and name not in OVER_MCP:
            problem = "the tools over MCP have no use for it: leave it out"
        elif needed and all(context.params[other] in (None, "") for other in needed):
            others = " or ".join(f"--{other}" for other in needed)
            problem = f"it does nothing without {others}: name that too, or leave it out"
        if problem:
            raise typer.BadParameter(problem, param_hint=option.opts[0])


def _ear(products: Sequence[str]) -> "Ear":
    from coupon_rec.assistant.hearing import plain
    from coupon_rec.content import Ear

    if not products:
        raise typer.BadParameter("release names to be heard with --names", param_hint="--speech")
    ear = Ear([plain(product) for product in products])
    if ear.unknown:
        names = ", ".join(ear.unknown)
        say(f"these cannot be heard, since the dictionary lacks one of their words: {names}")
    return ear


def _names(path: Path | None) -> list[str]:
    """Read the names that somebody has released."""
    if path is None:
        say("every product is called selected products: release names of theirs with --names")
        return []
    try:
        names = [line.strip() for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeError) as error:
        problem = f"{path} cannot be read ({error})"
    else:
        if names:
            return names
        problem = f"{path} has no names"
    advice = "write it with --list-names, and delete what may promise anything"
    raise typer.BadParameter(f"{problem}: {advice}", param_hint="--names")


def _end_as_on_ctrl_c() -> None:
    """End on SIGTERM, and on a closed window, so that what is being said is logged.

    Signals that are ignored, as SIGHUP is under `nohup`, stay so.
    """

    def end(*_: object) -> None:
        on_ctrl_c = signal.getsignal(signal.SIGINT)  # of asyncio or uvicorn, while they run
        if not callable(on_ctrl_c):
            raise KeyboardInterrupt
        on_ctrl_c(signal.SIGINT, None)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)


def _talk(assistant: "Assistant") -> None:
    """Talk in the terminal until the customer says nothing, or the input ends."""
    from coupon_rec.assistant.intents import MAX_LETTERS

    if None in (sys.stdin, sys.stdout):
        problem = (
            "a conversation needs standard input and output: leave both open, or name a --port"
        )
        raise typer.BadParameter(problem, param_hint="--user")
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    while words := _said():
        if len(words) > MAX_LETTERS:
            typer.echo(f"Please write at most {MAX_LETTERS} letters at a time.")
        else:
            typer.echo(asyncio.run(assistant.answer(words)).reply)


def _said() -> str:
    try:
        return input("> ").strip()
    except EOFError:
        return ""
