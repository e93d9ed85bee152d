"""Every link and file inside the book leads somewhere."""

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


def test_every_number_of_the_prose_is_filled_in(pages: dict[Path, BeautifulSoup]) -> None:
    prose = {
        file.name: [text for text in page.find_all(string=True) if not text.find_parent("code")]
        for file, page in pages.items()
    }
    assert [name for name, texts in prose.items() if any("{glue:" in t for t in texts)] == []
