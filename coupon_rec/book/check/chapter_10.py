"""Checkers of chapter 10, The best coupon."""

from collections.abc import Callable, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if
from coupon_rec.book.check.answers import Floats, called, number, numbers
from coupon_rec.decisions import Economics, allocate


@checker
def exercise_1(choice: int) -> None:
    """Check which of three coupons, or none, is worth most."""
    hints: dict[float, str] = {
        0: "multiply each probability by what a redemption earns, less the cost; not all lose.",
        1: "that is the likeliest coupon: what is it worth, after the half cent?",
        3: "that one earns most if it is redeemed; how often is it?",
    }
    place = number(choice, "answer with 0, 1, 2 or 3")
    if place != 2:
        raise Hint(hints.get(place, "answer with 0, 1, 2 or 3."))


@checker
def exercise_2(edge: Callable[[float, float, float, Economics], float]) -> None:
    """Check the incremental share at which an offer is worth nothing."""
    usual = Economics()
    for p, spend, discount in ((0.1, 8.0, 1.0), (0.02, 5.0, 0.5), (0.001, 2.0, 2.0)):
        share = number(called(edge, p, spend, discount, usual), "return one number, a share")
        gain = share * usual.margin * spend - usual.retailer_match * discount
        left = p * gain - usual.contact
        if np.isclose(left, 0, atol=1e-9):
            continue
        if np.isclose(p * gain, 0, atol=1e-9):
            raise Hint("that pays for the discount; the letter has to be paid as well.")
        if np.isclose(gain, usual.contact):
            raise Hint("the letter is paid for every offer, the rest only when redeemed.")
        what = f"p = {p:g}, spend {spend:g}, discount {discount:g}"
        raise Hint(f"{what}: put your {share:.3g} back; the value is {left:.4f}, not zero.")


@checker
def exercise_3(value: ArrayLike) -> None:
    """Check a case in which to serve the first user first is far from the best."""
    value = numbers(value, (2, 2), "two users by two coupons make the shape (2, 2)", finite=False)
    if not np.isfinite(value).all() or (value <= 0).any():
        raise Hint("let every coupon be worth something to everybody.")
    first = int(value[0].argmax())
    served = value[0, first] + value[1, 1 - first]
    share = served / allocate(value, caps=[1, 1], method="exact").value
    if share < 0.6:
        return
    if np.isclose(share, 1):
        raise Hint("here nobody stands in anybody's way: let both want the same coupon.")
    raise Hint(f"first come, first served still earns {100 * share:.0f}% of the best.")


@checker
def exercise_4(bundle: Callable[[Floats, Sequence[str], int], Sequence[int]]) -> None:
    """Check one user's best bundle under groups."""
    rng = np.random.default_rng(0)
    for trial in range(30):
        values = rng.normal(0.2, 1, size=6).round(3)
        groups = rng.choice(list("abc"), 6).tolist()
        k = 1 + trial % 3
        reply = _places(called(bundle, values, groups, k), len(values))
        of = [groups[place] for place in reply]
        if len(reply) > k:
            raise Hint(f"{len(reply)} coupons, where {k} are allowed.")
        if any(values[place] <= 0 for place in reply):
            raise Hint("a coupon that is worth nothing, or less, stays in the drawer.")
        hint_if(len(set(of)) < len(of), f"groups {of}: two coupons of one group.")
        best = allocate(values[None], k=k, groups=groups, method="exact").value
        if not np.isclose(values[reply].sum(), best):
            raise Hint(f"worth {values[reply].sum():.3f}; a bundle worth {best:.3f} exists.")


@checker
def exercise_5(by_chance: Callable[[list[set[str]], str, str], float]) -> None:
    """Check how many common baskets chance makes of one user's lines."""
    for baskets in (
        [{"tea", "jam", "milk", "rice", "salt"}, {"tea"}, {"jam", "eggs"}, {"tea"}],
        [{"tea", "jam"}, {"tea", "jam"}, {"milk", "eggs"}],
        [{"tea"}, {"jam"}, {"tea"}],
    ):
        wanted = "return one number of baskets"
        reply = number(called(by_chance, [*map(set, baskets)], "tea", "jam"), wanted)
        size = np.array([len(basket) for basket in baskets])
        lines, meet = size.sum(), (size * (size - 1)).sum()
        tea, jam = (sum(item in basket for basket in baskets) for item in ("tea", "jam"))
        seen = sum({"tea", "jam"} <= basket for basket in baskets)
        with_itself = tea * jam * (size**2).sum() / lines**2
        right = tea * jam * meet / (lines * (lines - 1))
        put_back = tea * jam * meet / lines**2
        hints = {
            "that is what was seen; what would shuffled lines make?": seen,
            "that takes all baskets for equally large, and lets a line lie where another one is.": (
                tea * jam / len(baskets)
            ),
            "a line cannot meet itself: of s lines, s - 1 are left to meet.": with_itself,
            "once the first line has its place, S - 1 are left for the second.": put_back,
            "that is the chance of two given lines; how many such pairs of lines are there?": (
                meet / (lines * (lines - 1))
            ),
            f"baskets of {size.tolist()} lines: {reply:.3f} is not what chance makes.": OTHERWISE,
        }
        compare(reply, right, hints, rtol=1e-5)


def _places(answer: Any, coupons: int) -> list[int]:
    wanted = "return the places of the coupons in the bundle, a list of whole numbers"
    answer = list(answer) if isinstance(answer, Set) else answer
    places = numbers(answer, None, wanted).ravel().tolist()
    if any(place not in range(coupons) for place in places):
        raise Hint(f"{wanted} from 0 to {coupons - 1}.")
    return [int(place) for place in places]
