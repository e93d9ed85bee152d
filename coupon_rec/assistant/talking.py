"""The assistant: it hears, asks its tools, says what they returned, and knows when to stop."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from coupon_rec.assistant.hearing import OFFERING, Heard, agrees, hear, names_coupon, refuses
from coupon_rec.assistant.log import DialogueLog, Turn
from coupon_rec.assistant.moments import Customers
from coupon_rec.assistant.shop import HandOver
from coupon_rec.assistant.tools import MAX_SHOWN, NAMELESS, Coupon, Tools, placed

T = TypeVar("T")
logger = logging.getLogger("coupon_rec.assistant")

READ: Final = "A colleague reads what you wrote."
"""What becomes of words that the desk has taken. It agrees to nothing that they ask for: "I have
passed that on" would, to "pass my coupon on to my sister"."""
SAYS: Final = {
    "hello": "Hello! I can tell you about coupons, how to use them, and why they were chosen.",
    "coupons": "You have:",
    "terms": "All that I know of these coupons:",
    "why": "Why these coupons were chosen for you, as far as I know:",
    "none": "I find no coupon for you at the moment.",
    "others": "I find no coupon by that name or number. You have:",
    "use": "Coupons are shown at the till, in the app or on paper: whether one counts is decided "
    "there.",
    "product": "I know coupons, not products. Shall I bring in a colleague?",
    "thanks": "Thank you for writing to us.",
    "unknown": 'I did not understand that. Say "coupons" to see coupons, "stop" to get none, or '
    "ask for a colleague.",
    "stop": f"I will offer nothing more here. {READ}",
    "forget": READ,
    "complaint": f"I am sorry that I cannot settle this myself. {READ}",
    "person": READ,
    "away": f"I cannot see the coupons at the moment. {READ}",
    "waiting": "A colleague has this conversation, and gets what you write.",
    "unheard": "I did not hear a request for coupons. Please write it.",
    "offer": "By the way, you have:",
    "more": "There are more: ask for a product.",
}
"""What the assistant says by itself: no amount, no date, no product. That a colleague reads or has
it is said only once the desk has taken the customer's words. Each names what it is about: a bare
"none" would deny whatever was asked for."""

OPEN: Final = {
    "coupons": "Open to you:",
    "others": "I find no coupon by that name or number. Open to you:",
    "offer": "By the way, open to you:",
}
"""What it says instead of coupons that the customer was not mailed, and so has not."""

NOBODY: Final = "Please ask in the shop: I cannot pass this on from here."
ALONE: Final = {
    "product": "I know coupons, not products. Please ask in the shop.",
    "unknown": 'I did not understand that. Say "coupons" to see coupons, or "stop" to get none.',
    "stop": f"I will offer nothing more here. {NOBODY}",
    "forget": NOBODY,
    "complaint": f"I am sorry that I cannot settle this myself. {NOBODY}",
    "person": NOBODY,
    "away": f"I cannot see the coupons at the moment. {NOBODY}",
    "waiting": NOBODY,
}
"""What it says instead where nobody takes over."""

FOR_A_PERSON: Final = ("stop", "forget", "complaint", "person", "away", "waiting")
ANSWERED: Final = ("hello", "coupons", "terms", "why", "use", "thanks")
"""What needs no colleague, who is not given its words."""
BETWEEN: Final = ("hello", "product", "thanks")
"""What may be said between two messages that are not understood: they are two in a row."""
MAX_PASSED_ON: Final = 10
"""Messages that a colleague gets together."""
MAX_TURNS: Final = 50
"""Of a conversation that are remembered."""
FROM_RECORDING: Final = "heard from a recording: "

_ASKING: Final = ThreadPoolExecutor(40, "asking")
# The service and the desk are waited for in threads of their own, so that no others wait for them.


async def _asked(function: Callable[..., T], *arguments: object) -> T:
    """Wait for a function of the shop, such as its service or its desk."""
    return await asyncio.get_running_loop().run_in_executor(_ASKING, function, *arguments)


