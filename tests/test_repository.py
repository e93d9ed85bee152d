"""What the files of the repository must be: the lock, the layout, the rooms, the notebooks."""

import json
import re
import runpy
import statistics
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pytest
from notebooks import normalize, read
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
NOTEBOOKS = [*CHAPTERS, *sorted((ROOT / "appendix").glob("*.ipynb"))]
MODULES = sorted((ROOT / "coupon_rec").rglob("*.py"))

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix()
)


@each_module
def test_a_file_of_the_package_is_no_longer_than_440_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 440 or "book" in path.parts


# The lock


def direct_requirements() -> list[Requirement]:
    """List the dependencies of the package and of all its extras, but for the package itself."""
    extras = PROJECT["optional-dependencies"].values()
    lines = [line for group in [PROJECT["dependencies"], *extras] for line in group]
    return [each for each in map(Requirement, lines) if each.name != PROJECT["name"]]


def locked() -> list[tuple[Requirement, set[str]]]:
    """List the pins of the lock, each with the packages that asked for it."""
    pins: list[tuple[Requirement, set[str]]] = []
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if not line.startswith((" ", "#")):
            pins.append((Requirement(line), set()))
        elif pins:
            parent = line.strip("# ").removeprefix("via").strip()
            pins[-1][1].update({parent.split()[0]} if parent else set())
    return pins


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("requirement", direct_requirements(), ids=str)
def test_lock_pins_each_dependency_once_and_inside_its_range(
    requirement: Requirement, python: str
) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.9"}
    versions = [
        next(iter(pin.specifier)).version
        for pin, _ in locked()
        if canonicalize_name(pin.name) == canonicalize_name(requirement.name)
        and (pin.marker is None or pin.marker.evaluate(environment))
    ]
    wanted = requirement.marker is None or requirement.marker.evaluate(environment)
    assert len(versions) == wanted, "run make lock"
    assert all(requirement.specifier.contains(version) for version in versions), "run make lock"


def test_lock_holds_nothing_that_no_dependency_asks_for() -> None:
    asked_by = {pin.name: parents for pin, parents in locked()}
    direct = {canonicalize_name(requirement.name) for requirement in direct_requirements()}
    assert {name for name, parents in asked_by.items() if PROJECT["name"] in parents} == direct
    for name, parents in asked_by.items():
        assert parents, f"{name} is pinned, but nothing asks for it: run make lock"
        assert parents <= {PROJECT["name"], "-c", *asked_by}, name  # -c: a constraint of tool.uv


# The layout


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
    found = {name: machine.findall(text) for name, text in text_files().items()}
    assert {name: paths for name, paths in found.items() if paths} == {}


