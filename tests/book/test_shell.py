"""What stands around the text of a page: the way to it, the way on, how to run it, its card."""

import json
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup, Tag
from cards import published_at
from run_bar import launch_links, run_bar

ROOT = Path(__file__).parents[2]
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
ADDRESS = "https://github.com/Someone/coupons"
NOTEBOOK = "chapters/04_likelihood.ipynb"

Pages = dict[Path, BeautifulSoup]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chapters(pages: Pages) -> Pages:
    return {file: page for file, page in pages.items() if file.parent.name == "chapters"}


def only(page: Tag, selector: str) -> Tag:
    """Give the one element that a selector finds."""
    found = page.select(selector)
    assert len(found) == 1, f"{selector}: {len(found)}"
    return found[0]


def test_previous_and_next_lead_through_the_whole_book(site: Path, pages: Pages) -> None:
    file, seen = site / "intro.html", []
    while file not in seen:
        seen.append(file)
        if not (onward := pages[file].select_one(".prev-next-area a.right-next")):
            break
        following = (file.parent / str(onward["href"])).resolve()
        back = only(pages[following], ".prev-next-area a.left-prev")
        assert (following.parent / str(back["href"])).resolve() == file
        file = following
    sources = {file for file in pages if file.parent.name in ("chapters", "appendix")}
    assert set(seen) >= sources


def test_every_chapter_says_how_to_run_it(site: Path, chapters: Pages) -> None:
    for file, page in chapters.items():
        bar = only(page, ".run-bar")
        download = only(bar, "a[download]")
        notebook = (file.parent / str(download["href"])).resolve()
        assert json.loads(notebook.read_text("utf-8"))["cells"]
        assert download["download"] == notebook.name == f"{file.stem}.ipynb"
        assert "make lab" in bar.text
        services = [link.text for link in bar.select("a[href^='https:']")]
        expected = launch_links(REPOSITORY, "main", f"chapters/{file.stem}.ipynb")
        assert services == [f"Open in {name}" for name in expected]


@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}/", f"{ADDRESS}.git"])
def test_one_address_opens_each_chapter_in_binder_and_colab(address: str) -> None:
    bar = run_bar(NOTEBOOK, "04_likelihood.ipynb", launch_links(address, "main", NOTEBOOK))
    links = [link["href"] for link in BeautifulSoup(bar, "html.parser").select("a")]
    assert links[1:] == [
        f"https://mybinder.org/v2/gh/Someone/coupons/main?urlpath=lab/tree/{NOTEBOOK}",
        f"https://colab.research.google.com/github/Someone/coupons/blob/main/{NOTEBOOK}",
    ]
    assert published_at(address) == "https://someone.github.io/coupons/"
