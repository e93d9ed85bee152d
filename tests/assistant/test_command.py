"""`assistant` says only names that were released, keeps turns for their days, and hands over."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.assistant import DialogueLog, Turn
from coupon_rec.assistant.talking import ALONE, SAYS
from coupon_rec.market import Market
from coupon_rec.serving.http.server import GRACE

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(autouse=True)
def recommended(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that recommends one coupon of the sample, loaded once, to everybody."""
    found = [(1, 501, "you buy these")]
    monkeypatch.setattr("coupon_rec.commands.assistant.market_of", lambda _: market)
    monkeypatch.setattr("coupon_rec.assistant.service", lambda *_: lambda user: found)


@pytest.fixture(autouse=True)
def hangs_up() -> Iterator[None]:
    """A closed window and Ctrl-C end the program, even under `nohup` or in the background."""
    usual = {
        signal.SIGHUP: signal.SIG_DFL,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGINT: signal.default_int_handler,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run(*options: object, said: str = "") -> tuple[int, str, str]:
    command = ["assistant", "--market", str(SAMPLE), *map(str, options)]
    done = CliRunner().invoke(app, command, input=said)
    return done.exit_code, done.stdout, " ".join(done.stderr.replace("│", " ").split())


def test_a_product_is_named_only_by_what_somebody_has_released(tmp_path: Path) -> None:
    code, listed, _ = run("--list-names")
    assert code == 0 and listed.splitlines()[:2] == ["drug gm", "grocery"]
    names = tmp_path / "names.txt"
    names.write_text("\ufeff\n" + listed.replace("\n", "\r\n\r\n"), "utf-8")
    asked = ("--user", 7)
    _, out, err = run(*asked, said="coupons?\n")
    assert "selected products, until" in out and "--names" in err
    _, out, err = run(*asked, "--names", names, said="coupons?\n")
    assert any(f" {name}, until" in out for name in listed.splitlines()) and not err
    names.write_text("bananas\n", "utf-8")
    assert "selected products, until" in run(*asked, "--names", names, said="coupons?\n")[1]


def test_recordings_ask_for_released_names() -> None:
    assert "release names to be heard" in run("--port", 0, "--speech")[2]


def test_names_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n \n")
    (tmp_path / "latin").write_bytes("Käse\n".encode("latin-1"))
    (tmp_path / "amount").write_text("2% milk\n")
    for name, problem in (
        ("empty", "has no names"),
        ("latin", "cannot be read"),
        ("nowhere", "cannot be read"),
        ("amount", "'2% milk' cannot be released"),
    ):
        code, _, err = run("--user", 7, "--names", tmp_path / name)
        assert code == 2 and problem in err


def test_turns_are_kept_for_as_long_as_the_command_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talks = tmp_path / "talks"
    log = DialogueLog(talks)
    log.add(7, Turn("d1", "", "", "hello", "rules"))
    log._base.execute("UPDATE turns SET time = '2017-06-01T12:00:00'")
    log._base.commit()
    log.close()
    monkeypatch.setattr("uvicorn.run", lambda app, **_: None)
    assert run("--port", 0, "--log", talks, "--keep", 30)[0] == 0
    assert DialogueLog(talks).rows() == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.parametrize("when", ["asked", "written"])
def test_a_signal_ends_the_terminal_and_leaves_the_turn_in_the_log_once(
    name: str, when: str, tmp_path: Path
) -> None:
    program = f"""
import os, signal, time
from coupon_rec.__main__ import app
from coupon_rec.assistant import DialogueLog

def end(*_):
    os.kill(os.getpid(), signal.{name})
    time.sleep(0.3)
    return []

add = DialogueLog.add
asked = {when == "asked"}
import coupon_rec.assistant
coupon_rec.assistant.service = lambda *_: end if asked else lambda user: []
if not asked:
    DialogueLog.add = lambda *turn: [end(), add(*turn)]
app()
"""
    talks = tmp_path / "talks"
    command = ["assistant", "--market", str(SAMPLE), "--user", "7", "--log", str(talks)]
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        input="any coupons?\nhello\n",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 130, done.stderr
    assert [row["intent"] for row in DialogueLog(talks).rows()] == ["coupons"]


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_a_conversation_with_a_closed_end_is_refused_in_a_line(closed: str) -> None:
    command = f"{sys.executable} -m coupon_rec assistant --market {SAMPLE} --user 7 {closed}"
    done = subprocess.run(["sh", "-c", command], input="hello\n", capture_output=True, text=True)
    assert done.returncode == 2 and "leave both open" in " ".join(done.stderr.split())


def test_over_mcp_too_the_customer_has_to_be_named() -> None:
    code, _, err = run("--mcp")
    assert code == 2 and "name the customer" in err


@pytest.mark.parametrize("unused", [("--port", 0), ("--hook", "http://here"), ("--offers",)])
def test_over_mcp_a_setting_that_only_conversations_use_is_refused(
    unused: tuple[object, ...],
) -> None:
    code, out, err = run("--mcp", "--user", 7, *unused)
    assert code == 2 and not out and f"Invalid value for {unused[0]}: the tools over MCP" in err


def test_over_mcp_what_the_environment_sets_for_conversations_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    server = SimpleNamespace(run=asked.append)
    monkeypatch.setattr("coupon_rec.assistant.mcp_server", lambda tools: server)
    monkeypatch.setenv("COUPON_REC_HANDOVER_HOOK", "http://here")
    assert run("--mcp", "--user", 7)[0] == 0 and asked == ["stdio"]


def test_a_port_that_is_taken_is_told_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = run("--port", taken.getsockname()[1])
    assert code == 2 and "nothing can listen on 127.0.0.1" in err


def test_who_writes_too_much_in_the_terminal_is_told() -> None:
    said = "word " * 801 + "stop"
    assert "at most 4000 letters" in run("--user", 7, said=f"{said}\n")[1]


def test_the_server_finishes_what_is_in_flight_and_writes_no_access_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr("uvicorn.run", lambda app, **settings: asked.append(settings))
    assert run("--port", 0)[0] == 0
    assert asked[0]["timeout_graceful_shutdown"] == GRACE and not asked[0]["access_log"]


def test_bytes_that_are_no_text_end_no_conversation_and_name_nobody() -> None:
    command = ["assistant", "--market", str(SAMPLE), "--user", "7"]
    said = CliRunner().invoke(app, command, input=b"caf\xe9 coupons?\nhello\n")
    assert said.exit_code == 0 and SAYS["hello"] in said.stdout
    code, _, err = run("--user", "caf\udce9")
    assert code == 2 and "in UTF-8" in err


def test_without_a_desk_the_shops_own_words_are_said_and_a_desk_is_an_address() -> None:
    said = "my order is late\nhow do I use it?\n"
    _, out, _ = run("--user", 7, "--use", "Ask us.", said=said)
    assert ALONE["complaint"] in out and "Ask us." in out
    code, _, err = run("--user", 7, "--pseudonym-key", "winter", "--hook", "ftp://here")
    assert code == 2 and "a web hook is an address" in err


@pytest.mark.parametrize(
    ("option", "needed"),
    [
        (("--host", "0.0.0.0"), "--port"),
        (("--open",), "--port"),
        (("--speech",), "--port"),
        (("--keep", 30), "--log"),
        (("--pseudonym-key", "winter"), "--log or --hook"),
    ],
)
def test_what_would_do_nothing_is_refused(option: tuple[object, ...], needed: str) -> None:
    code, out, err = run("--user", 7, *option)
    assert code == 2 and not out and f"it does nothing without {needed}" in err


def test_nobody_is_forgotten_by_an_empty_name(tmp_path: Path) -> None:
    DialogueLog(tmp_path / "talks").close()
    code, _, err = run("--log", tmp_path / "talks", "--forget", "")
    assert code == 2 and "name a customer" in err


def test_a_customer_for_a_port_is_refused_and_nobody_is_forgotten_beside_a_list_of_names(
    tmp_path: Path,
) -> None:
    assert "each message names its customer" in run("--user", 7, "--port", 0)[2]
    code, out, err = run("--list-names", "--log", tmp_path / "talks", "--forget", 7)
    assert code == 2 and not out and "one thing at a time" in err
