"""Write what the page "In your browser" computes with: users to try, and a bundle's network.

The files are scripts, because a page that is opened from disk may not read any other kind of
file: `people.js` sets one constant, and `network.js` adds to it what only a prediction needs.
"""

import argparse
import base64
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, numpy_helper

from coupon_rec import load_complete_journey
from coupon_rec.decisions import Economics
from coupon_rec.features import CATEGORIES, GROUPS, Encoder, Number, feature_names
from coupon_rec.features.batch.coupons import main_value
from coupon_rec.features.online.snapshot import SEEN
from coupon_rec.market import Market
from coupon_rec.models.inputs import CUT
from coupon_rec.serving.bundle.manifest import content, verified
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.feature_store import Candidates, FeatureStore

LIVE = Path(__file__).parent.parent / "_static" / "live"
HEAD = "/* Written by tools/page_model.py (make page-model): do not edit. */"
LAYERS = {
    *("purchase_1", "purchase_2", "bought_logit"),
    *("coupon_1", "coupon_2", "redeemed_if_bought_logit"),
}
TREES = "direct_logit"
USERS = 40
STRANGER = 0
"""The number of a user of whom nothing is known."""


# The network


def network(bundle: Path) -> dict[str, Any]:
    """Take the coupled model of a bundle apart: what it reads, its layers, its calibration."""
    manifest = verified(bundle)
    schema = json.loads(content(bundle, manifest, "schema.json"))
    graph = onnx.load_from_string(content(bundle, manifest, "model.onnx")).graph
    constants = {array.name: numpy_helper.to_array(array) for array in graph.initializer}
    layers = dict(
        _layer(graph, node, constants)
        for node in graph.node
        if node.op_type == "MatMul" and _layer_name(node) in LAYERS
    )
    encoder = Encoder.from_dict(schema)
    columns = [name for group in GROUPS for name in feature_names(group)]
    columns += [name for names in CATEGORIES.values() for name in names]
    if set(layers) != LAYERS or encoder.columns != columns:
        raise ValueError(
            f"{bundle} has the layers {sorted(layers)} and reads {len(encoder.columns)} columns: "
            "the page computes the chain of two networks with trees beside it, the default of "
            "`CoupledModel`, on the features that every market has"
        )
    return {
        "version": manifest["version"],
        "columns": {
            name: [_described(number) for number in numbers]
            for name, numbers in encoder.numbers.items()
        }
        | {
            name: [{"name": each.name, "values": list(each.values)} for each in categories]
            for name, categories in encoder.categories.items()
        },
        "normal": {
            name: {
                "mean": [number.mean for number in numbers],
                "scale": [1 / number.deviation if number.deviation else 0 for number in numbers],
                "cut": CUT,
            }
            for name, numbers in encoder.numbers.items()
        },
        "layers": layers,
        "leaves": _leaves(graph, constants),
        "calibration": json.loads(content(bundle, manifest, "calibration.json")),
    }


Constants = dict[str, NDArray[Any]]


def _described(number: Number) -> dict[str, Any]:
    described = asdict(number)
    return {name: described[name] for name in ("name", "meaning", "log1p", "lowest", "highest")}


def _layer(graph: GraphProto, node: NodeProto, constants: Constants) -> tuple[str, dict[str, str]]:
    """Give the name, the weights and the bias of a dense layer, by its multiplication."""
    weights = constants[node.input[1]]
    bias = np.zeros(weights.shape[1], "float32")  # the export drops one that is zero
    for reader in _readers(graph, node.output[0], "Add"):
        bias = _constant(reader, constants).reshape(-1)
    return _layer_name(node), {"weights": _base64(weights), "bias": _base64(bias)}


def _leaves(graph: GraphProto, constants: Constants) -> list[dict[str, Any]]:
    """Give the value of each leaf, and its path: a column, a threshold and a side for each step."""
    found = {
        (node.op_type, constants[name].ndim): constants[name]
        for node in graph.node
        for name in node.input
        if _layer_name(node) == TREES and name in constants
    }
    paths, lengths = found["MatMul", 3], found["Equal", 3][..., 0]
    columns = found["Gather", 1].reshape(len(paths), -1)
    thresholds = found["Greater", 2].reshape(len(paths), -1)
    values = found["MatMul", 2].reshape(lengths.shape)
    return [
        {
            "value": _decimal(values[tree, leaf]),
            "path": [
                [int(columns[tree, split]), _decimal(thresholds[tree, split]), int(side)]
                for split, side in enumerate(paths[tree, leaf])
                if side
            ],
        }
        for tree, leaf in np.argwhere(lengths >= 0)
    ]


def _layer_name(node: NodeProto) -> str:
    *_, layer, _ = ["", *node.output[0].split("/")]
    return re.sub(r"_\d+$", "", layer)


def _readers(graph: GraphProto, name: str, operation: str) -> list[NodeProto]:
    return [node for node in graph.node if name in node.input and node.op_type == operation]


def _constant(node: NodeProto, constants: Constants) -> NDArray[Any]:
    (found,) = (constants[name] for name in node.input if name in constants)
    return found


def _decimal(number: np.float32) -> float:
    """Give the number whose digits are the fewest that round to this one in 32 bits."""
    return float(str(np.float32(number)))


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


# The users


