"""Copy the assistant's rules and sentences into the page's figure: `python tools/page_rules.py`.

Nothing of `_static/live/hearing.js` between its two marks is written by hand.
"""

import json
from pathlib import Path

from coupon_rec.assistant import Customers, asking, phrases
from coupon_rec.assistant.talking import BETWEEN, MAX_TURNS, SAYS

SCRIPT = Path(__file__).parents[1] / "_static" / "live" / "hearing.js"
BEGIN, END = "  // Written by tools/page_rules.py:\n", "  // Until here.\n"


def script() -> str:
    """Give the script with the rules and sentences of today."""
    customers = Customers()
    facts = {
        "SIGNS": phrases.SIGNS,
        "SHORT": phrases.SHORT,
        "AGREES": phrases.AGREES,
        "WAVERS": phrases.WAVERS,
        "HELLO": phrases.HELLO,
        "GLAD": phrases.GLAD,
        "DECLINES": phrases.DECLINES,
        "RULES": phrases.RULES,
        "DESK": phrases.DESK,
        "POLITE": phrases.POLITE,
        "WONDERS": asking.WONDERS,
        "CONCERNS": asking.CONCERNS,
        "MAY_CONCERN": asking.MAY_CONCERN,
        "OTHER_THINGS": asking.OTHER_THINGS,
        "NOUN": phrases.NOUN,
        "BUT": asking.BUT,
        "ASKS": asking.ASKS,
        "BARE": asking.BARE,
        "ABOUT": asking.ABOUT,
        "REFUSES": asking.REFUSES,
        "LACKS": asking.LACKS,
        "OFFERING": phrases.OFFERING,
        "PLACES": phrases.PLACES,
        "PLACE": phrases.PLACE,
        "WHICH": phrases.WHICH,
        "SAYS": SAYS,
        "BETWEEN": BETWEEN,
        "TELLS": dict(customers.says),
        "GAIN": customers.gain,
        "LEAVES": customers.leaves,
        "MOST_TURNS": MAX_TURNS,
    }
    lines = [f"  const {name} = {written(value)};\n" for name, value in facts.items()]
    before, rest = SCRIPT.read_text("utf-8").split(BEGIN)
    return before + BEGIN + "".join(lines) + END + rest.split(END)[1]


def written(value: object) -> str:
    """Write a constant, each of its parts on a line."""
    if isinstance(value, dict):
        rows = [f"    {name}: {written_flat(each)},\n" for name, each in value.items()]
        return "{\n" + "".join(rows) + "  }"
    if isinstance(value, tuple) and not isinstance(value[0], float):
        return "[\n" + "".join(f"    {written_flat(each)},\n" for each in value) + "  ]"
    return written_flat(value)


def written_flat(value: object) -> str:
    """Write a constant on one line."""
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    SCRIPT.write_text(script(), "utf-8")
