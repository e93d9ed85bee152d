"""The assistant: it hears, asks its tools, says what they returned, and knows when to stop."""

import logging
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from threading import Lock
from typing import Any, Final

from coupon_rec.assistant.handing import HandOver
from coupon_rec.assistant.hearing import (
    Heard,
    agrees,
    allows_offer,
    asks_again,
    asks_alone,
    hear,
    may_refuse,
    wants_nothing,
)
from coupon_rec.assistant.log import DialogueLog, Turn
from coupon_rec.assistant.moments import Customers
from coupon_rec.assistant.phrases import OFFERING
from coupon_rec.assistant.tools import MOST, NAMELESS, Coupon, Tools, placed

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
ALWAYS: Final = ("hello", "use", "product", "thanks")
"""What the rules answer without asking anybody."""
BETWEEN: Final = ("hello", "product", "thanks")
"""What may be said between two messages that are not understood: they are two in a row."""
ANSWERED: Final = (*OFFERING, "none", "others", "use", "hello", "thanks")
"""What no colleague has to read, where it is all of a message."""
MOST_UNANSWERED: Final = 10
"""Messages without an answer that a colleague gets together."""
FROM_RECORDING: Final = "heard from a recording: "
MOST_TURNS: Final = 50
"""Of a conversation that are remembered."""


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
        Gives a customer's words to a person, such as `hand_to`, after those before that had no
        answer; an OSError says that nobody has taken them. Without it nobody takes over, and the
        assistant says so and goes on.
    use : str
        What is said to "how do I use it?".

    Attributes
    ----------
    last : Turn
        The turn that ended last.

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
        self.last = Turn(self.dialogue, "", "", "")
        self.log, self._hand_over = log, hand_over
        self._says = {**SAYS, **({} if hand_over else ALONE), "use": use}
        self._intents, self._unanswered = list[str](), list[str]()
        self._missed: list[Turn] = []
        self._shown: Sequence[Coupon] = ()
        self._offered = self._left = self._stopped = False
        self._unfinished: Turn | None = None
        self._keeping = Lock()
        self._writing = self._interrupted = False

    def reply(self, words: str) -> Turn:
        """Answer a message."""
        for _ in self.answer(words):
            pass
        return self.last

    def answer(self, words: str, *, spoken: bool = False) -> Generator[str, None, None]:
        """Yield the answer in pieces, as soon as each is sure; `last` then has the turn.

        No words, of a recording in which none were heard, are no turn that counts. Those that are
        `spoken` may be heard wrongly, and a colleague is told so.
        """
        if not words.strip():
            said = self._says["waiting" if self._left else "unheard"]
            self.last = Turn(self.dialogue, "", said, "unheard", offered=self.last.offered)
            yield said
            return
        self._unfinished = Turn(self.dialogue, words, "", "unknown")
        try:
            yield from self._answer(words, spoken)
        finally:  # an error of the shop's own functions is logged with its turn
            self._keep()

    def _answer(self, words: str, spoken: bool) -> Iterator[str]:
        heard = self._heard(words)
        self._know(intent=heard.intent)
        self._note(words, spoken)
        try:
            key, found, offer = self._found(heard, words)
        except ValueError:  # the service is away
            key, found, offer = "away", [], None
        says, left, over = self._of(key, found), self._left, False
        products = self.tools.catalog.products
        alone = asks_alone(words, products) and not may_refuse(words, products)
        if key in ANSWERED and alone and heard.intent != "unknown":
            self._unanswered.pop()
        if key in FOR_A_PERSON:
            posted, self._unanswered = self._unanswered, []
            self._left = True  # what the end of the program hears meanwhile is for the desk, too
            try:
                over = self.hand_on("\n".join(posted))
            finally:
                if not over:
                    says, self._left, self._unanswered = ALONE[key], left, posted
        lines = [each.why if key == "why" else each.line for each in found[:MOST]]
        facts = "\n- ".join([says, *lines])
        if len(found) > MOST:
            facts += f"\n{SAYS['more']}"
        if offer:
            facts += f"\n{self._of('offer', [offer])}\n- {offer.line}"
        self._know(handed_over=over)
        self._left = left or over
        self._offered = self._offered or key in FOR_A_PERSON or bool(lines or offer)
        try:
            yield facts
        finally:  # even if nobody listens any more
            shown = str(offer.coupon_id) if offer else ""
            self.last = Turn(
                self.dialogue, words, facts, heard.intent, offered=shown, handed_over=over
            )
            self._keep(self.last)

    def abandon(self) -> None:
        """Keep what is known of a turn that cannot be finished, since the program ends."""
        self._keep()

    def miss(self, said: Iterable[tuple[str, bool]]) -> str:
        """Hear messages whose turn did not come before the program's end; `missed` gives them.

        Parameters
        ----------
        said : iterable of tuple of str and bool
            The words of each, in order, and whether they were `spoken`.

        Returns
        -------
        str
            What the desk should get: all that has no answer, if any of them is for a person.
        """
        over = False
        for words, spoken in said:
            if words.strip():
                intent = self._heard(words).intent
                over = self._key(intent) in FOR_A_PERSON or over
                self._note(words, spoken)
                self._missed.append(Turn(self.dialogue, words, "", intent))
        return "\n".join(self._unanswered) if over else ""

    def hand_on(self, words: str) -> bool:
        """Give the customer's words to a person, and say whether somebody has taken them."""
        if self._hand_over is None:
            return False
        try:
            self._hand_over(self.tools.user_id, self.dialogue, words)
        except OSError as error:
            logger.warning("nobody took a customer's words: %s", type(error).__name__)
            return False
        return True

    def missed(self, *, handed_over: bool) -> list[tuple[int | str, Turn]]:
        """Give what was missed, in order, for the log: whose it is, and if the desk has it."""
        turns, self._missed = self._missed, []
        return [(self.tools.user_id, turn._replace(handed_over=handed_over)) for turn in turns]

    def cut_off(self) -> list[tuple[int | str, Turn]]:
        """Give what is known of a turn that cannot be finished: its own end logs it no more."""
        with self._keeping:
            turn, self._unfinished = self._unfinished, None
        return [(self.tools.user_id, turn)] if turn else []

    def interrupt(self, *_: object) -> None:
        """End the conversation on a signal: now, or once the turn that is being written is there.

        Raises
        ------
        KeyboardInterrupt
            If no turn is being written; otherwise, what writes it raises it.
        """
        self._interrupted = self._writing
        if not self._writing:
            raise KeyboardInterrupt

    def _know(self, **facts: Any) -> None:
        """Add to what is known of a turn, if it has not been logged meanwhile."""
        with self._keeping:
            if self._unfinished:
                self._unfinished = self._unfinished._replace(**facts)

    def _keep(self, turn: Turn | None = None) -> None:
        """Log a turn, or what is known of it, once; if that is cut off, it can be tried again."""
        with self._keeping:
            self._writing = True
            try:
                if self._unfinished:
                    self._unfinished = turn or self._unfinished
                    if self.log:
                        self.log.add(self.tools.user_id, self._unfinished)
                self._unfinished = None
            finally:
                self._writing = False
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt

    def waits(self, words: str) -> bool:
        """Whether an answer to these words may wait for the service or the desk."""
        others = self.customers or self._left or (self._asked() and agrees(words))
        return bool(others) or hear(words, self.tools.catalog.products).intent not in ALWAYS

    def _of(self, key: str, coupons: Sequence[Coupon]) -> str:
        """What is said of some coupons: that the customer has them only if all were mailed."""
        mailed = all(each.mailed for each in coupons)
        return self._says[key] if mailed else OPEN.get(key, self._says[key])

    def _note(self, words: str, spoken: bool) -> None:
        """Keep a message for the colleague who may be brought in."""
        said = f"{FROM_RECORDING}{words}" if spoken else words
        self._unanswered = [*self._unanswered, said][-MOST_UNANSWERED:]

    def _asked(self) -> bool:
        """Whether the last reply was the question for a colleague."""
        return bool(self._hand_over) and self._intents[-1:] == ["product"]

    def _heard(self, words: str) -> Heard:
        products = self.tools.catalog.products
        shown = bool(self._shown) and self._intents[-1:] not in (["product"], ["unknown"])
        heard = hear(words, products, shown=shown or bool(self.last.offered))
        asked = self._asked()
        if asked and heard.intent not in (*FOR_A_PERSON, "coupons") and agrees(words):
            heard = heard._replace(intent="person")
        self._offered = self._offered or heard.intent == "unknown"
        self._stopped = self._stopped or wants_nothing(words, products) or heard.intent == "forget"
        if self._stopped and heard.intent in OFFERING and not asks_again(words, products):
            heard = heard._replace(intent="unknown")
        return heard

    def _key(self, intent: str) -> str:
        """What to do about an intent, which is remembered."""
        if self._left:
            return "waiting"
        before = [each for each in self._intents if each not in BETWEEN]
        twice = intent == "unknown" and before[-1:] == ["unknown"]
        self._intents = [*self._intents, intent][-MOST_TURNS:]
        return "person" if twice else intent

    def _found(self, heard: Heard, words: str) -> tuple[str, Sequence[Coupon], Coupon | None]:
        """What to say, the coupons that go with it, and an offer that nobody asked for."""
        key = self._key(heard.intent)
        if key in OFFERING:
            now = self.tools.coupons()
            key, found = self._meant(heard, now)
            listed = heard.intent == "coupons" and not heard.which
            known = key == heard.intent and all(each in self._shown for each in found)
            if now and heard.which and self._shown:  # nobody was shown the others of `now`
                self._shown = [*dict.fromkeys([*self._shown, *found])][:MOST]
            elif now and (listed or not known):  # "any last day?" is of what was shown before
                self._shown = (now if heard.which else found)[:MOST]
            fresh = {each.key: each for each in now}
            if key == "coupons" and any(each.key not in fresh for each in found):
                key = "terms"  # it was shown, and is not recommended any more
            return key, [fresh.get(each.key, each) for each in found], None
        products = self.tools.catalog.products
        self._offered = self._offered or not allows_offer(words, heard.intent, products)
        return key, [], self._offer(heard)

    def _meant(self, heard: Heard, now: Sequence[Coupon]) -> tuple[str, Sequence[Coupon]]:
        """The coupons that were asked for; all of them, if that finds none.

        A question about a coupon means one that was shown, whatever the service says by `now`. One
        without a name may be for what was asked: then nothing is denied.
        """
        if heard.which:
            for known in (self._shown, now):
                mine = [each for each in known if each.is_for(heard.product)]
                meant = {*mine} & {placed(mine, heard.which), placed(known, heard.which)}
                if meant:  # "the second one, the coffee" may mean two
                    return heard.intent, [*meant] if len(meant) == 1 else mine
                if mine and placed(known, heard.which):  # deny neither
                    return heard.intent, known
        else:
            for known in (now,) if heard.intent == "coupons" else (self._shown, now):
                if found := [each for each in known if each.is_for(heard.product)]:
                    return heard.intent, found
        if heard.product and any(each.product == NAMELESS for each in now):
            return heard.intent, now
        return "others" if now else "none", now

    def _offer(self, heard: Heard) -> Coupon | None:
        """The best coupon, once in a conversation, at the moment when it pays.

        What was not understood may be a refusal: `Customers` does not know of that.
        """
        over = self._offered or self._stopped or heard.intent in (*FOR_A_PERSON, "unknown")
        if over or not self.customers or not self.customers.offer_now(self._intents):
            return None
        try:
            now = self.tools.coupons()
        except ValueError:  # the service is away, and nobody has asked for it
            return None
        of_product = [each for each in now if heard.product and each.is_for(heard.product)]
        self._shown = (of_product or now)[:1]
        return next(iter(self._shown), None)


Open = Callable[[int | str], Assistant]
"""Begin a conversation with a customer."""
