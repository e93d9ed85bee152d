"""What is near to each of the best-selling kinds of items, for the live figure of chapter 23.

`python -m coupon_rec.book.nearby` writes `_static/live/near-to.js` anew.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec.content import WordVectors, basket_vectors, cosines, tfidf
from coupon_rec.market import load_complete_journey

FILE = Path(__file__).parents[2] / "_static" / "live" / "near-to.js"
KINDS, NEAREST = 150, 5
UNTIL = pd.Timestamp("2017-10-18")
HEAD = "/* Chapter 23: which kinds of items are near. Made by coupon_rec/book/nearby.py. */\n"


def near_to() -> dict[str, Any]:
    """The best-selling kinds, and by kind of vector, the number and cosine of the nearest."""
    market = load_complete_journey()
    items = market.items.select("item_id", "category", "type").to_pandas().set_index("item_id")
    kind = items["category"] + " " + items["type"]
    lines = market.purchases.select("basket_id", "item_id", "time").to_pandas()
    lines["kind"] = kind.reindex(lines["item_id"]).to_numpy()
    lines = lines[lines["time"] < UNTIL].dropna()
    sold = lines["kind"].value_counts()
    often = sorted(sold.index[:KINDS])
    all_kinds = list(kind.unique())
    vectors = {
        "words": pd.DataFrame(tfidf(all_kinds), all_kinds),
        "others": pd.DataFrame(WordVectors().of(often), often),
        "own": basket_vectors(lines),
    }
    neighbors: dict[str, Any] = {"kinds": often}
    for name, each in vectors.items():
        like = cosines(each.loc[often], each.loc[often])
        np.fill_diagonal(like, -1)
        best = np.argsort(-like, axis=1, kind="stable")[:, :NEAREST]
        neighbors[name] = [
            [[int(j), round(float(like[i, j]), 2)] for j in row] for i, row in enumerate(best)
        ]
    return neighbors


if __name__ == "__main__":
    content = json.dumps(near_to(), separators=(",", ":"))
    FILE.write_text(f'{HEAD}"use strict";\n\nconst nearTo = {content};\n', "utf-8")
