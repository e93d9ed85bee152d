"""The pages are valid HTML, by the Nu checker of the W3C."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from bs4 import BeautifulSoup


@pytest.mark.slow
def test_every_page_is_valid_html(
    pages: dict[Path, BeautifulSoup],
    site: Path,
    judge: Callable[[str], Path],
    unavailable: Callable[[str], NoReturn],
) -> None:
    checker = judge("vnu-jar/build/dist/vnu.jar")
    java = shutil.which("java") or unavailable("no Java on the path: install it to check the HTML")
    command = [java, "-jar", checker, "--format", "json", "--errors-only", *pages]
    said = subprocess.run(command, capture_output=True, text=True).stderr
    errors = [
        f"{m['url'].removeprefix(f'file:{site}/')}:{m.get('lastLine')}: {m['message']}"
        for m in json.loads(said)["messages"]
    ]
    assert not errors, "\n".join(errors)
