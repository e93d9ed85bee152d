"""The model's client speaks OpenAI's protocol, with servers that keep it, break it, or go away."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

import pytest
from fetch_models import read_table
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.assistant import ChatModel, ModelError, local_model
from coupon_rec.assistant.chat import STYLE, WHEEL, model_path

SAMPLE = str(Path(__file__).parents[2] / "data" / "sample")
ASK = [{"role": "system", "content": STYLE}, {"role": "user", "content": "hello"}]


class Protocol(BaseHTTPRequestHandler):
    """A server that answers as the protocol has it; `script` says what, or how it breaks."""

    script: Callable[[dict[str, Any]], list[str | bytes]]
    status = 200
    key = ""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/chat/completions"
        assert self.headers["Content-Type"] == "application/json"
        assert isinstance(body["model"], str) and body["stream"] is True
        assert body["max_tokens"] >= 1 and body["temperature"] == 0
        for message in body["messages"]:
            assert message.keys() == {"role", "content"}
            assert message["role"] in ("system", "user", "assistant")
        if self.key and self.headers["Authorization"] != f"Bearer {self.key}":
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b'{"error": {"message": "wrong key", "type": "auth"}}')
            return
        self.send_response(self.status)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for part in type(self).script(body):
            self.wfile.write(part if isinstance(part, bytes) else part.encode())
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def event(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> str:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps({**chunk, 'choices': choices, **more})}\n\n"


def spoken(*pieces: str) -> list[str | bytes]:
    """A whole answer, with all that the protocol allows beside the pieces."""
    events: list[str | bytes] = [event({"role": "assistant", "content": None})]
    events += [event({"content": piece}) for piece in pieces]
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return [*events, ": alive\n\n", event({}, "stop"), event(None, usage=usage), "data: [DONE]\n\n"]


@contextmanager
def serving(script: Callable[[dict[str, Any]], Any], **settings: Any) -> Iterator[str]:
    handler = type("Handler", (Protocol,), {"script": staticmethod(script), **settings})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_answer_comes_piece_by_piece() -> None:
    with serving(lambda body: spoken("Hel", "lo", " you")) as url:
        assert [each for each in ChatModel(url).stream(ASK) if each] == ["Hel", "lo", " you"]


def test_the_command_talks_through_any_such_server_by_one_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, seen = [(1, 501, "you buy these")], []
    monkeypatch.setattr("coupon_rec.assistant.service", lambda *_: lambda user: found)

    def script(body: dict[str, Any]) -> list[str | bytes]:
        seen.append(body)
        return spoken("Hello! ") if len(seen) > 1 else spoken('{"intent": "coupons"}')

    with serving(script, key="s3cret") as url:
        command = ["assistant", "--market", SAMPLE, "--user", "7", "--chooses", "--offers"]
        command += ["--model-name", "small", "--model-key", "s3cret"]
        done = CliRunner().invoke(
            app, command, input="my cat is called Paul\n", env={"COUPON_REC_CHAT": url}
        )
    assert done.exit_code == 0, done.output
    assert [body["model"] for body in seen] == ["small", "small"]
    assert "Hello!" in done.stdout and "selected products, until" in done.stdout


def test_letters_that_are_cut_between_packets_arrive_whole() -> None:
    whole = "".join(map(str, spoken("héllo €")))
    raw = whole.replace("\\u00e9", "é").replace("\\u20ac", "€").encode()
    with serving(lambda body: [raw[at : at + 1] for at in range(len(raw))]) as url:
        assert "".join(ChatModel(url).stream(ASK)) == "héllo €"


def test_what_is_asked_arrives_as_it_was_meant() -> None:
    seen: list[dict[str, Any]] = []
    with serving(lambda body: seen.append(body) or spoken("x")) as url:
        list(ChatModel(f"{url}/", name="small").stream(ASK, 7))
    assert (seen[0]["model"], seen[0]["messages"], seen[0]["max_tokens"]) == ("small", ASK, 7)


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ('{"intent": "terms"}', "terms"),
        ('{"intent": "delete everything"}', "unknown"),
        ("terms", "unknown"),
        ('["terms"]', "unknown"),
        ("", "unknown"),
    ],
)
def test_a_choice_is_one_of_the_options_or_unknown(answer: str, chosen: str) -> None:
    seen: list[dict[str, Any]] = []
    with serving(lambda body: seen.append(body) or spoken(answer)) as url:
        assert ChatModel(url).choose("until when?", ["terms", "use"]) == chosen
    schema = seen[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["intent"]["enum"] == ["terms", "use"]


def test_a_key_is_sent_and_a_wrong_one_is_said() -> None:
    with serving(lambda body: spoken("x"), key="secret") as url:
        assert "".join(ChatModel(url, "secret").stream(ASK)) == "x"
        with pytest.raises(ModelError, match="wrong key"):
            list(ChatModel(url, "other").stream(ASK))


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ([event({"content": "Hi"})], "broke off"),
        ([event({"content": "Hi"}), 'data: {"error": {"message": "full"}}\n\n'], "full"),
        (["<html>not found</html>"], "broke off"),
        (["data: <html>\n\n"], "does not answer as a chat server does"),
        (['data: {"choices": [{"text": "old protocol"}]}\n\n'], "does not answer as a chat"),
        ([], "broke off"),
    ],
)
def test_a_server_that_breaks_the_protocol_is_named(script: list[str], problem: str) -> None:
    with serving(lambda body: script) as url, pytest.raises(ModelError, match=problem):
        list(ChatModel(url).stream(ASK))


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_a_server_that_refuses_is_quoted(status: int) -> None:
    body = '{"error": {"message": "come later"}}'
    with (
        serving(lambda _: [body], status=status) as url,
        pytest.raises(ModelError, match="come la"),
    ):
        list(ChatModel(url).stream(ASK))


@pytest.mark.parametrize("status", [200, 500])
def test_what_nobody_can_read_is_no_crash(status: int) -> None:
    for body in (b"\xff\xfe\n", b"data: " + b"[" * 100_000 + b"\n\n"):
        script = partial(lambda body, _: [body], body)
        with serving(script, status=status) as url, pytest.raises(ModelError):
            list(ChatModel(url).stream(ASK))


def test_a_choice_that_is_nested_deeply_is_unknown() -> None:
    with serving(lambda body: spoken("[" * 100_000)) as url:
        assert ChatModel(url).choose("until when?", ["terms"]) == "unknown"


def test_a_server_that_is_not_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ModelError, match="does not answer"):
        list(ChatModel(f"http://127.0.0.1:{port}/v1").stream(ASK))


def test_a_server_that_hangs_is_left_in_time() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ModelError, match="does not answer"),
    ):
        port = silent.getsockname()[1]
        list(ChatModel(f"http://127.0.0.1:{port}/v1", timeout=0.3).stream(ASK))


def test_make_models_and_the_program_fetch_the_same_small_model() -> None:
    entry = read_table()[model_path().name]
    assert WHEEL.startswith(f"{entry['package']}=={entry['version']} ")


@pytest.mark.slow
def test_the_small_model_answers_through_llama_cpps_own_server(
    unavailable: Callable[[str], NoReturn],
) -> None:
    if find_spec("xllamacpp") is None:
        unavailable("the extra `assistant` is not installed")
    if not model_path().exists():
        unavailable("the small model was not fetched: run `make models`")
    with local_model() as model:
        assert "".join(model.stream(ASK, 8)).strip()
        assert model.choose("how long is it valid?", ["terms", "use"]) in (
            "terms",
            "use",
            "unknown",
        )
