"""Run the chapters, measure them, and keep their files free of what differs between machines.

``run`` executes notebooks in place, each in a fresh kernel, and records its seconds and its peak
memory in ``appendix/status.json``, from which it writes ``appendix/status.md``.
``normalize`` fixes the metadata of notebooks and fails if there was something to fix.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from tqdm import tqdm

ROOT = Path(__file__).parent.parent
STATUS = ROOT / "appendix" / "status.json"
PACKAGES = ["duckdb", "ibis-framework", "jupyter-book", "keras", "numpy", "pandas", "tensorflow"]
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"mystnb", "slideshow", "tags"}
PROGRESS_BAR = re.compile(r"(.*\d+%\|.*\|.*\[.*\])?\s*(\x1b\[A)?\s*")
PEAK_MEMORY = """\
import resource, sys
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak // 2**20 if sys.platform == "darwin" else peak // 2**10)
"""


def order(path: Path) -> str:
    """Give what a chapter is sorted by: the primer comes after chapter 1."""
    return path.stem.replace("primer", "01_primer")


def read(path: Path) -> NotebookNode:
    """Read a notebook."""
    return nbformat.read(path, as_version=4)


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    draft = path.with_suffix(".tmp")
    nbformat.write(notebook, draft)
    draft.replace(path)


def is_progress(output: NotebookNode) -> bool:
    """Tell whether an output is nothing but the states of a progress bar."""
    if output.output_type != "stream" or output.name != "stderr":
        return False
    return all(PROGRESS_BAR.fullmatch(line) for line in re.split(r"[\r\n]+", output.text))


def is_widget(output: NotebookNode) -> bool:
    """Tell whether an output is the view of a widget, which no page can show."""
    return any("widget" in kind for kind in output.get("data", {}))


def normalize(notebook: NotebookNode) -> None:
    """Remove from a notebook, in place, what differs between machines and runs."""
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        cell.setdefault("id", nbformat.v4.new_raw_cell().id)
        cell.metadata = nbformat.from_dict(
            {key: value for key, value in cell.metadata.items() if key in CELL_METADATA}
        )
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if not is_progress(output) and not is_widget(output)
            ]


def execute(notebook: NotebookNode, folder: Path) -> tuple[float, int]:
    """Run a notebook in a fresh kernel, in place.

    Returns
    -------
    seconds : float
        Wall time from the start of the kernel to the last cell.
    mebibytes : int
        The kernel's peak resident memory.
    """
    probe = nbformat.v4.new_code_cell(PEAK_MEMORY)
    notebook.cells.append(probe)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
        # TensorFlow writes its C++ log past Python's standard error: keep it out of the outputs.
        extra_arguments=["--IPKernelApp.capture_fd_output=False"],
    )
    start = time.perf_counter()
    client.execute(stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    notebook.cells.pop()
    return seconds, int(probe.outputs[0].text)


def status_page(chapters: dict[str, dict[str, str | float]]) -> str:
    """Write the page that says where, when and at what cost the chapters ran."""
    versions = [f"| {name} | {importlib.metadata.version(name)} |" for name in PACKAGES]
    costs = [
        f"| {{doc}}`../chapters/{name}` | {cost['seconds']:.0f} | {cost['MiB'] / 1024:.1f} "
        f"| {cost['date']} |"
        for name, cost in sorted(chapters.items(), key=lambda item: order(Path(item[0])))
    ]
    return "\n".join(
        [
            "# Status",
            "",
            "`make notebooks` runs every chapter in a fresh kernel and writes this page.",
            "Seconds are wall time, with the start of Python; memory is the peak of the kernel.",
            "A chapter should run in a minute on two cores; one with a row above 60 does not.",
            "",
            "| chapter | seconds | memory (GiB) | last run |",
            "| --- | ---: | ---: | --- |",
            *costs,
            "",
            "## Environment",
            "",
            "| part | version |",
            "| --- | --- |",
            f"| system | {platform.system()}, {platform.machine()}, {os.cpu_count()} CPUs |",
            f"| Python | {platform.python_version()} |",
            *versions,
            "",
        ]
    )


def run(paths: list[Path]) -> None:
    """Execute notebooks in place and record what they cost."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["COUPON_REC_SCOREBOARD"] = "write"
    chapters = json.loads(STATUS.read_text()) if STATUS.exists() else {}
    bar = tqdm(paths)
    for path in bar:
        bar.set_description(path.stem)
        notebook = read(path)
        seconds, mebibytes = execute(notebook, path.parent)
        normalize(notebook)
        write(notebook, path)
        if path.parent.name != "chapters":
            continue
        chapters[path.stem] = {
            "seconds": round(seconds, 1),
            "MiB": mebibytes,
            "date": datetime.date.today().isoformat(),
        }
        STATUS.write_text(json.dumps(chapters, indent=2, sort_keys=True) + "\n")
        STATUS.with_suffix(".md").write_text(status_page(chapters))


def fix(paths: list[Path]) -> int:
    """Normalize notebooks in place and count those that changed."""
    changed = 0
    for path in paths:
        before, notebook = path.read_text(), read(path)
        normalize(notebook)
        write(notebook, path)
        if path.read_text() != before:
            print(f"normalized {path}")
            changed += 1
    return changed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["run", "normalize"])
    parser.add_argument("notebooks", nargs="*", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments.notebooks)
    else:
        sys.exit(fix(arguments.notebooks) > 0)
