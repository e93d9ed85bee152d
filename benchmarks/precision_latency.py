"""Precision against latency: what it costs to answer sooner, for a list of 200 coupons.

Every way scores the same offers through ONNX Runtime on one thread. Its microseconds are the
median over many calls, in several rounds in which each way takes its turn. Log loss, average
precision and NDCG@10 are those of the validation campaigns, on which a way would be chosen, and
of the test campaigns, which are looked at once.

- float32: the coupled model as it is exported; float16 and int8: its weights rounded, in int8
  the inputs of each layer as well, while it runs; category codes stay exact;
- half, tiny, line: towers of 16 and 8 units, of 8 units, and none, each trained as the first;
- two stages: the line scores 200 coupons, the coupled model the best 50 of them;
- cached: an answer that is found again; batched: 16 lists in one call, microseconds a list.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pandas as pd
from machine import store, use_two_cores
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import float16

from coupon_rec import load_complete_journey
from coupon_rec.book import SPLIT
from coupon_rec.evaluation import average_precision, log_loss, ndcg
from coupon_rec.features import Arrays, Encoder, Split, offers_frame, split
from coupon_rec.models import coupled_model
from coupon_rec.serving.bundle.scorer import open_model
from coupon_rec.training import examples, fit

COUPONS, KEPT, LISTS = 200, 50, 16
CALLS, ROUNDS = 300, 7
TOWERS = {"float32": (64, 32), "half": (16, 8), "tiny": (8,), "line": ()}

Way = Callable[[Arrays], np.ndarray]


def trained(parts: Split, encoder: Encoder, units: tuple[int, ...]) -> Any:
    train, validation = (examples(part, encoder) for part in (parts.train, parts.validation))
    purchase = "network" if units else "linear"
    model = coupled_model(encoder, purchase=purchase, purchase_units=units, coupon_units=units)
    fit(model, train, validation)
    return model


def scores(path: Path) -> Way:
    session = open_model(path.read_bytes())
    return lambda arrays: session.run(["redeemed"], arrays)[0][:, 0]


def rounded(path: Path) -> dict[str, Path]:
    """Write the model with weights of half and of a quarter of the bits."""
    half, quarter = path.with_name("float16.onnx"), path.with_name("int8.onnx")
    wide = [*float16.DEFAULT_OP_BLOCK_LIST, "IsInf"]  # which has no version of 16 bits
    narrow = float16.convert_float_to_float16(
        onnx.load(path), keep_io_types=True, op_block_list=wide
    )
    onnx.save(narrow, half)
    codes = [node.name for node in onnx.load(path).graph.node if "category" in node.name]
    quantize_dynamic(path, quarter, weight_type=QuantType.QInt8, nodes_to_exclude=codes)
    return {"float16": half, "int8": quarter}


def two_stages(cheap: Way, full: Way) -> Way:
    """Score a list by the cheap way, and again the best of it; the rest stays below those."""

    def way(arrays: Arrays) -> np.ndarray:
        p = cheap(arrays)
        best = np.argpartition(-p, min(KEPT, len(p)) - 1)[:KEPT]
        again = full({name: array[best] for name, array in arrays.items()})
        p = np.minimum(p, again.min())
        p[best] = again
        return p

    return way


def by_list(way: Way, arrays: Arrays, lists: pd.Series) -> np.ndarray:
    p = np.empty(len(lists))
    for rows in lists.groupby(lists).indices.values():
        p[rows] = way({name: array[rows] for name, array in arrays.items()})
    return p


def quality(offers: pd.DataFrame, p: np.ndarray, lists: pd.Series) -> dict[str, float]:
    y = offers["redeemed"]
    return {
        "log_loss": round(log_loss(y, p), 5),
        "average_precision": round(average_precision(y, p), 4),
        "ndcg_at_10": round(ndcg(y, p, lists), 4),
    }


def microseconds(ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            way()
            for _ in range(CALLS):
                start = time.perf_counter()
                way()
                found[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) * 1e6 for name, seconds in found.items()}


def main() -> None:
    use_two_cores()
    parts = split(offers_frame(load_complete_journey()), *SPLIT)
    encoder = Encoder.fit(parts.train)
    with TemporaryDirectory() as temporary:
        paths = {}
        for name, units in TOWERS.items():
            model = trained(parts, encoder, units)
            model(encoder.encode(parts.validation.head()))
            paths[name] = Path(temporary, f"{name}.onnx")
            model.export(paths[name], format="onnx", verbose=False)
        paths |= rounded(paths["float32"])
        ways = {name: scores(path) for name, path in paths.items()}
        sizes = {name: path.stat().st_size for name, path in paths.items()}
    ways["two stages"] = two_stages(ways["line"], ways["float32"])

    campaign = parts.test.query("campaign_type == 'A'")
    one, many = (encoder.encode(campaign.head(COUPONS * lists)) for lists in (1, LISTS))
    cache = {(1, 1): ways["float32"](one)}
    calls: dict[str, Callable[[], Any]] = {
        name: (lambda way=way: way(one)) for name, way in ways.items()
    }
    calls["cached"] = lambda: cache[(1, 1)]
    calls["batched"] = lambda: ways["float32"](many)
    costs = microseconds(calls)
    costs["batched"] /= LISTS

    result: dict[str, Any] = {"coupons": COUPONS, "calls": CALLS, "rounds": ROUNDS, "ways": {}}
    for name, cost in costs.items():
        way = ways.get(name, ways["float32"])
        entry: dict[str, Any] = {"microseconds": round(cost, 1), "bytes": sizes.get(name)}
        for part in ("validation", "test"):
            offers = getattr(parts, part)
            lists = offers.groupby(["campaign_id", "user_id"]).ngroup()
            arrays = encoder.encode(offers)
            p = by_list(way, arrays, lists) if name == "two stages" else way(arrays)
            entry[part] = quality(offers, p, lists)
        result["ways"][name] = entry
        print(f"{name:11}{cost:8.1f} us  {entry['test']}")
    store("precision_latency", ("keras", "onnx", "onnxruntime"), result)


if __name__ == "__main__":
    main()
