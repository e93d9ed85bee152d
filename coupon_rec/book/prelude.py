"""What the later chapters begin with, kept on disk: the offers, and a model that was fitted once.

A kept file is used only while the code that made it and the installed packages are the same.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd
from platformdirs import user_cache_path

from coupon_rec.book import SPLIT
from coupon_rec.features import offers_frame, split
from coupon_rec.market import load_complete_journey

if TYPE_CHECKING:
    from coupon_rec.models import OfferModel

CODE = Path(__file__).parent.parent
ROOMS = (
    *("market", "features", "records", "models", "training", "evaluation"),
    *("_extras.py", "_keras.py", "arguments.py", "odds.py", "book/__init__.py"),
)
"""The code that decides what is in the files, with all that it imports."""


def offers() -> pd.DataFrame:
    """The offers table of Complete Journey: `offers_frame(load_complete_journey())`."""
    path = _kept("offers.feather", lambda path: _built().to_feather(path))
    return pd.read_feather(path)


def model(seed: int = 0) -> "OfferModel":
    """The coupled model with its default settings, fitted on the book's training campaigns.

    A network and trees, as in `coupon_rec.CoupledModel`, but not calibrated.
    """
    from coupon_rec.models import load_model

    return load_model(_kept(f"model-{seed}.keras", lambda path: _fit(path, seed)))


def _built() -> pd.DataFrame:
    return offers_frame(load_complete_journey())


def _fit(path: Path, seed: int) -> None:
    from coupon_rec.features import Encoder
    from coupon_rec.models import boosted, coupled_model, with_trees
    from coupon_rec.training import examples, fit

    train, validation, _ = split(offers(), *SPLIT)
    encoder = Encoder.fit(train)
    network = coupled_model(encoder, seed=seed)
    arrays, labels = examples(train, encoder)
    fit(network, (arrays, labels), examples(validation, encoder), seed=seed)
    trees = boosted(encoder, arrays, labels["redeemed"], seed=seed)
    with_trees(network, trees).save(path)


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
    """Sixteen hexadecimal digits that change with the code of these rooms and with any package."""
    digest = hashlib.sha256()
    for room in ROOMS:
        path = CODE / room
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    packages = sorted(f"{each.name}=={each.version}" for each in distributions())
    digest.update("\n".join(packages).encode())
    return digest.hexdigest()[:16]
