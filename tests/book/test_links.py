"""Every link and file inside the book leads somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup


def test_every_internal_link_and_file_resolves(pages: dict[Path, BeautifulSoup]) -> None:
    anchors = {
        file.resolve(): {str(tag.get("id") or tag.get("name")) for tag in page.find_all(True)}
        for file, page in pages.items()
    }
    broken = []
    for file, page in pages.items():
        for tag in page.find_all(["a", "link", "img", "script"]):
            link = urlsplit(str(tag.get("href") or tag.get("src") or ""))
            if link.scheme or link.netloc:
                continue
            target = (file.parent / unquote(link.path)).resolve() if link.path else file.resolve()
            anchor = unquote(link.fragment)
            if not target.exists() or (anchor and anchor not in anchors.get(target, {anchor})):
                broken.append(f"{file.name}: {link.geturl()}")
    assert broken == []


def test_no_page_shows_markup_that_was_not_read(pages: dict[Path, BeautifulSoup]) -> None:
    shown = []
    for file, page in pages.items():
        for tag in page.select("article :is(p, li, td, th, dd, figcaption, h1, h2, h3)"):
            text = "".join(t for t in tag.strings if not t.find_parent(["code", "pre"]))
            if found := re.search(r"\{[a-z:]+\}`", text):
                shown.append(f"{file.name}: {found[0]} in {text.strip()[:60]}")
    assert not shown, "\n".join(shown)
