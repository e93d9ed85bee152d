"""Change the code in forty places, one at a time, and count the changes that no test notices.

python tools/mutants.py                 draw, run, and store tests/data/mutants.json
python tools/mutants.py --seed 7 --count 4 --out few.json tests/test_choose.py   a trial
python tools/mutants.py --check before.json after.json   may kills have fallen? By one at most

The code is that of the last commit. Its tests run once under coverage, each file alone, which says
the lines that a file reaches, its seconds, and which of its tests fail anyway. A mutant is a copy
of the commit with one line changed. The test files that reach this line run in the copy, those that
reach most of its module first, until a test fails: the mutant is killed. It survives if none does
within `BUDGET`, or if no test reaches the line. Survivors may be changes that make no difference;
nobody argues about them.

Stopped and started again, it measures no file of tests twice: coverage is kept in `runs/mutants`,
by commit.

No library does this. mutmut 3 leaves decorated functions out and cannot draw by a seed. cosmic-ray
brings two dozen packages, changes annotations too, and runs one command for all mutants. mutatest
draws by a seed, but its last release is of 2022, and its fork changes no numbers and drops no
statements. None finds the tests that reach a line in another process, and the tests that matter
most here ask a service.
"""

import argparse
import ast
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from queue import Queue
from typing import Any

from coverage import CoverageData
from coverage.exceptions import DataError

SEED = 20261201
COUNT = 40
ROOMS = (
    *("market", "features", "models", "training", "evaluation", "effects", "policies", "explain"),
    *("decisions", "privacy", "monitoring", "serving", "recommender", "records", "odds"),
)
BUDGET = 900
"""Seconds of tests that are run against a mutant, as they were measured without it."""
PATIENCE = 900
"""Seconds after which a file of tests is given up while it is measured."""
WORKERS = 2

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "tests" / "data" / "mutants.json"
KEPT = ROOT / "runs" / "mutants"

Words = dict[str, tuple[str, ...]]

COMPARISONS: Words = {
    **{"<": ("<=", ">="), ">": (">=", "<="), "<=": ("<", ">"), ">=": (">", "<")},
    **{"==": ("!=",), "!=": ("==",), "in": ("not in",), "not in": ("in",)},
    **{"is": ("is not",), "is not": ("is",)},
}
ARITHMETIC: Words = {
    **{"+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "//": ("/",), "%": ("*",)},
    **{"**": ("*",), "&": ("|",), "|": ("&",)},
}
LOGIC: Words = {"and": ("or",), "or": ("and",)}
SIGNS: dict[type[ast.unaryop], tuple[str, str]] = {
    **{ast.Not: ("not", ""), ast.USub: ("-", "+"), ast.Invert: ("~", "")}
}
DROPPED = (ast.Expr, ast.AugAssign, ast.Raise, ast.Break, ast.Continue)
ANNOTATIONS = {"annotation", "returns"}


# What may be changed


@dataclass(frozen=True)
class Mutant:
    """A change of one place: `after` stands instead of `before`, from this line on."""

    file: str
    line: int
    operator: str
    before: str
    after: str


def operators(node: ast.AST) -> Iterator[tuple[str, ast.AST, ast.AST, Words]]:
    """List the operators of a node: what they are, what they stand between, and their words."""
    match node:
        case ast.Compare():
            for left, right in pairwise([node.left, *node.comparators]):
                yield "comparison", left, right, COMPARISONS
        case ast.BoolOp():
            for left, right in pairwise(node.values):
                yield "logic", left, right, LOGIC
        case ast.BinOp():
            yield "arithmetic", node.left, node.right, ARITHMETIC
        case ast.AugAssign():
            yield "arithmetic", node.target, node.value, ARITHMETIC


def others(value: float) -> list[float]:
    """Give the constants that may stand instead of one."""
    return [not value] if isinstance(value, bool) else [value + 1, value - 1]


class Source:
    """A file of the package, and the changes that it offers."""

    def __init__(self, root: Path, file: str) -> None:
        self.file = file
        self.text = (root / file).read_text("utf-8")
        self.tree = ast.parse(self.text)

    @cached_property
    def starts(self) -> list[int]:
        """Where each line starts, counted in bytes, as `ast` counts columns."""
        starts = [0]
        for line in self.text.encode().splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts

    def span(self, node: Any) -> tuple[int, int]:
        """Say where a node starts and ends, in bytes."""
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def swaps(self, start: int, end: int, words: Words) -> Iterator[Any]:
        """Change the operator that stands between two operands."""
        between = self.text.encode()[start:end].decode()
        longest_first = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
        if found := re.search(rf"\b(?:is not|not in|is|in|and|or)\b|{longest_first}", between):
            at = start + len(between[: found.start()].encode())
            for new in words.get(found[0], ()):
                yield at, at + len(found[0]), new

    def places(self, node: ast.AST) -> Iterator[tuple[str, int, int, str]]:
        """List the changes of one node: operator, start, end, and what stands there instead."""
        for name, left, right, words in operators(node):
            for swap in self.swaps(self.span(left)[1], self.span(right)[0], words):
                yield name, *swap
        if isinstance(node, ast.UnaryOp) and type(node.op) in SIGNS:
            start = self.span(node)[0]
            old, new = SIGNS[type(node.op)]
            yield "sign", start, start + len(old), new
        elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            for value in others(node.value):
                yield "constant", *self.span(node), repr(value)
        elif isinstance(node, ast.Return) and node.value:
            yield "return", *self.span(node.value), "None"
        elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
            start, end = self.span(node.test)
            yield "condition", start, end, f"not ({self.text.encode()[start:end].decode()})"
        if isinstance(node, DROPPED) and not is_docstring(node):
            yield "statement", *self.span(node), "pass"

    def mutants(self) -> Iterator[Mutant]:
        """List the changes of the file."""
        for node in code_of(self.tree):
            for place in self.places(node):
                yield self.mutant(*place)

    def mutant(self, operator: str, start: int, end: int, new: str) -> Mutant:
        """Write a change down as the lines before and after it."""
        whole = self.text.encode()
        first = max(at for at in self.starts if at <= start)
        last = min(at for at in self.starts if at >= end and at > first)
        before, after = whole[first:last], whole[first:start] + new.encode() + whole[end:last]
        line = self.starts.index(first) + 1
        return Mutant(self.file, line, operator, before.decode(), after.decode())

    def changed(self, mutant: Mutant) -> str:
        """Give the text of the file after a change."""
        start = self.starts[mutant.line - 1]
        whole, before = self.text.encode(), mutant.before.encode()
        rest = whole[start + len(before) :]
        return (whole[:start] + mutant.after.encode() + rest).decode()

    def differs(self, mutant: Mutant) -> bool:
        """Say whether the change is Python, and is one."""
        try:
            return ast.dump(ast.parse(self.changed(mutant))) != ast.dump(self.tree)
        except SyntaxError:
            return False

    def reach(self, line: int) -> range:
        """Give the lines of the innermost statement at a line; of one with a body, its head."""
        around = [
            range(node.lineno, head_end(node) + 1)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.stmt) and node.lineno <= line <= head_end(node)
        ]
        return min(around, key=len, default=range(line, line + 1))


