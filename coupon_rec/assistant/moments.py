"""When to offer: what a customer has said so far, and what an offer earns or spoils."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

KINDS: Final = ("decided", "undecided", "upset")
"""Who would buy anyway, whom an offer may win, and whom it annoys."""


@dataclass(frozen=True)
class Customers:
    """What is known of customers before one of them says a word.

    The defaults are those of the simulated customers of the book, and nobody else's: estimate your
    own from dialogues in which chance decided about the offer.

    Attributes
    ----------
    share : tuple of float
        Of each of `KINDS`; they add up to 1.
    says : mapping of str to tuple of float
        How probably a turn of each kind is of an intent; each kind's add up to 1.
    gain : tuple of float
        Expected profit that an offer adds, in currency, by kind.
    leaves : float
        How probably a customer has left before the next turn, in [0, 1].
    """

    share: tuple[float, float, float] = (0.45, 0.35, 0.20)
    says: Mapping[str, tuple[float, float, float]] = field(
        default_factory=lambda: {
            "hello": (0.25, 0.25, 0.10),
            "product": (0.22, 0.45, 0.10),
            "use": (0.32, 0.05, 0.03),
            "why": (0.03, 0.10, 0.05),
            "thanks": (0.12, 0.05, 0.02),
            "unknown": (0.04, 0.08, 0.15),
            "complaint": (0.02, 0.02, 0.55),
        }
    )
    gain: tuple[float, float, float] = (-0.90, 0.60, -1.20)
    leaves: float = 0.25

    def __post_init__(self) -> None:
        rows = [self.share, *self.says.values()]
        if any(len(each) != len(KINDS) for each in [*rows, self.gain]):
            raise ValueError(f"what is said of customers must be {len(KINDS)} numbers, one a kind")
        shares = [self.share, *zip(*rows[1:], strict=True)]
        if not all(min(each) >= 0 and abs(sum(each) - 1) <= 1e-9 for each in shares):
            raise ValueError(
                "the shares, and what each kind says, must be 0 or more and add up to 1"
            )
        if not 0 <= self.leaves <= 1:
            raise ValueError(f"leaves is {self.leaves}: it must be in [0, 1]")

    def believed(self, intents: Sequence[str]) -> NDArray[np.float64]:
        """Give the probability of each kind after some turns, equation `eq-kinds`: shape (3,).

        Intents that are not in `says` tell nothing, and neither do those that no kind would have.

        Examples
        --------
        >>> Customers().believed(["product"]).round(2)
        array([0.36, 0.57, 0.07])
        """
        belief = np.array(self.share)
        for intent in intents:
            joint = belief * self.says.get(intent, (1.0, 1.0, 1.0))
            if joint.any():
                belief = joint / joint.sum()
        return belief

    def expected(self, intents: Sequence[str]) -> float:
        """Give what an offer now is expected to add to profit, in currency."""
        return float(self.believed(intents) @ self.gain)

    def offer_now(self, intents: Sequence[str]) -> bool:
        """Say whether an offer pays, and pays more now than after one more turn: `eq-moment`.

        Examples
        --------
        >>> Customers().offer_now(["hello"]), Customers().offer_now(["product", "product"])
        (False, True)
        """
        now, belief = self.expected(intents), self.believed(intents)
        later = sum(
            float(belief @ chances) * max(0.0, self.expected([*intents, intent]))
            for intent, chances in self.says.items()
        )
        return now > 0 and now >= (1 - self.leaves) * later
