"""The assistant over HTTP, streamed, and its tools over MCP for other programs' models."""

import json
from base64 import b64decode
from collections import Counter, OrderedDict, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from weakref import WeakSet

from anyio import CancelScope, CapacityLimiter, Semaphore, to_thread
from fastapi import FastAPI
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from coupon_rec._extras import need
from coupon_rec.assistant.hearing import MOST_LETTERS
from coupon_rec.assistant.log import keep_together
from coupon_rec.assistant.talking import Assistant, Open
from coupon_rec.assistant.tools import MOST, NAMELESS, Coupon, Tools, placed
from coupon_rec.serving.http.api_models import Id
from coupon_rec.serving.http.errors import Refused, described, handle
from coupon_rec.serving.http.guard import RequestGuard
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import Settings

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from coupon_rec.content import Ear

T = TypeVar("T")
MOST_OPEN: Final = 10_000
"""Conversations that are kept; beyond them, the one that was silent longest is gone."""
MOST_HEARD: Final = 20
"""Recordings that wait to be heard, or are."""
ASKING: Final = 40
"""Answers that ask the service, a model or the desk at a time; the others have threads of their
own."""
MOST_ASKING: Final = 100
"""Answers that wait for their turn to ask."""
MOST_IN_A_ROW: Final = 5
"""Messages of one conversation that wait for those before them."""
ENDING: Final = 10
"""Seconds that the desk has at the end of the program, for all conversations together."""


def _decoded(value: object) -> bytes:
    """Read Base64, and nothing else; null is no recording."""
    if value is None:
        return b""
    try:
        if isinstance(value, str):
            return b64decode(value, validate=True)
        raise ValueError
    except ValueError:
        raise ValueError("send a WAV file in Base64, with + and / and nothing else") from None


