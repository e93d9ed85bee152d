"""What the page on security promises: its tests exist, nothing is executed, no key is committed."""

import ast
import re
from pathlib import Path

import pytest
import yaml
from test_repository import text_files

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "deploy/SECURITY.md").read_text("utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bAIza[\w-]{35}\b"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|npm_|hf_|pypi-)[\w-]{20,}"
    r"|\bxox[abprs]-[\w-]{10,}"
    r"|\bsk-[\w-]{20,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}"
    r"|(?<![\w+/=-])[\w-]{43}=(?![\w+/=])"  # as coupon_rec.privacy.new_key draws them
    r"|\b[a-z]{3,10}://[^\s:/@\"'{}$]*:[^\s:/@\"'{}$A-Z]+@[\w.-]+"  # a password in an address
)


def test_each_test_that_the_page_names_is_there() -> None:
    assert TESTS
    assert [
        f"{file}::{name}"
        for file, name in TESTS
        if not re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text("utf-8"), re.M)
    ] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("AKIA" + "ABCDEFGHIJKLMNOP", True),
        ("key = 'gh" + "p_" + "a1" * 18 + "'", True),
        ("redis://:" + "hunter2@redis:6379", True),
        ("redis://:PASSWORD@HOST, https://example.org/a:b, mailto:ada@example.org", False),
        ("A" * 43 + "=", True),
        ("sha256-" + "A" * 43 + "=", False),
    ],
)
def test_what_looks_like_a_key_is_told_from_what_does_not(text: str, found: bool) -> None:
    assert bool(KEYS.search(text)) is found


def test_no_file_holds_a_key() -> None:
    found = {name: KEYS.findall(text) for name, text in text_files().items()}
    assert {name: keys for name, keys in found.items() if keys} == {}


def called(tree: ast.AST) -> list[tuple[str, dict[str, object]]]:
    """The calls of a module: the name of each, and the arguments that are constants."""
    return [
        (
            ast.unparse(node.func),
            {
                each.arg: each.value.value
                for each in node.keywords
                if each.arg and isinstance(each.value, ast.Constant)
            },
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


def test_nothing_that_is_opened_is_executed() -> None:
    runs = re.compile(
        r"(eval|exec|compile|os\.system|os\.popen|marshal\.loads?|shelve\.open|joblib\.load"
        r"|(c?pickle|dill|cloudpickle)\.loads?|pd\.read_pickle|torch\.load|yaml\.(unsafe_)?load"
        r"|.*enable_unsafe_deserialization)"
    )
    unsafe = {"allow_pickle": True, "safe_mode": False, "shell": True}
    found = set()
    for path in sorted((ROOT / "coupon_rec").rglob("*.py")):
        for name, given in called(ast.parse(path.read_text("utf-8"))):
            if runs.fullmatch(name) or given.items() & unsafe.items():
                found.add((path.relative_to(ROOT / "coupon_rec").as_posix(), name))
    assert found == {("decisions/parts.py", "pickle.loads")}, "it reads what it wrote itself"


def test_vulnerabilities_are_looked_up_each_week() -> None:
    flow = yaml.safe_load((ROOT / ".github/workflows/audit.yml").read_text())
    assert flow[True]["schedule"]  # YAML reads "on" as true
    assert {"run": "make audit"} in flow["jobs"]["audit"]["steps"]
    assert "pip-audit --strict" in (ROOT / "Makefile").read_text()
