"""Equations are set while the book is built."""

from pathlib import Path

import pytest
from equations import typeset

EXTENSIONS = Path(__file__).parents[2] / "_ext"


def test_an_equation_is_drawn_for_the_eye_and_said_for_the_ear() -> None:
    drawn = typeset(r"\user{u} \to \coupon{c}")
    assert '<span class="enclosing user">' in drawn
    assert "<math" in drawn and r"\user{u} \to \coupon{c}</annotation>" in drawn


def test_a_wrong_equation_stops_the_build() -> None:
    with pytest.raises(Exception, match=r"ParseError: KaTeX parse error: .*\\frack"):
        typeset(r"\frack{1}{2}")
