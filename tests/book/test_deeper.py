"""A box lies beside the path: folded on the page, with what it needs, its cells and its end."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser
from reader import open_page

START = ":::{deeper-start} Why *this* rule\n:needs: a limit\n:minutes: 4\n:class: dropdown\n:::"
BOX = f"{START}\n\nIt has a reason."
CONF = """
extensions = ["myst_nb", "deeper"]
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = "off"
root_doc = "page"
html_theme = "basic"
"""
EXTENSIONS = Path(__file__).parents[2] / "_ext"
END = "% deeper dropdown\n\nWhich ends here.\n\n:::{deeper-end}\n:::\n\nThe path goes on."


def build(folder: Path, *texts: str) -> tuple[BeautifulSoup, str]:
    """Build a page of Markdown cells with a code cell between them; give it and its warnings."""
    output = new_output("stream", text="4\n")
    first, *others = (new_markdown_cell(text) for text in texts)
    cells = [first, new_code_cell("print(2 + 2)", outputs=[output]), *others]
    language = {"language_info": {"name": "python", "pygments_lexer": "python"}}
    folder.joinpath("conf.py").write_text(CONF)
    nbformat.write(new_notebook(cells=cells, metadata=language), folder / "page.ipynb")
    command = [sys.executable, "-m", "sphinx", "-q", "--no-color", folder, folder / "html"]
    built = subprocess.run(command, cwd=EXTENSIONS, capture_output=True, text=True, check=False)
    page = (folder / "html" / "page.html").read_text("utf-8")
    return BeautifulSoup(page, "html.parser"), built.stderr


def test_a_box_holds_what_lies_between_its_marks(tmp_path: Path) -> None:
    page, warnings = build(tmp_path, f"# Title\n\nThe path.\n\n{BOX}", END)
    assert warnings == ""
    box = page.select_one(".admonition.deeper.dropdown")
    assert box.select_one(".admonition-title").text == "Deeper: Why this rule"
    assert box.select_one(".deeper-needs").text == "Needs a limit. 4 minutes."
    assert "4" in box.select_one(".cell_output").text
    assert "Which ends here." in box.text
    assert "The path" not in box.text
    assert "% deeper" not in page.text


@pytest.mark.slow
def test_the_boxes_of_a_page_are_folded_and_open(
    browser: Browser, pages: dict[Path, BeautifulSoup]
) -> None:
    most = max(pages, key=lambda file: len(pages[file].select(".deeper")))
    page = browser.new_page(viewport={"width": 390, "height": 900})
    open_page(page, most)
    boxes = page.locator(".deeper").all()
    assert boxes
    for box in boxes:
        body = box.locator(".deeper-body")
        assert not body.is_visible()
        box.locator("button.toggle-button").first.click()
        assert body.is_visible()
    page.close()
