"""What the files of the repository must be: the texts, the package, the notebooks."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest
from notebooks import normalize, read

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
NOTEBOOKS = [*CHAPTERS, *sorted((ROOT / "appendix").glob("*.ipynb"))]

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


# The texts


def text_files() -> dict[str, str]:
    """Read the text files that git tracks or would track, but for those of other projects."""
    command = "git -c safe.directory=* ls-files --cached --others --exclude-standard"
    listing = subprocess.run(command.split(), cwd=ROOT, capture_output=True, text=True, check=True)
    texts = {}
    for name in listing.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and not name.startswith("_static/vendor/"):
            try:
                texts[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return texts


def test_no_file_names_a_path_of_a_machine() -> None:
    machine = re.compile(r"(?<![\w.:/-])/(?:home|Users|root|tmp|work|opt|private|mnt)/\w[^\s\"']*")
    files = text_files()
    del files["deploy/nginx.conf"]  # its paths are those of a container
    found = {name: machine.findall(text) for name, text in files.items()}
    assert {name: paths for name, paths in found.items() if paths} == {}


# The notebooks


def code_cells(path: Path) -> list[dict[str, Any]]:
    """List the code cells of a notebook, as they are stored."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def tags(cell: dict[str, Any]) -> set[str]:
    """Name the tags of a cell."""
    return set(cell["metadata"].get("tags", []))


@each_notebook
def test_notebook_is_stored_as_make_notebooks_writes_it(path: Path) -> None:
    notebook = read(path)
    normalize(notebook)
    assert nbformat.writes(notebook) + "\n" == path.read_text(encoding="utf-8")
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))  # it was run from top to bottom


@each_notebook
def test_no_output_is_a_warning_an_error_or_a_progress_bar(path: Path) -> None:
    for cell in code_cells(path):
        for output in cell["outputs"]:
            assert output.get("name") != "stderr", output
            assert output["output_type"] != "error" or "raises-exception" in tags(cell), output
            assert "\r" not in "".join(output.get("text", [])), output
            assert not any("widget" in kind for kind in output.get("data", {})), output


def test_no_notebook_imports_what_the_package_keeps_to_itself() -> None:
    private = re.compile(r"(?:import|from) coupon_rec\S*\._.*|from coupon_rec\S* import _.*")
    cells = [(path.stem, cell) for path in NOTEBOOKS for cell in code_cells(path)]
    assert [name for name, cell in cells if private.search("".join(cell["source"]))] == []


def test_each_figure_has_a_caption_a_name_and_a_description() -> None:
    for cell in (cell for path in NOTEBOOKS for cell in code_cells(path)):
        kinds = {kind for output in cell["outputs"] for kind in output.get("data", {})}
        if any(kind.startswith("image/") for kind in kinds):
            mystnb = cell["metadata"].get("mystnb", {})
            assert mystnb.get("figure", {}).get("caption"), cell["source"]
            assert mystnb["figure"].get("name", "").startswith("fig-"), cell["source"]
            assert mystnb.get("image", {}).get("alt"), cell["source"]


def test_at_most_a_tenth_of_the_outputs_of_a_notebook_go_unverified() -> None:
    for path in NOTEBOOKS:
        cells = code_cells(path)
        ignored = [cell for cell in cells if "nbval-ignore-output" in tags(cell)]
        assert len(ignored) <= len(cells) / 10, path.stem
