"""What stands around the text of a page: the way to it, the way on, how to run it, its card."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
import yaml
from bs4 import BeautifulSoup, Tag
from bundle import rebase
from cards import published_at
from fontTools.ttLib import TTFont
from jupyter_book.config import get_final_config
from not_found import root_links
from repairs import fix
from run_bar import colab_cell, launch_links, run_bar
from sitemap import write_sitemap
from slim import is_used

ROOT = Path(__file__).parents[2]
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
ADDRESS = "https://github.com/Someone/coupons"
NOTEBOOK = "chapters/04_likelihood.ipynb"

Pages = dict[Path, BeautifulSoup]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chapters(pages: Pages) -> Pages:
    return {file: page for file, page in pages.items() if file.parent.name == "chapters"}


@pytest.fixture(scope="module")
def contents(site: Path, pages: Pages) -> Pages:
    """Every page that the table of contents names."""
    others = {site / name for name in ("404.html", "index.html", "search.html")}
    return {file: page for file, page in pages.items() if file not in others}


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


@pytest.mark.parametrize("address", ["", "https://example.org/coupons", "coupons"])
def test_a_book_without_an_address_on_github_names_no_service(address: str) -> None:
    assert launch_links(address, "main", NOTEBOOK) == {}
    assert published_at(address) == ""
    assert "https:" not in run_bar(NOTEBOOK, "04_likelihood.ipynb", {})


@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}/", f"{ADDRESS}.git"])
def test_one_address_opens_each_chapter_in_binder_and_colab(address: str) -> None:
    bar = run_bar(NOTEBOOK, "04_likelihood.ipynb", launch_links(address, "main", NOTEBOOK))
    links = [link["href"] for link in BeautifulSoup(bar, "html.parser").select("a")]
    assert links[1:] == [
        f"https://mybinder.org/v2/gh/Someone/coupons/main?urlpath=lab/tree/{NOTEBOOK}",
        f"https://colab.research.google.com/github/Someone/coupons/blob/main/{NOTEBOOK}",
    ]
    assert published_at(address) == "https://someone.github.io/coupons/"


def test_the_address_in_the_settings_reaches_the_pages(tmp_path: Path) -> None:
    settings = (ROOT / "_config.yml").read_text("utf-8")
    with_address = tmp_path / "_config.yml"
    with_address.write_text(re.sub('(?<= &repository )".*"', f'"{ADDRESS}"', settings), "utf-8")
    given = {"latex_individualpages": False}
    config, _ = get_final_config(user_yaml=with_address, cli_config=given)
    options = config["html_theme_options"]
    assert (options["repository_url"], options["repository_branch"]) == (ADDRESS, "main")


def test_in_colab_a_first_cell_brings_the_package_and_the_files_beside_the_chapters() -> None:
    links = launch_links(ADDRESS, "main", NOTEBOOK)
    bar = run_bar(NOTEBOOK, "04_likelihood.ipynb", links, colab_cell(ADDRESS))
    install, go = only(BeautifulSoup(bar, "html.parser"), "details pre").text.splitlines()
    assert install == f"!git clone -q --depth 1 {ADDRESS} /book && pip install -q '/book[book]'"
    assert go == "%cd /book/chapters"
    assert "<details>" not in run_bar(NOTEBOOK, "04_likelihood.ipynb", {})


def test_the_sitemap_lists_every_page_if_the_site_has_an_address(
    site: Path, contents: Pages
) -> None:
    base, file = published_at(REPOSITORY), site / "sitemap.xml"
    assert file.exists() == bool(base)
    listed = re.findall("<loc>(.+)</loc>", file.read_text("utf-8")) if base else []
    assert not base or set(listed) == {
        base + name.relative_to(site).as_posix() for name in contents
    }


@pytest.mark.parametrize("base", ["", "https://b.org/a/"])
def test_no_sitemap_has_addresses_that_are_not_whole(base: str, tmp_path: Path) -> None:
    app = SimpleNamespace(
        builder=SimpleNamespace(name="html", get_target_uri="{}.html".format),
        config=SimpleNamespace(html_baseurl=base),
        env=SimpleNamespace(found_docs={"intro", "chapters/01_first_coupon"}),
        outdir=tmp_path,
    )
    write_sitemap(app, None)
    file = tmp_path / "sitemap.xml"
    assert file.exists() == bool(base)
    if base:
        urls = [
            element.text for element in ElementTree.parse(file).getroot().iter() if element.text
        ]
        assert [url for url in urls if url.strip()] == [
            "https://b.org/a/chapters/01_first_coupon.html",
            "https://b.org/a/intro.html",
        ]


def test_the_page_of_a_wrong_address_finds_its_files_at_any_depth(site: Path) -> None:
    page = '<a href="intro.html"></a><a href="#main"></a><img src="_static/a.svg"><a href="https://b.org">'
    assert root_links(page, "https://someone.github.io/coupons/") == (
        '<a href="/coupons/intro.html"></a><a href="#main"></a>'
        '<img src="/coupons/_static/a.svg"><a href="https://b.org">'
    )
    assert "not in the book" in (site / "404.html").read_text("utf-8")


def test_a_repair_touches_only_its_fault() -> None:
    sound = '<table><tr><th scope="col">a</th></tr></table><style>p {}</style><p id="exercise-1">'
    assert fix(sound) == sound
    assert fix('<th class="head"></th>') == '<td class="head"></td>'


@pytest.mark.parametrize(
    ("selector", "used"),
    [
        ("html", True),
        (".a .b", True),
        (".a .c", False),
        (".c,.a", True),
        (".a:not(.c)", True),
        (":is(.c,.a) p", True),
    ],
)
def test_a_style_stays_if_the_pages_can_use_it(selector: str, used: bool) -> None:
    assert is_used(selector, {"a", "b"}) is used


def test_a_style_finds_its_files_from_the_bundle() -> None:
    css = 'url(a.ttf) url("a.ttf") url("data:x") url(data:x) url(#x) url(https://b.org/a.ttf)'
    assert rebase(css, "styles/").split() == [
        "url(styles/a.ttf)",
        'url("styles/a.ttf")',
        'url("data:x")',
        "url(data:x)",
        "url(#x)",
        "url(https://b.org/a.ttf)",
    ]


def test_the_fonts_have_every_letter_of_the_pages(site: Path, pages: Pages) -> None:
    shown = set().union(*(page.get_text() for page in pages.values()))
    for font in (ROOT / "_static" / "vendor" / "fonts").glob("*.woff2"):
        slimmed = site / "_static" / "vendor" / "fonts" / font.name
        there, kept = (set(map(chr, TTFont(file).getBestCmap())) for file in (font, slimmed))
        assert shown & there <= kept
        assert slimmed.stat().st_size < 0.7 * font.stat().st_size
