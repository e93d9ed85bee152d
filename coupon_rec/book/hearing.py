"""What is said in the recordings of chapter 23."""

from importlib.util import find_spec

from coupon_rec.book import cards

THINGS = [thing.lower() for thing in cards.THINGS]
SPOKEN = {
    "coffee": "do you have any coupons for coffee",
    "dog-food": "show me my coupons for dog food",
    "frozen-pizza": "show me any coupons for frozen pizza this week",
    "paper-towels": "are there my coupons for paper towels this week",
    "cereal": "do you have my coupons for cereal",
    "orange-juice": "do you have any coupons for orange juice",
    "weather": "what is the weather in boston",
    "taxi": "call me a taxi",
}
"""What is said in each file of `data/speech`."""


def installed() -> bool:
    """Whether pocketsphinx is there; it has no ready-made package for Python 3.12."""
    return find_spec("pocketsphinx") is not None
