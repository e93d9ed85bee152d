"""Who cannot see a figure can read what it shows."""

import re
from pathlib import Path

from bs4 import BeautifulSoup


def test_every_picture_has_a_description(pages: dict[Path, BeautifulSoup]) -> None:
    pictures = [
        (file, picture) for file, page in pages.items() for picture in page.select("article img")
    ]
    undescribed = [
        f"{file.name}: {picture.get('src')}"
        for file, picture in pictures
        if len(alt := str(picture.get("alt", "")).strip()) < 20
        or re.search(r"^\S+$|\.(png|svg|jpe?g|webp)$", alt)
    ]
    assert pictures
    assert undescribed == []


def test_every_figure_has_a_caption(pages: dict[Path, BeautifulSoup]) -> None:
    uncaptioned = [
        f"{file.name}: {figure.get('id')}"
        for file, page in pages.items()
        for figure in page.select("article figure")
        if not figure.select_one("figcaption .caption-text")
    ]
    assert uncaptioned == []


def test_every_plot_stands_in_a_figure(pages: dict[Path, BeautifulSoup]) -> None:
    bare = [
        f"{file.name}: {picture.get('src')}"
        for file, page in pages.items()
        for picture in page.select("article .cell_output img")
        if not picture.find_parent("figure")
    ]
    assert bare == []
