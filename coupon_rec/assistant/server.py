"""The assistant over HTTP, for the shop's own program: nginx before it limits connections."""

import asyncio
import json
from base64 import b64decode
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from coupon_rec.assistant.intents import MAX_LETTERS
from coupon_rec.assistant.log import Turn
from coupon_rec.assistant.talking import Assistant, Open
from coupon_rec.serving.http.api_models import Id
from coupon_rec.serving.http.errors import Refused, described, handle
from coupon_rec.serving.http.guard import RequestGuard
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import Settings

if TYPE_CHECKING:
    from coupon_rec.content import Ear

MAX_OPEN: Final = 10_000
"""Conversations that are kept; beyond them, the one that was silent longest is forgotten."""
MAX_AT_WORK: Final = 200
"""Messages that are being answered, or wait for it."""
MAX_IN_A_ROW: Final = 6
"""Those of one conversation."""
MAX_RECORDINGS: Final = 20
"""Recordings that are being heard, or wait for it."""


class Message(BaseModel):
    """What a customer says, sent by the shop's own program, which knows who they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    user_id: Id
    words: Annotated[str, Field(max_length=MAX_LETTERS)] = ""
    recording: Annotated[
        str | None,
        Field(
            description="Instead of words: a WAV file in Base64, of 16,000 samples a second, 16 "
            "bits and one channel, at most 15 seconds."
        ),
    ] = None
    dialogue: Annotated[
        str, Field(max_length=64, description="Of an answer; empty for a new one.")
    ] = ""


def _decoded(recording: str) -> bytes:
    try:
        return b64decode(recording, validate=True)
    except ValueError:
        raise ValueError("send a WAV file in Base64, with + and / and nothing else") from None


class Conversations:
    """The open conversations, each of one customer, and what is at work for them."""

    def __init__(self, begin: Open, ear: "Ear | None") -> None:
        self._begin, self._ear = begin, ear
        self._open = OrderedDict[str, Assistant]()
        self._turns: dict[asyncio.Task[Turn], Assistant] = {}
        self._hears_one, self._recordings = asyncio.Lock(), 0

    def find(self, message: Message) -> Assistant:
        """Begin a conversation, or go on with the customer's own."""
        if not message.dialogue:
            return self._begin(message.user_id)
        talk = self._open.get(message.dialogue)
        if talk is None or str(talk.tools.user_id) != str(message.user_id):
            problem = "this customer has no such conversation: leave `dialogue` out to begin one"
            raise Refused(404, problem, field="dialogue")
        return talk

    async def words_of(self, recording: str) -> str:
        """Give what is said in a recording: one is heard at a time, and a few may wait."""
        if self._ear is None:
            raise Refused(422, "no recordings are heard here, only words", field="recording")
        if self._recordings >= MAX_RECORDINGS:
            raise Refused(503, "too many recordings wait: write, or try again", wait=2)
        self._recordings += 1
        try:
            sound = _decoded(recording)
            async with self._hears_one:
                return await asyncio.to_thread(self._ear.hear, sound)
        except ValueError as error:
            raise Refused(422, str(error), field="recording") from None
        finally:
            self._recordings -= 1

    async def answer(self, talk: Assistant, words: str, *, spoken: bool) -> Turn:
        """Answer a message, and keep its conversation for the next one."""
        if sum(each is talk for each in self._turns.values()) >= MAX_IN_A_ROW:
            raise Refused(503, "earlier messages of this conversation wait: try again", wait=2)
        if len(self._turns) >= MAX_AT_WORK:
            raise Refused(503, "too many customers wait for an answer: try again", wait=2)
        self._open[talk.dialogue] = talk
        self._open.move_to_end(talk.dialogue)
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)
        turn = asyncio.create_task(talk.answer(words, spoken=spoken))
        self._turns[turn] = talk
        turn.add_done_callback(self._turns.pop)
        return await turn

    async def end(self) -> None:
        """Wait until the turns that the end of the program has cut off are logged."""
        await asyncio.gather(*self._turns, return_exceptions=True)


def create_app(begin: Open, settings: Settings | None = None, ear: "Ear | None" = None) -> FastAPI:
    """Make the HTTP endpoint.

    Parameters
    ----------
    begin : callable
        From a user to an `Assistant`.
    settings : Settings, optional
        `api_key` and `rate` count here. Whoever has the key speaks for every
        customer, so it belongs to the shop's own server and never to a browser.
    ear : coupon_rec.content.Ear, optional
        Hears recordings; they are refused without it.

    Returns
    -------
    fastapi.FastAPI
        ``POST /v1/assistant`` answers with server-sent events: of a recording first ``heard`` with
        the `words`, to be shown to the customer; ``piece`` with a `text`; and at the end ``turn``
        with `dialogue`, `intent`, `by` and `handed_over`. It refuses with 503 where too many wait.
    """
    conversations = Conversations(begin, ear)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await conversations.end()

    title = "The Right Coupon: assistant"
    app = FastAPI(title=title, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(RequestGuard, settings=settings or Settings(), metrics=Metrics())
    handle(app)

    @app.post(
        "/v1/assistant",
        response_class=Response,
        responses={
            200: {"content": {"text/event-stream": {}}},
            **described(401, 404, 413, 422, 503),
        },
    )
    async def answer(message: Message) -> Response:
        spoken = bool(message.recording)
        if bool(message.words) == spoken:
            raise Refused(422, "send either words or a recording", field="words")
        talk, words = conversations.find(message), message.words
        if message.recording:
            words = await conversations.words_of(message.recording)
        turn = await conversations.answer(talk, words, spoken=spoken)
        events = _event("heard", {"words": words}) if spoken else ""
        events += _event("piece", {"text": turn.reply})
        facts = {name: getattr(turn, name) for name in ("dialogue", "intent", "by", "handed_over")}
        headers = {"Cache-Control": "no-cache"}
        return Response(events + _event("turn", facts), 200, headers, "text/event-stream")

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _event(name: str, facts: dict[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(facts)}\n\n"
