"""The inputs of a bundle's model in words and numbers: arrays, columns, codes, what is missing."""

import hashlib
import json
from typing import Any

from coupon_rec.features.catalog import COUPON_CATEGORIES, FEATURES
from coupon_rec.market.categories import USER_CATEGORIES

OUTPUTS = {
    "bought": "p(a): the user buys one of the coupon's items while it is valid",
    "redeemed": "p(a, r): the user redeems the coupon",
}


def columns() -> dict[str, list[dict[str, Any]]]:
    """Describe the arrays of `coupon_rec.features.encode`, column by column.

    Returns
    -------
    dict of str to list of dict
        For each array its columns in order. A number has `name`, `meaning`, `log1p` (whether it
        enters as log(1 + x)) and `missing` (what stands for "nothing known", before the
        logarithm). A category has `name`, `codes` and `otherwise`, the code of every other value.
    """
    described: dict[str, list[dict[str, Any]]] = {}
    for feature in FEATURES:
        described.setdefault(feature.group, []).append(
            {
                "name": feature.name,
                "meaning": feature.meaning,
                "log1p": feature.skewed,
                "missing": float(feature.missing),
            }
        )
    described["user_category"] = _categories(USER_CATEGORIES)
    described["coupon_category"] = _categories(COUPON_CATEGORIES)
    return described


FACTS = ("name", "log1p", "missing", "codes", "otherwise")
"""What of a column makes its numbers."""


def facts(described: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the columns of an array, what makes their numbers."""
    return [{fact: column.get(fact) for fact in FACTS} for column in described]


def fingerprint() -> str:
    """Twelve hexadecimal digits that change with any feature or category of this package."""
    ours = {name: facts(described) for name, described in columns().items()}
    return hashlib.sha256(json.dumps(ours, sort_keys=True).encode()).hexdigest()[:12]


def _categories(categories: dict[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    columns, first = [], 0
    for name, values in categories.items():
        codes = {value: first + place for place, value in enumerate(values, start=1)}
        columns.append({"name": name, "codes": codes, "otherwise": first})
        first += len(values) + 1
    return columns