def is_docstring(node: ast.AST) -> bool:
    """Say whether a statement is nothing but a constant."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def head_end(node: Any) -> int:
    """Say where a statement ends, or where its body begins."""
    body = getattr(node, "body", None)
    return max(node.lineno, body[0].lineno - 1) if body else node.end_lineno


def code_of(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through the nodes that do something: no annotations."""
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ANNOTATIONS:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from code_of(child)


def files_of(root: Path, rooms: Iterable[str]) -> list[str]:
    """List the files of some rooms; a room is a folder or a module of the package."""
    package = root / "coupon_rec"
    paths = [
        path for room in rooms for path in (package / f"{room}.py", *(package / room).rglob("*.py"))
    ]
    return sorted(path.relative_to(root).as_posix() for path in paths if path.exists())


def draw(sources: dict[str, Source], seed: int, count: int) -> list[Mutant]:
    """Draw lines by chance, and on each line one of its changes."""
    by_line: dict[tuple[str, int], list[Mutant]] = {}
    for source in sources.values():
        for mutant in source.mutants():
            by_line.setdefault((mutant.file, mutant.line), []).append(mutant)
    chance = random.Random(seed)
    lines = sorted(by_line)
    chance.shuffle(lines)
    offered = ([m for m in by_line[line] if sources[m.file].differs(m)] for line in lines)
    return [chance.choice(mutants) for mutants in islice(filter(None, offered), count)]


# Copies, and tests in them

SAVES = """
import threading, time
import coverage

def keep():
    while True:
        time.sleep(1)
        coverage.Coverage.current().save()

if coverage.Coverage.current():
    threading.Thread(target=keep, daemon=True).start()
"""
"""A service that a test kills cannot write down what it reached, so it does so every second."""

LATE = -1000
"""The code of tests that took too long: no signal has this number."""