def test_documents_name_only_commands_that_make_has() -> None:
    commands = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ["README.md", "CONTRIBUTING.md"]:
        named = set(re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", (ROOT / name).read_text(), re.M))
        assert {first or second for first, second in named} <= commands, name


def test_the_readme_says_what_make_test_spends_its_time_on() -> None:
    seconds = json.loads((ROOT / "tests" / "seconds.json").read_text())
    notebooks, pages = (
        sum(each for name, each in seconds.items() if part in name) / sum(seconds.values())
        for part in (".ipynb", "tests/book/")
    )
    said = f"{notebooks:.0%} of its work is the notebooks and {pages:.0%} the pages"
    assert said in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", ["README.md", "data/SCHEMA.md", "appendix/faq.md"])
def test_a_reader_with_tables_of_schema_1_is_led_to_what_has_changed(name: str) -> None:
    assert "UPGRADING.md" in (ROOT / name).read_text()


def test_the_citation_names_the_version() -> None:
    assert f"\nversion: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text()


@each_notebook
def test_notebook_is_in_the_table_of_contents(path: Path) -> None:
    assert f"{path.parent.name}/{path.stem}" in (ROOT / "_toc.yml").read_text().split()


# The package


def test_importing_the_package_does_not_import_tensorflow() -> None:
    code = "import sys, coupon_rec; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# The notebooks


def code_cells(path: Path) -> list[dict[str, Any]]:
    """List the code cells of a notebook, as they are stored."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def tags(cell: dict[str, Any]) -> set[str]:
    """Name the tags of a cell."""
    return set(cell["metadata"].get("tags", []))


def figure_names() -> list[str]:
    """List the names of the figures that code cells draw, in the whole book."""
    figures = [
        cell["metadata"].get("mystnb", {}).get("figure", {})
        for path in NOTEBOOKS
        for cell in code_cells(path)
    ]
    return [figure["name"] for figure in figures if "name" in figure]


@each_notebook
def test_notebook_is_stored_as_make_notebooks_writes_it(path: Path) -> None:
    notebook = read(path)
    normalize(notebook)
    assert nbformat.writes(notebook) + "\n" == path.read_text(encoding="utf-8")


@each_notebook
def test_notebook_was_run_from_top_to_bottom(path: Path) -> None:
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


def test_the_status_page_has_the_cost_of_each_chapter_and_of_nothing_else() -> None:
    costs = json.loads((ROOT / "appendix" / "status.json").read_text())
    assert costs.keys() == {path.stem for path in CHAPTERS}, "run make notebooks"
    shown = re.findall(r"`\.\./chapters/(\w+)`", (ROOT / "appendix" / "status.md").read_text())
    assert sorted(shown) == sorted(costs)


@each_notebook
def test_no_output_is_a_warning_an_error_or_a_progress_bar(path: Path) -> None:
    for cell in code_cells(path):
        for output in cell["outputs"]:
            assert output.get("name") != "stderr", output
            assert output["output_type"] != "error" or "raises-exception" in tags(cell), output
            assert "\r" not in "".join(output.get("text", [])), output
            assert not any("widget" in kind for kind in output.get("data", {})), output


@each_notebook
def test_no_notebook_imports_what_the_package_keeps_to_itself(path: Path) -> None:
    sources = "\n".join("".join(cell["source"]) for cell in code_cells(path))
    assert not re.findall(
        r"(?:import|from) coupon_rec\S*\._.*|from coupon_rec\S* import _.*", sources
    )


@each_notebook
def test_code_cells_are_short(path: Path) -> None:
    hidden = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
    lengths = [
        sum(bool(line.strip()) for line in cell["source"])
        for cell in code_cells(path)
        if not tags(cell) & hidden
    ]
    assert statistics.median(lengths) <= 6
    assert statistics.quantiles(lengths, n=10)[-1] <= 15


@each_notebook
def test_each_figure_has_a_caption_a_name_and_a_description(path: Path) -> None:
    for cell in code_cells(path):
        kinds = {kind for output in cell["outputs"] for kind in output.get("data", {})}
        if any(kind.startswith("image/") for kind in kinds):
            mystnb = cell["metadata"].get("mystnb", {})
            assert mystnb.get("figure", {}).get("caption"), cell["source"]
            assert mystnb["figure"].get("name", "").startswith("fig-"), cell["source"]
            assert mystnb.get("image", {}).get("alt"), cell["source"]


def test_each_figure_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(figure_names()).items() if count > 1] == []


@each_notebook
def test_at_most_a_tenth_of_the_outputs_go_unverified(path: Path) -> None:
    cells = code_cells(path)
    ignored = [cell for cell in cells if "nbval-ignore-output" in tags(cell)]
    assert len(ignored) <= len(cells) / 10


# How exactly a stored output has to come out again


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("AUC 0.94 p=0.18 n=837", True),
        ("AUC  0.93 p=-0.00 n=837", False),
        ("AUC 0.94 p=0.17 n=838", False),
        ("AUC 0.94 p=0.50 n=837", False),
    ],
)
def test_a_trained_output_may_differ_in_its_decimals_a_little(text: str, same: bool) -> None:
    snap = runpy.run_path(str(ROOT / "conftest.py"))["snap"]
    stored = "AUC 0.93  p=0.17 n=837"
    assert (snap(text, stored) == stored) is same
