"""One scoreboard for the models that chapters share: the same test offers, the same measures.

A chapter adds its row with `add`, which shows the rows so far. ``make notebooks`` keeps the rows in
``scoreboard.json``; any other run of a chapter checks its row against the one that is kept.
"""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.evaluation import evaluate

FILE = Path(__file__).with_suffix(".json")
METRICS = ("log loss", "average precision", "NDCG@10")
TOLERANCE = 0.02
"""How far a row may be from the kept one, as a share: processors round differently."""


def add(chapter: str, model: str, test: pd.DataFrame, p: ArrayLike) -> pd.DataFrame:
    """Put a model on the scoreboard, and give all rows up to its own.

    Parameters
    ----------
    chapter : str
        The number of the chapter, such as ``"4"``.
    model : str
        What the row is called.
    test : pandas.DataFrame
        All test offers of the book, in any order: those from the last day of `SPLIT` on.
    p : array_like
        The probability of a redemption of each of them, shape (n,), in [0, 1].

    Returns
    -------
    pandas.DataFrame
        One row a model, in the order of the chapters: log loss in thousandths, average precision
        and NDCG@10 on all test offers, and log loss and NDCG@10 on those of types B and C, each
        with three digits, as text.

    Raises
    ------
    ValueError
        If the offers are not those of the other rows, or the row is not the one that is kept.
    """
    kept = json.loads(FILE.read_text("utf-8"))
    counted = [len(test), int(test["redeemed"].sum())]
    if counted != kept["offers, redeemed"]:
        wanted = "{:,} offers with {} redemptions".format(*kept["offers, redeemed"])
        raise ValueError(f"a row of the scoreboard is judged on all {wanted} of the test")
    row = {"chapter": chapter, "model": model, **_measured(test, p)}
    if os.environ.get("COUPON_REC_SCOREBOARD") == "write":
        rows = [each for each in kept["rows"] if each["model"] != model]
        kept["rows"] = sorted([*rows, row], key=lambda each: int(each["chapter"]))
        FILE.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")
    _check(row, kept["rows"])
    table = pd.DataFrame(kept["rows"]).set_index("model").loc[:model]
    return table.map(lambda value: f"{value:g}" if isinstance(value, float) else value)


def _measured(test: pd.DataFrame, p: ArrayLike) -> dict[str, float]:
    values = evaluate(test, p, metrics=METRICS, replicates=1)["value"]
    metrics = {name: values["all", name] for name in METRICS}
    metrics |= {f"{name}, B and C": values["B and C", name] for name in ("log loss", "NDCG@10")}
    return {
        name: float(f"{value * (1000 if name.startswith('log') else 1):.3g}")
        for name, value in metrics.items()
    }


def _check(row: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    same = next((each for each in rows if each["model"] == row["model"]), None)
    if same is None:
        raise ValueError(f"{row['model']!r} has no row yet: `make notebooks` adds it")
    for name, value in row.items():
        if isinstance(value, float) and abs(value - same[name]) > TOLERANCE * abs(same[name]):
            raise ValueError(
                f"{row['model']!r}: {name} is {value}, and {same[name]} on the scoreboard; "
                "`make notebooks` runs the chapters and keeps the new rows"
            )