def git(*words: str | Path) -> str:
    """Ask git about this repository."""
    command = ["git", "-C", str(ROOT), *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Copy:
    """A clone of the commit, whose package the tests in it and their processes import."""

    def __init__(self, folder: Path, commit: str) -> None:
        self.folder, self.root = folder, folder / "copy"
        folder.mkdir()
        git("clone", "--quiet", "--no-checkout", ROOT, self.root)
        git("-C", self.root, "checkout", "--quiet", commit)
        (self.root / ".venv").symlink_to(ROOT / ".venv")
        (self.root / "tests" / "seconds.json").unlink()  # or the longest files would run first
        self.hooks = folder / "hooks"
        self.hooks.mkdir()
        (self.hooks / "sitecustomize.py").write_text(SAVES, "utf-8")

    def pytest(self, words: Iterable[str], patience: float, **environment: str) -> tuple[int, str]:
        """Run tests, and end what they have started; give pytest's code, or `LATE`."""
        options = ("-q", "-m", "not slow", "-rfE", "-p", "no:cacheprovider", "--tb=no")
        with (self.folder / "said").open("w+") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *options, "--basetemp", self.folder / "t", *words],
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={
                    **os.environ,
                    "PYTHONPATH": str(self.root),
                    "PYTHONDONTWRITEBYTECODE": "1",  # a change within a second has the same age
                    "OMP_NUM_THREADS": "1",
                    "OPENBLAS_NUM_THREADS": "1",
                    **environment,
                },
            )
            try:
                code = process.wait(patience)
            except subprocess.TimeoutExpired:
                code = LATE
            finally:
                end(process)
            said.seek(0)
            return code, said.read()

    def measure(self, file: str) -> dict[str, Any]:
        """Run a file of tests under coverage: its seconds, what fails, the lines it reaches."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            settings = Path(folder) / "coveragerc"
            settings.write_text(
                f"[run]\nparallel = true\ndata_file = {folder}/data\n"
                f"include = {self.root}/coupon_rec/*\ndisable_warnings = no-data-collected\n"
            )
            started = time.monotonic()
            code, said = self.pytest(
                [file],
                PATIENCE,
                PYTHONPATH=f"{self.root}{os.pathsep}{self.hooks}",
                COVERAGE_PROCESS_START=str(settings),
            )
            seconds = time.monotonic() - started
            reached: dict[str, set[int]] = {}
            for path in Path(folder).glob("data*"):
                data = CoverageData(str(path))
                with contextlib.suppress(DataError):  # its process was killed while it saved
                    data.read()
                    for module in data.measured_files():
                        name = Path(module).relative_to(self.root).as_posix()
                        reached.setdefault(name, set()).update(data.lines(module) or [])
        failed = failures(said)
        if failed and code == 1:  # coverage may have been why
            failed = failures(self.pytest(failed, PATIENCE)[1])
        return {
            "seconds": round(seconds, 1),
            "ended": code in (0, 1, 5),
            "failed": failed,
            "lines": {name: sorted(lines) for name, lines in sorted(reached.items())},
        }


def end(process: subprocess.Popen[Any]) -> None:
    """End a process with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def failures(said: str) -> list[str]:
    """Read in pytest's summary which tests failed."""
    return re.findall(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", said, re.MULTILINE)


def measured(files: list[str], folder: Path, copies: "Queue[Copy]") -> dict[str, dict[str, Any]]:
    """Measure the files of tests that were not measured for this commit."""

    def one(file: str) -> dict[str, Any]:
        kept = folder / f"{file.replace('/', '.')}.json"
        if not kept.exists():
            copy = copies.get()
            try:
                kept.write_text(json.dumps(copy.measure(file)), "utf-8")
            finally:
                copies.put(copy)
            print(f"measured {file}", flush=True)
        found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        return found

    with ThreadPoolExecutor(WORKERS) as pool:
        return dict(zip(files, pool.map(one, files), strict=True))


class Trial:
    """The mutants of a commit before its tests."""

    def __init__(
        self, sources: dict[str, Source], tests: dict[str, dict[str, Any]], copies: "Queue[Copy]"
    ) -> None:
        self.sources, self.copies = sources, copies
        self.tests = {file: each for file, each in tests.items() if each["ended"]}
        self.unused = sorted(tests.keys() - self.tests.keys())
        self.unsteady = {test for each in tests.values() for test in each["failed"]}

    def chosen(self, mutant: Mutant) -> tuple[list[str], list[str]]:
        """List the files that reach a mutant, in their order: those within the budget, the rest."""
        lines = set(self.sources[mutant.file].reach(mutant.line))
        reached = {file: {*each["lines"].get(mutant.file, ())} for file, each in self.tests.items()}
        reaching = sorted(
            (file for file in reached if lines & reached[file]),
            key=lambda file: (-len(reached[file]), self.tests[file]["seconds"]),
        )
        spent, within = 0.0, 0
        for file in reaching:
            spent += self.tests[file]["seconds"]
            within += spent <= BUDGET or not within
        return reaching[:within], reaching[within:]

    def run(self, mutant: Mutant) -> dict[str, Any]:
        """Say by which test a mutant is killed, if by any, and what did not run."""
        files, left_out = self.chosen(mutant)
        copy = self.copies.get()
        started = time.monotonic()
        try:
            killer = self.killer(copy, mutant, files) if files else None
        finally:
            self.copies.put(copy)
        return {
            **asdict(mutant),
            "killed_by": killer,
            "reached_by": len(files) + len(left_out),
            "left_out": left_out,
            "seconds": round(time.monotonic() - started, 1),
        }

    def killer(self, copy: Copy, mutant: Mutant, files: list[str]) -> str | None:
        """Name the test that fails with the mutant and passes without it."""
        source, path = self.sources[mutant.file], copy.root / mutant.file
        patience = 120 + 4 * sum(self.tests[file]["seconds"] for file in files)
        while True:
            spared = [f"--deselect={test}" for test in sorted(self.unsteady)]
            path.write_text(source.changed(mutant), "utf-8")
            try:
                code, said = copy.pytest(["-x", *spared, *files], patience)
            finally:
                path.write_text(source.text, "utf-8")
            if code in (0, 5):
                return None
            failed = failures(said)[:1]
            again, _ = copy.pytest(failed or [*spared, *files], patience)
            if again in (0, 5):
                return failed[0] if failed else "time" if code == LATE else f"pytest's code {code}"
            if not failed:
                raise RuntimeError(f"without {mutant}, its tests do not come to an end: {said}")
            self.unsteady = self.unsteady | {*failed}


# The command


def counts(mutants: list[dict[str, Any]]) -> dict[str, int]:
    """Count the mutants of a result."""
    killed = sum(mutant["killed_by"] is not None for mutant in mutants)
    return {
        "mutants": len(mutants),
        "killed": killed,
        "survived": len(mutants) - killed,
        "unreached": sum(not mutant["reached_by"] for mutant in mutants),
    }


def check(before: Path, after: Path) -> str | None:
    """Say what is wrong with a result beside an earlier one."""
    old, new = (counts(json.loads(path.read_text("utf-8"))["mutants"]) for path in (before, after))
    if old["mutants"] != new["mutants"]:
        return f"{old['mutants']} mutants before and {new['mutants']} after cannot be compared"
    if new["killed"] < old["killed"] - 1:
        return f"{old['killed']} mutants were killed before, and {new['killed']} are now"
    return None


def run(seed: int, count: int, out: Path, tests: list[str]) -> None:
    """Draw mutants, run them, and store each at once."""
    commit = git("rev-parse", "HEAD")
    done: list[dict[str, Any]] = []
    (KEPT / commit).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copies: Queue[Copy] = Queue()
        for number in range(WORKERS):
            copies.put(copy := Copy(Path(folder, str(number)), commit))
        files = tests or test_files(copy.root)
        sources = {file: Source(copy.root, file) for file in files_of(copy.root, ROOMS)}
        drawn = draw(sources, seed, count)
        trial = Trial(sources, measured(files, KEPT / commit, copies), copies)
        with ThreadPoolExecutor(WORKERS) as pool:
            for future in as_completed([pool.submit(trial.run, mutant) for mutant in drawn]):
                done.append(future.result())
                done.sort(key=lambda each: (each["file"], each["line"]))
                store = {"commit": commit, "seed": seed, **counts(done)}
                store |= {"unused_tests": trial.unused, "mutants": done}
                out.write_text(json.dumps(store, indent=2, ensure_ascii=False) + "\n", "utf-8")
                print(as_line(future.result()), flush=True)
    print(", ".join(f"{number} {name}" for name, number in counts(done).items()))


def test_files(root: Path) -> list[str]:
    """List the files of tests, but for those of the built pages."""
    paths = (path.relative_to(root) for path in (root / "tests").rglob("test_*.py"))
    return sorted(path.as_posix() for path in paths if "book" not in path.parts)


def as_line(each: dict[str, Any]) -> str:
    """Say what became of a mutant."""
    fate = f"killed by {each['killed_by']}" if each["killed_by"] else "survived"
    return f"{each['file']}:{each['line']}, {each['operator']}: {fate}"


def main() -> None:
    """Run mutants, or compare two results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tests", nargs="*", help="files of tests, by default all but the pages'")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--out", type=Path, default=RESULT, help="where the result is stored")
    parser.add_argument("--check", nargs=2, type=Path, metavar=("BEFORE", "AFTER"))
    given = parser.parse_args()
    if given.check:
        sys.exit(check(*given.check))
    run(given.seed, given.count, given.out, given.tests)


if __name__ == "__main__":
    main()
