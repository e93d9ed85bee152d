"""Every address outside the book stands in a list that says when and how it was last confirmed.

The tests ask no other host for anything, so they cannot follow an address; an empty date means
that nobody has confirmed it.
"""

import csv
from pathlib import Path

from bs4 import BeautifulSoup

LIST = Path(__file__).with_name("external_links.csv")


def listed() -> list[dict[str, str]]:
    """Read the list."""
    with LIST.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def linked(pages: dict[Path, BeautifulSoup]) -> dict[str, set[str]]:
    """Give each external address of the book with the pages that link to it."""
    found: dict[str, set[str]] = {}
    for file, parsed in pages.items():
        for link in parsed.select("a[href^='http:'], a[href^='https:'], a[href^='//']"):
            if not link.find_parent(class_="run-bar"):  # made from the address in _config.yml
                found.setdefault(str(link["href"]), set()).add(file.name)
    return found


def test_every_external_link_is_listed_and_every_row_is_used(
    pages: dict[Path, BeautifulSoup],
) -> None:
    rows, links = [row["url"] for row in listed()], linked(pages)
    unlisted = [f"{url} in {sorted(where)}" for url, where in links.items() if url not in rows]
    assert not unlisted, f"add to {LIST.name}:\n" + "\n".join(unlisted)
    unused = [url for url in rows if url not in links]
    assert not unused, f"remove from {LIST.name}:\n" + "\n".join(unused)
    assert len(rows) == len(set(rows))