class Assistant:
    """One conversation with one customer.

    Parameters
    ----------
    tools : Tools
        Of this customer.
    customers : Customers, optional
        When to offer unasked, though never to what was not understood, nor after a word that
        refuses; never at all, if left out.
    log : DialogueLog, optional
        Where the turns are kept.
    hand_over : callable, optional
        Gives a customer's words to a person, such as `hand_to`, after those before that nobody
        has read; an OSError says that nobody has taken them. Without it nobody takes over, and the
        assistant says so and goes on.
    use : str
        What is said to "how do I use it?".

    Attributes
    ----------
    dialogue : str
        The name of the conversation in the log.

    Examples
    --------
    >>> from datetime import date
    >>> from coupon_rec.assistant import Catalog
    >>> catalog = Catalog({(1, 7): ("coffee", "25% off", date(2017, 11, 12))})
    >>> talk = Assistant(Tools(2448, lambda user: [(1, 7, "you buy these")], catalog))
    >>> print(talk.reply("anything on coffee?").reply)
    You have:
    - 25% off coffee, until 12 November 2017
    >>> print(talk.reply("I want a human").reply)
    Please ask in the shop: I cannot pass this on from here.
    >>> taken = []
    >>> talk = Assistant(talk.tools, hand_over=lambda *said: taken.append(said))
    >>> print(talk.reply("My order never arrived!").reply)
    I am sorry that I cannot settle this myself. A colleague reads what you wrote.
    >>> taken == [(2448, talk.dialogue, "My order never arrived!")]
    True
    """

    def __init__(
        self,
        tools: Tools,
        customers: Customers | None = None,
        *,
        log: DialogueLog | None = None,
        hand_over: HandOver | None = None,
        use: str = SAYS["use"],
    ) -> None:
        self.tools, self.customers = tools, customers
        self.dialogue = secrets.token_hex(8)
        self._log, self._hand_over = log, hand_over
        self._says = {**SAYS, **({} if hand_over else ALONE), "use": use}
        self._one_at_a_time = asyncio.Lock()
        self._intents, self._to_pass_on = list[str](), list[str]()
        self._shown = list[Coupon]()
        self._quiet = self._left = self._stopped = False

    def reply(self, words: str) -> Turn:
        """Answer a message, for who does not wait in a loop of asyncio, such as a notebook."""
        with ThreadPoolExecutor(1) as thread:  # a notebook has a loop that runs in this one
            return thread.submit(asyncio.run, self.answer(words)).result()

    async def answer(self, words: str, *, spoken: bool = False) -> Turn:
        """Answer a message, after those before it.

        The turn is logged once, and before it is returned; if the program ends meanwhile, with
        what was understood. No words, of a recording in which none were heard, are no turn.

        Parameters
        ----------
        words : str
            The message.
        spoken : bool
            Whether they may be heard wrongly: a colleague is told so.
        """
        turn = None
        try:
            async with self._one_at_a_time:
                turn = await self._turn(words, spoken)
        finally:
            if self._log and words.strip():
                if turn is None:
                    intent = hear(words, self.tools.catalog.products).intent
                    turn = Turn(self.dialogue, words, "", intent)
                await asyncio.to_thread(self._log.add, self.tools.user_id, turn)
        return turn

    async def _turn(self, words: str, spoken: bool) -> Turn:
        if not words.strip():
            says = self._says["waiting" if self._left else "unheard"]
            return Turn(self.dialogue, "", says, "unheard")
        heard = self._heard(words)
        said = f"{FROM_RECORDING}{words}" if spoken else words
        self._to_pass_on = [*self._to_pass_on, said][-MAX_PASSED_ON:]
        key, coupons, offer, over = self._key(heard.intent), list[Coupon](), None, False
        try:
            if key in OFFERING:
                key, coupons = self._listed(heard, await _asked(self.tools.coupons))
            else:
                offer = await self._offer(heard)
        except ValueError:  # the service is away
            key = "away"
        says = self._of(key, coupons)
        if key in FOR_A_PERSON:
            over = await self._is_handed_over()
            says = says if over else ALONE[key]
        elif key in ANSWERED:
            self._to_pass_on.pop()
        self._left = self._left or over
        self._quiet = self._quiet or key in FOR_A_PERSON or bool(coupons or offer)
        lines = [each.why if key == "why" else each.line for each in coupons[:MAX_SHOWN]]
        reply = "\n- ".join([says, *lines])
        if len(coupons) > MAX_SHOWN:
            reply += f"\n{SAYS['more']}"
        if offer:
            reply += f"\n{self._of('offer', [offer])}\n- {offer.line}"
        offered = str(offer.coupon_id) if offer else ""
        return Turn(self.dialogue, words, reply, heard.intent, offered=offered, handed_over=over)

    async def _is_handed_over(self) -> bool:
        """Give what had no answer to a person, and say whether somebody has taken it."""
        if self._hand_over is None:
            return False
        words = "\n".join(self._to_pass_on)
        try:
            await _asked(self._hand_over, self.tools.user_id, self.dialogue, words)
        except OSError as error:
            logger.warning("nobody took a customer's words: %s", type(error).__name__)
            return False
        self._to_pass_on = []
        return True

    def _of(self, key: str, coupons: Sequence[Coupon]) -> str:
        """What is said of some coupons: that the customer has them only if all were mailed."""
        mailed = all(each.mailed for each in coupons)
        return self._says[key] if mailed else OPEN.get(key, self._says[key])

    def _heard(self, words: str) -> Heard:
        """What was understood of a message, after what was said before."""
        products = self.tools.catalog.products
        heard = hear(words, products)
        last = self._intents[-1] if self._intents else ""
        asked = bool(self._hand_over) and last == "product"  # whether to bring a colleague
        if asked and heard.intent not in (*FOR_A_PERSON, "coupons", "use") and agrees(words):
            heard = heard._replace(intent="person")
        if heard.intent in ("terms", "why") and (
            self._stopped or (last in ("product", "unknown") and not names_coupon(words))
        ):
            heard = heard._replace(intent="unknown")
        self._stopped = heard.intent in ("stop", "forget") or (
            self._stopped and heard.intent != "coupons"
        )
        self._quiet = self._quiet or heard.intent == "unknown" or refuses(words, products)
        return heard

    def _key(self, intent: str) -> str:
        """What to do about an intent, which is remembered."""
        if self._left:
            return "waiting"
        before = [each for each in self._intents if each not in BETWEEN]
        twice = intent == "unknown" and before[-1:] == ["unknown"]
        self._intents = [*self._intents, intent][-MAX_TURNS:]
        return "person" if twice else intent

    def _listed(self, heard: Heard, now: list[Coupon]) -> tuple[str, list[Coupon]]:
        """The coupons that were asked for, as the service has them now, and what to say of them."""
        key, coupons = self._meant(heard, now)
        if heard.which and self._shown:  # nobody was shown the others of `now`
            self._shown = [*dict.fromkeys([*self._shown, *coupons])][:MAX_SHOWN]
        elif (now and any(each not in self._shown for each in coupons)) or key == "coupons":
            self._shown = (now if heard.which else coupons)[:MAX_SHOWN]
        fresh = {each.key: each for each in now}
        if key == "coupons" and any(each.key not in fresh for each in coupons):
            key = "terms"  # it was shown, and is not recommended any more
        return key, [fresh.get(each.key, each) for each in coupons]

    def _meant(self, heard: Heard, now: list[Coupon]) -> tuple[str, list[Coupon]]:
        """The coupons that were asked for; all of them, if that finds none.

        A question about a coupon means one that was shown, whatever the service says by `now`. One
        without a name may be for what was asked: then nothing is denied.
        """
        lists = (now,) if heard.intent == "coupons" and not heard.which else (self._shown, now)
        for coupons in lists:
            meant = [each for each in coupons if each.is_for(heard.product)]
            if heard.which:
                meant = _placed_one(coupons, meant, heard.which)
            if meant:
                return heard.intent, meant
        if heard.product and any(each.product == NAMELESS for each in now):
            return heard.intent, now
        return "others" if now else "none", now

    async def _offer(self, heard: Heard) -> Coupon | None:
        """The best coupon, once in a conversation, at the moment when it pays.

        What was not understood may be a refusal: `Customers` does not know of that.
        """
        over = self._quiet or self._stopped or self._left or heard.intent in FOR_A_PERSON
        if over or not self.customers or not self.customers.offer_now(self._intents):
            return None
        try:
            now = await _asked(self.tools.coupons)
        except ValueError:  # the service is away, and nobody has asked for it
            return None
        of_product = [each for each in now if heard.product and each.is_for(heard.product)]
        self._shown = (of_product or now)[:1]
        return next(iter(self._shown), None)


def _placed_one(coupons: list[Coupon], of_product: list[Coupon], which: int) -> list[Coupon]:
    """Of a list, the coupon that a place and a product mean; several, where that may be two."""
    meant = {*of_product} & {placed(of_product, which), placed(coupons, which)}
    if meant:  # "the second one, the coffee" may mean two
        return [*meant] if len(meant) == 1 else of_product
    return coupons if of_product and placed(coupons, which) else []  # deny neither


Open = Callable[[int | str], Assistant]
"""Begin a conversation with a customer."""
