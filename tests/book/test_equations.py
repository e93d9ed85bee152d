"""Equations are set while the book is built."""

import subprocess
import sys
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


def test_python_ends_after_an_equation() -> None:
    code = "import equations; equations.typeset('x')"
    subprocess.run([sys.executable, "-c", code], cwd=EXTENSIONS, check=True, timeout=60)