def people(bundle: Path, market: Market) -> dict[str, Any]:
    """Draw users who were mailed a live campaign, with their offers and what Python predicts."""
    scorer = Scorer.load(bundle)
    store = FeatureStore.load(bundle / "snapshot", scorer.encoder)
    mailed = pd.read_parquet(bundle / "snapshot" / "offers.parquet")["user_id"].unique()
    drawn = np.random.default_rng(0).choice(np.sort(mailed), USERS, replace=False)
    offers = pd.concat(
        _offers(user, store.offers(user, store.day), scorer.encoder)
        for user in [STRANGER, *sorted(drawn.tolist())]
    )
    found = scorer.predict(scorer.encoder.encode(offers))
    offers = offers.assign(**{name: p.round(8) for name, p in found.items()})
    coupons = offers.drop_duplicates(COUPON).sort_values(COUPON, ignore_index=True)
    place = {key: row for row, key in enumerate(coupons[COUPON].itertuples(index=False, name=None))}
    users = [
        _user(mine, [place[key] for key in mine[COUPON].itertuples(index=False, name=None)])
        for _, mine in offers.groupby("user_id")
    ]
    stranger, *known = users
    return {
        "day": store.day.isoformat(),
        "economics": asdict(Economics()),
        "coupons": _coupons(coupons, market),
        "stranger": stranger,
        "users": known,
    }


COUPON = ["campaign_id", "coupon_id"]
RANK = "user_spend_rank"
"""The one feature of a user that differs from campaign to campaign."""
OF_USER = [name for name in feature_names("user") if name != RANK]
OWN = [name for name in feature_names("coupon") if name not in SEEN]


def _offers(user_id: int, candidates: Candidates, encoder: Encoder) -> pd.DataFrame:
    """Turn the candidates of a user back into rows of the offers table, to six digits."""
    columns: dict[str, Any] = {}
    for group in GROUPS:
        values = candidates.arrays[group].astype("float64")
        log = [number.log1p for number in encoder.numbers[group]]
        values[:, log] = np.expm1(values[:, log])
        columns |= dict(zip(feature_names(group), _six_digits(values).T, strict=True))
    for name, categories in encoder.categories.items():
        known = ("", *(value for category in categories for value in category.values))
        for category, codes in zip(categories, candidates.arrays[name].T, strict=True):
            columns[category.name] = [known[code] for code in codes.tolist()]
    for name in ("spend_per_line", "discount"):
        columns[name] = _six_digits(getattr(candidates, name))
    keys = {"campaign_id": candidates.campaign_id, "coupon_id": candidates.coupon_id}
    return pd.DataFrame({"user_id": user_id, **keys, **columns})


def _six_digits(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.vectorize(lambda value: float(f"{value:.6g}"), otypes=["float64"])(values)


def _user(mine: pd.DataFrame, places: list[int]) -> dict[str, Any]:
    """Describe a user, with what differs from one of its offers to the next."""
    first = mine.iloc[0]
    columns = {
        "coupon": places,
        "rank": mine[RANK],
        "seen": mine[list(SEEN)].to_numpy().tolist(),
        "match": mine[feature_names("match")].to_numpy().tolist(),
        "bought": mine["bought"],
        "redeemed": mine["redeemed"],
    }
    return {
        "id": int(first["user_id"]),
        "user_category": first[list(CATEGORIES["user_category"])].tolist(),
        "user": first[OF_USER].tolist(),
        "offers": [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ],
    }


def _coupons(coupons: pd.DataFrame, market: Market) -> list[dict[str, Any]]:
    names = main_value(market, "category").to_pandas().set_index(COUPON)["category"]
    return [
        {
            "campaign": int(coupon["campaign_id"]),
            "id": int(coupon["coupon_id"]),
            "category": names[coupon["campaign_id"], coupon["coupon_id"]],
            "coupon_category": coupon[list(CATEGORIES["coupon_category"])].tolist(),
            "spend": coupon["spend_per_line"],
            "discount": coupon["discount"],
            "item": coupon[feature_names("item")].tolist(),
            "coupon": coupon[OWN].tolist(),
        }
        for _, coupon in coupons.iterrows()
    ]


# The scripts


def write(bundle: Path, folder: Path, market: Market) -> list[Path]:
    """Write both scripts: a line for each coupon, each user and each part of the network."""
    layers = network(bundle)
    model = {"columns": layers.pop("columns")} | people(bundle, market)
    drafts = [
        _draft(folder / "people.js", f"const couponModel = {_object(model)};"),
        _draft(folder / "network.js", f"Object.assign(couponModel, {_object(layers)});"),
    ]
    return [draft.replace(draft.with_suffix(".js")) for draft in drafts]


def _draft(path: Path, script: str) -> Path:
    draft = path.with_suffix(".tmp")
    draft.write_text(f"{HEAD}\n{script}\n", encoding="utf-8")
    return draft


def _object(parts: dict[str, Any]) -> str:
    lines = ",\n".join(f"{_json(name)}:{_lines(value)}" for name, value in parts.items())
    return f"{{\n{lines}\n}}"


def _lines(value: Any) -> str:
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(_json, value)) + "\n]"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(_short(value), separators=(",", ":"), ensure_ascii=False)


def _short(value: Any) -> Any:
    """Write whole numbers without a point."""
    if isinstance(value, dict):
        return {key: _short(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_short(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def main() -> None:
    """Write the scripts of the bundle that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="as `python -m coupon_rec export` writes it")
    parser.add_argument("-o", "--out", type=Path, default=LIVE, help="the folder to write to")
    options = parser.parse_args()
    for path in write(options.bundle, options.out, load_complete_journey()):
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
