"""No page asks the network for anything."""

import re
from pathlib import Path

from bs4 import BeautifulSoup

LOADING = {
    "script": ["src"],
    "link": ["href"],
    "img": ["src", "srcset"],
    "source": ["src", "srcset"],
    "video": ["src", "poster"],
    "audio": ["src"],
    "track": ["src"],
    "iframe": ["src", "srcdoc"],
    "embed": ["src"],
    "object": ["data"],
    "input": ["src"],
    "image": ["href", "xlink:href"],
    "use": ["href", "xlink:href"],
}
REMOTE = re.compile(r"^\s*(?:https?:)?//")
STYLE_REMOTE = re.compile(r"(?:url\(|@import)\s*['\"]?\s*(?:https?:)?//[^'\")\s;]*")
SCRIPT_REMOTE = re.compile(r"['\"`](?:https?:)?//[\w.-]+\.\w+[^'\"`]*['\"`]")
CDN = re.compile(
    r"unpkg\.com|jsdelivr\.net|cdnjs\.|googleapis\.com|gstatic\.com|googletagmanager\.com"
    r"|google-analytics\.com|plausible\.io|bootstrapcdn\.com|kit\.fontawesome\.com|polyfill\.io"
    r"|esm\.sh|skypack\.dev|mybinder\.org"
)


def remote_style(css: str) -> list[str]:
    """Addresses on the network that a browser would load for this CSS."""
    return STYLE_REMOTE.findall(re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL))


def test_no_page_loads_from_the_network(pages: dict[Path, BeautifulSoup]) -> None:
    found = [
        f"{file.name}: <{tag.name} {name}={tag[name]}>"
        for file, page in pages.items()
        for tag in page.find_all(list(LOADING))
        for name in LOADING[tag.name]
        if REMOTE.match(str(tag.get(name, ""))) and tag.get("rel") != ["canonical"]
    ]
    assert found == []


def test_no_inline_script_or_style_names_a_remote_address(pages: dict[Path, BeautifulSoup]) -> None:
    found = []
    for file, page in pages.items():
        for script in page.find_all("script"):
            found += [f"{file.name}: {hit}" for hit in SCRIPT_REMOTE.findall(script.text)]
        styles = [tag.text for tag in page.find_all("style")]
        styles += [str(tag["style"]) for tag in page.find_all(style=True)]
        found += [f"{file.name}: {hit}" for css in styles for hit in remote_style(css)]
    assert found == []


def test_no_stylesheet_or_drawing_loads_from_the_network(site: Path) -> None:
    found = [
        f"{file.relative_to(site)}: {hit}"
        for kind in ("*.css", "*.svg")
        for file in sorted(site.rglob(kind))
        for hit in remote_style(file.read_text("utf-8"))
        + re.findall(r"href=['\"](?:https?:)?//[^'\"]*", file.read_text("utf-8"))
    ]
    assert found == []


def test_no_script_names_a_cdn(site: Path) -> None:
    found = [
        f"{file.relative_to(site)}: {hit}"
        for file in sorted(site.rglob("*.js"))
        for hit in CDN.findall(file.read_text("utf-8"))
    ]
    assert found == []
