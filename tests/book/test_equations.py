"""Equations are set while the book is built."""

import subprocess
import sys
from pathlib import Path

import pytest
from equations import typeset
from playwright.sync_api import Browser
from reader import open_page

EXTENSIONS = Path(__file__).parents[2] / "_ext"
STRAY = r"""() => [...document.querySelectorAll('.math')].flatMap(symbol => {
    const after = symbol.nextSibling;
    if (symbol.querySelectorAll('.base').length !== 1 || !/^[,.;:)]/.test(after?.data ?? '')) {
        return [];
    }
    const mark = document.createRange();
    mark.setStart(after, 0);
    mark.setEnd(after, 1);
    const stays = mark.getBoundingClientRect().top < symbol.getBoundingClientRect().bottom;
    return [stays ? '' : symbol.parentElement.textContent];
})"""


def test_an_equation_is_drawn_for_the_eye_and_said_for_the_ear() -> None:
    drawn = typeset(r"\user{u} \to \coupon{c}")
    assert '<span class="enclosing user">' in drawn
    assert "<math" in drawn and r"\user{u} \to \coupon{c}</annotation>" in drawn


def test_a_wrong_equation_stops_the_build() -> None:
    with pytest.raises(Exception, match=r"ParseError: KaTeX parse error: .*\\frack"):
        typeset(r"\frack{1}{2}")


def test_python_ends_after_an_equation() -> None:
    code = "import equations; equations.typeset('x')"
    subprocess.run([sys.executable, "-c", code], cwd=EXTENSIONS, check=True, timeout=600)


def test_no_line_begins_with_the_mark_after_a_symbol(browser: Browser, site: Path) -> None:
    page = browser.new_page()
    open_page(page, site / "chapters" / "04_likelihood.html")
    page.wait_for_selector("html[data-equations]")
    for width in range(320, 440, 8):
        page.set_viewport_size({"width": width, "height": 900})
        found = page.evaluate(STRAY)
        assert found
        assert set(found) == {""}
    page.close()