class Message(BaseModel):
    """What a customer says, sent by the shop's own program, which knows who they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    user_id: Id
    words: Annotated[str, Field(max_length=MOST_LETTERS)] = ""
    recording: Annotated[
        bytes,
        BeforeValidator(_decoded, json_schema_input_type=str | None),
        Field(
            description="Instead of words: a WAV file in Base64, of 16,000 samples a second, 16 "
            "bits and one channel, at most 15 seconds."
        ),
    ] = b""
    dialogue: Annotated[
        str, Field(max_length=64, description="Of an answer; empty for a new one.")
    ] = ""


class Conversations:
    """The open conversations, each of one customer.

    Parameters
    ----------
    begin : callable
        From a user to an `Assistant`.
    """

    def __init__(self, begin: Open) -> None:
        self._begin, self._lock = begin, Lock()
        self._open: OrderedDict[str, tuple[int | str, Assistant, Semaphore]] = OrderedDict()
        self._kept: WeakSet[Assistant] = WeakSet()  # also those that gave way while they answer
        self._waiting: dict[object, tuple[Assistant, str, bool]] = {}

    def find(self, message: Message) -> tuple[Assistant, Semaphore]:
        """Begin a conversation, or go on with the customer's own; KeyError if it is not theirs."""
        if not message.dialogue:
            return self._begin(message.user_id), Semaphore(1)
        with self._lock:
            user_id, talk, lock = self._open[message.dialogue]
        if str(user_id) != str(message.user_id):
            raise KeyError(message.dialogue)
        return talk, lock

    def keep(
        self,
        user_id: int | str,
        talk: Assistant,
        lock: Semaphore,
        words: str,
        *,
        spoken: bool = False,
    ) -> Callable[[], bool]:
        """Keep a conversation that is being answered, for its next message.

        Returns
        -------
        callable
            Begins the turn of these words, and says whether it still may: not once the end of the
            program has logged them.
        """
        place = object()
        with self._lock:
            self._waiting[place] = talk, words, spoken
            self._kept.add(talk)
            self._open[talk.dialogue] = user_id, talk, lock
            self._open.move_to_end(talk.dialogue)
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
        return lambda: self._waiting.pop(place, None) is not None

    def abandon(self) -> None:
        """Log the turns that the end of the program cuts off, and the words that wait for theirs.

        Where some of these words are for a person, the desk gets all that wait in that conversation
        together, and has `ENDING` seconds for all conversations; then they are logged, as handed
        over if it has taken them by then. What is not for the desk is logged before.
        """
        with self._lock:
            missed = [self._waiting.pop(place, None) for place in [*self._waiting]]
            for_log = [(talk.log, talk.cut_off()) for talk in self._kept]
        said: defaultdict[Assistant, list[tuple[str, bool]]] = defaultdict(list)
        for talk, words, spoken in filter(None, missed):  # None: its turn has just begun
            said[talk].append((words, spoken))
        for_desk: dict[Assistant, str] = {}
        for talk, waiting in said.items():
            if together := talk.miss(waiting):
                for_desk[talk] = together
            else:
                for_log.append((talk.log, talk.missed(handed_over=False)))
        keep_together(for_log)
        threads = ThreadPoolExecutor(ASKING)
        asked = {talk: threads.submit(talk.hand_on, words) for talk, words in for_desk.items()}
        answered, _ = wait(asked.values(), ENDING)
        threads.shutdown(wait=False, cancel_futures=True)
        taken = {
            talk: each in answered and not each.exception() and each.result()
            for talk, each in asked.items()
        }
        keep_together((talk.log, talk.missed(handed_over=over)) for talk, over in taken.items())


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
        the `words`, to be shown to the customer; ``piece`` with a `text`, as soon as it is sure;
        and at the end ``turn`` with `dialogue`, `intent`, `by` and `handed_over`. Beyond those that
        can wait for the service, a model or the desk, it refuses with 503.
    """
    conversations = Conversations(begin)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        conversations.abandon()

    title = "The Right Coupon: assistant"
    app = FastAPI(title=title, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.conversations = conversations
    app.add_middleware(RequestGuard, settings=settings or Settings(), metrics=Metrics())
    handle(app)
    one_at_a_time, asking, at_once = (CapacityLimiter(most) for most in (1, ASKING, ASKING))
    waiting: list[bytes] = []
    in_a_row: Counter[str] = Counter()
    at_work = 0  # answers that ask, or wait for their turn to ask

    stream: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}

    @app.post(
        "/v1/assistant",
        response_class=StreamingResponse,
        responses={**stream, **described(401, 404, 413, 422, 503)},
    )
    async def talk(message: Message) -> StreamingResponse:
        nonlocal at_work
        if bool(message.words) == bool(message.recording):
            raise Refused(422, "send either words or a recording", field="words")
        words = message.words or await heard(message.recording)
        try:
            assistant, lock = await run_in_threadpool(conversations.find, message)
        except KeyError:
            problem = "this customer has no such conversation: leave `dialogue` out to begin one"
            raise Refused(404, problem, field="dialogue") from None
        waits = await run_in_threadpool(assistant.waits, words)
        waits = waits or in_a_row[assistant.dialogue] > 0  # a colleague may come before its turn
        if in_a_row[assistant.dialogue] > MOST_IN_A_ROW:  # of which one is being answered
            raise Refused(503, "earlier messages of this conversation wait: try again", wait=2)
        if waits and at_work >= ASKING + MOST_ASKING:
            raise Refused(503, "too many customers wait for an answer: try again", wait=2)
        spoken = bool(message.recording)
        its_turn = conversations.keep(message.user_id, assistant, lock, words, spoken=spoken)
        in_a_row[assistant.dialogue] += 1
        at_work += waits

        def done() -> None:
            nonlocal at_work
            at_work -= waits
            in_a_row.subtract([assistant.dialogue])
            if not in_a_row[assistant.dialogue]:
                del in_a_row[assistant.dialogue]

        return Events(
            _events(
                assistant,
                lock,
                words,
                its_turn,
                asking=asking,
                at_once=at_once,
                spoken=spoken,
            ),
            done,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )

    async def heard(recording: bytes) -> str:
        """What is said in a recording: one is heard at a time, and a few may wait."""
        if ear is None:
            raise Refused(422, "no recordings are heard here, only words", field="recording")
        if len(waiting) >= MOST_HEARD:
            raise Refused(503, "too many recordings wait: write, or try again", wait=2)
        waiting.append(recording)
        try:
            return await to_thread.run_sync(ear.hear, recording, limiter=one_at_a_time)
        except ValueError as error:
            raise Refused(422, str(error), field="recording") from None
        finally:
            waiting.remove(recording)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


class Events(StreamingResponse):
    """A stream that is closed when nobody listens any more, not when Python gets to it.

    Until then, the customer's next message would wait for the answer that they left.
    """

    def __init__(
        self, events: AsyncIterator[str], done: Callable[[], None], **settings: Any
    ) -> None:
        super().__init__(events, **settings)
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it; who is gone before it begins is heard, too."""
        events, begun = self.body_iterator, False

        async def noted() -> AsyncGenerator[Any, None]:
            nonlocal begun
            begun = True
            async for event in events:
                yield event

        self.body_iterator = noted()
        try:
            await super().__call__(scope, receive, send)
        finally:
            try:
                if isinstance(events, AsyncGenerator):
                    with CancelScope(shield=True):
                        if not begun:
                            await anext(events, None)
                        await events.aclose()
            finally:
                self._done()


