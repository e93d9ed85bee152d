"""How exactly the stored output of a notebook's cell has to come out again.

Processors differ in the last bits of a sum, and fitting makes much of little. So what a cell shows
is compared by what it reads:

- words, whole numbers and everything else but decimals: to the letter;
- decimals: within one unit of their last place, since the last bits may tip a rounding;
- decimals of a cell that reads something fitted, whether it fits it or an earlier cell did:
  within the tolerance of `wide`.

What is fitted follows from the code of the notebook: from the modules that a name is imported
from, from products of matrices, and from the names that such a statement assigns or changes.
"""

import ast
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

FITS = (
    "keras",
    "lightgbm",
    "numpy.linalg",
    "numpy.polyfit",
    "scipy.linalg",
    "scipy.optimize",
    "sklearn",
    "tea_tasting",
    "tensorflow",
    "coupon_rec.CoupledModel",
    "coupon_rec.book.asking",
    "coupon_rec.book.eye",
    "coupon_rec.book.fairly",
    "coupon_rec.book.newcomers",
    "coupon_rec.book.pilot_rules",
    "coupon_rec.book.prelude",
    "coupon_rec.book.privately",
    "coupon_rec.book.screens",
    "coupon_rec.book.shelves",
    "coupon_rec.book.watched",
    "coupon_rec.content",
    "coupon_rec.effects",
    "coupon_rec.explain",
    "coupon_rec.models",
    "coupon_rec.policies",
    "coupon_rec.privacy",
    "coupon_rec.training",
)
"""Modules and functions that fit something, or compute with what was fitted."""

DECIMAL = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")

Tolerance = Callable[[str, bool], dict[str, float]]


# What a cell reads


def fitted_cells(sources: list[str]) -> list[bool]:
    """Tell of each code cell of a notebook, in order, whether it reads something fitted."""
    imported: dict[str, str] = {}
    fitted: set[str] = set()
    found = []
    for source in sources:
        reads = False
        for statement in ast.parse(_python(source)).body:
            imported |= dict(_imports(statement))
            if _names(statement, ast.Load) & fitted or _fits(statement, imported):
                fitted |= _changed(statement)
                reads = True
        found.append(reads)
    return found


def _python(source: str) -> str:
    """Leave out what IPython alone understands: magics and commands of the shell."""
    return "" if source.startswith("%%") else re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)


def _imports(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """Give the names that a statement imports, each with the path that it stands for."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield (each.asname, each.name) if each.asname else (each.name.split(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                yield each.asname or each.name, f"{node.module}.{each.name}"


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    """Give the names that are read (`ast.Load`) or assigned (`ast.Store`) anywhere in a node."""
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, context)}


def _fits(statement: ast.stmt, imported: dict[str, str]) -> bool:
    """Tell whether a statement uses what fits, or multiplies matrices."""
    for node in ast.walk(statement):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            return True
        if isinstance(node, ast.Name | ast.Attribute):
            root, *rest = ast.unparse(node).split(".")
            path = ".".join([imported.get(root, ""), *rest]) + "."
            if any(path.startswith(f"{each}.") for each in FITS):
                return True
    return False


def _changed(statement: ast.stmt) -> set[str]:
    """Give the names that a statement assigns or defines, or whose object it may change."""
    changed = _names(statement, ast.Store)
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            changed.add(node.name)
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            changed |= _root(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            changed |= _root(node.value.func)
    return changed


def _root(node: ast.expr) -> set[str]:
    """Give the name at the root of `name.attribute[key]`, if there is one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


# How close it has to be


def last_place(stored: str, scores: bool) -> dict[str, float]:
    """Allow one unit in the last place that is shown."""
    digits, _, exponent = stored.partition("e")
    places = len(digits.partition(".")[2]) - int(exponent or 0)
    return {"rel_tol": 0.0, "abs_tol": 1.01 * 10.0**-places}


def wide(stored: str, scores: bool) -> dict[str, float]:
    """Say how far from a stored decimal one that depends on a fit may be.

    A score may move with its size, and by a digit in its last place. A difference of scores may
    not be held to its own size, which is often that of the noise.
    """
    size, place = abs(float(stored)), last_place(stored, scores)["abs_tol"]
    if not scores or size >= 1:
        return {"rel_tol": 0.2, "abs_tol": max(0.03, place)}
    if size >= 0.1:
        return {"rel_tol": 0.0, "abs_tol": max(0.03, place)}
    return {"rel_tol": 0.3, "abs_tol": max(0.005, place)}


def snap(text: str, reference: str, tolerance: Tolerance) -> str:
    """Replace each decimal of a text by the reference's, where the two are close.

    Several decimals without a negative one among them are taken for scores. Spaces are the
    reference's as well if nothing else differs: a minus sign moves a column.
    """
    decimals = DECIMAL.findall(reference)
    scores = len(decimals) > 1 and not any(stored.startswith("-") for stored in decimals)
    wanted = iter(decimals)

    def closest(found: re.Match[str]) -> str:
        stored = next(wanted, found[0])
        close = math.isclose(float(found[0]), float(stored), **tolerance(stored, scores))
        return stored if close else found[0]

    snapped = DECIMAL.sub(closest, text)
    return reference if snapped.split() == reference.split() else snapped


def within(compare: Any, tolerance: Tolerance) -> Any:
    """Wrap nbval's comparison of a cell: close decimals are replaced by the stored ones first."""

    def compare_outputs(test: list[Any], stored: list[Any], **options: Any) -> Any:
        for new, old in zip(test, stored, strict=False):
            if "text" in new and "text" in old:
                new["text"] = snap(new["text"], old["text"], tolerance)
            for kind, text in new.get("data", {}).items():
                reference = old.get("data", {}).get(kind)
                if isinstance(text, str) and isinstance(reference, str):
                    new["data"][kind] = snap(text, reference, tolerance)
        return compare(test, stored, **options)

    return compare_outputs
