"""What a reader does before anything else."""

from pathlib import Path

from playwright.sync_api import Page


def open_page(page: Page, file: Path) -> None:
    """Open a page of the book and wait until its scripts are there."""
    page.goto(file.as_uri())
    page.wait_for_function("typeof Documentation !== 'undefined'")