async def _events(
    assistant: Assistant,
    lock: Semaphore,
    words: str,
    its_turn: Callable[[], bool] = lambda: True,
    *,
    asking: CapacityLimiter,
    at_once: CapacityLimiter,
    spoken: bool,
) -> AsyncGenerator[str, None]:
    gone = False
    try:
        if spoken:
            yield f"event: heard\ndata: {json.dumps({'words': words})}\n\n"
    except GeneratorExit:
        gone = True
    with CancelScope(shield=True):  # who leaves before their turn is heard all the same
        await lock.acquire()  # holds no thread
    try:
        answer, threads = assistant.answer(words, spoken=spoken), asking

        def first() -> str:
            return next(answer, "") if its_turn() else ""

        try:
            with CancelScope(shield=True):
                waits = await run_in_threadpool(
                    assistant.waits, words
                )  # as the conversation is now
                threads = asking if waits else at_once
                piece = await to_thread.run_sync(first, limiter=threads)
            while piece and not gone:
                yield f"event: piece\ndata: {json.dumps({'text': piece})}\n\n"
                piece = await to_thread.run_sync(next, answer, "", limiter=threads)
        finally:  # which writes the log, and may have to wait for it
            with CancelScope(shield=True), suppress(ValueError):  # the end may find it at work
                await to_thread.run_sync(answer.close, limiter=threads)
        turn = assistant.last
    finally:
        lock.release()
    if gone:
        return
    facts = {name: getattr(turn, name) for name in ("dialogue", "intent", "by", "handed_over")}
    yield f"event: turn\ndata: {json.dumps(facts)}\n\n"


class Line(BaseModel):
    """A coupon as a model may quote it: `line`, whole and unchanged."""

    place: Annotated[int, Field(ge=1, description="Its place in the customer's list.")]
    line: str
    product: str
    off: str
    until: str
    mailed: Annotated[
        bool,
        Field(description="Whether the customer has it; if not, say that it is open to them."),
    ]


def mcp_server(tools: Tools) -> "MCPServer":
    """Offer the tools of one customer over the Model Context Protocol.

    Parameters
    ----------
    tools : Tools
        Of the customer: no tool asks who that is, so no model can name another.

    Returns
    -------
    mcp.server.MCPServer
        With the tools `coupons` and `coupon`; `run("stdio")` serves them.

    Raises
    ------
    ModuleNotFoundError
        If the extra `assistant` is not installed.
    """
    need("mcp", "assistant")
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    def looked_up(found: Callable[[], T]) -> T:
        """Keep to this side of the socket what the service said, and where it is."""
        try:
            return found()
        except ValueError:
            raise ToolError("the coupons cannot be seen at the moment") from None

    rules = (
        "Quote `line` as it is, call it theirs only if it was `mailed`, and promise nothing else."
    )
    server = MCPServer("coupons", instructions=rules)
    shown: list[Coupon] | None = None

    @server.tool()
    def coupons(product: Annotated[str, Field(max_length=40)] = "") -> list[Line]:
        """List the best five coupons for the customer at most; of these, those of one product.

        If none is for it, and some are for selected products, all: they may be what is wanted.
        """
        nonlocal shown
        found = shown = looked_up(tools.coupons)[:MOST]
        lines = [(_line(place, each), each) for place, each in enumerate(found, 1)]
        unknown = any(each.product == NAMELESS for each in found)
        wanted = [line for line, each in lines if each.is_for(product)]
        return wanted or [line for line, _ in lines if unknown]

    @server.tool()
    def coupon(place: Annotated[int, Field(ge=1, le=5)]) -> Line | None:
        """Give one coupon by its place in the list that `coupons` gave last, if it is there yet."""
        now = looked_up(tools.coupons)
        found = placed(now if shown is None else shown, place)
        there = next((each for each in now if found and each.key == found.key), None)
        return _line(place, there) if there else None

    return server


def _line(place: int, found: Coupon) -> Line:
    return Line(
        place=place,
        line=found.line,
        product=found.product,
        off=found.off,
        until=found.until.isoformat(),
        mailed=found.mailed,
    )
