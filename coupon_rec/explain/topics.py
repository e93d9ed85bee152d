"""The topics among which the credit for a prediction is shared."""

import numpy as np
from numpy.typing import NDArray

from coupon_rec.features import Encoder

Players = dict[str, dict[str, NDArray[np.intp]]]
"""By player, the columns of each array that it holds."""

TOPICS = {
    "habit": "what the user bought of the coupon's items",
    "category": "what the user bought in their categories and of their brands",
    "shopping": "how often and how much the user shops, and the household",
    "saving": "what the user does with coupons and discounts",
    "items": "how the items sell, their price and their advertising",
    "coupon": "the coupon itself, and what became of it before",
}
"""The six topics, in words. The user's two are the same for all of a user's coupons."""

SAVING = (
    "user_discount_share",
    "user_coupon_share",
    "user_mailed_90",
    "user_redemption_rate",
    "user_redemption_recency",
    "user_redemptions_decayed",
)
OF_SIDE = {"user": "shopping", "item": "items", "match": "habit", "coupon": "coupon"}


def topic_of(name: str, array: str) -> str:
    """Give the topic of a column of an array; one of your own goes by whom it describes.

    Examples
    --------
    >>> topic_of("match_recency", "match"), topic_of("match_brand_share", "match")
    ('habit', 'category')
    >>> topic_of("age", "user_category")
    'shopping'
    """
    if name in SAVING:
        return "saving"
    if name.startswith(("match_category", "match_brand")):
        return "category"
    return OF_SIDE[array.split("_")[0]]


def features_of(encoder: Encoder) -> Players:
    """Give every column that a model reads as a player of its own, in the encoder's order."""
    names = {
        array: [column.name for column in columns] for array, columns in encoder.numbers.items()
    }
    for array, categories in encoder.categories.items():
        names[array] = [category.name for category in categories]
    names |= {name: [name] for name in encoder.ids}
    return {
        name: {array: np.array([place])}
        for array, columns in names.items()
        for place, name in enumerate(columns)
    }


def topics_of(encoder: Encoder) -> Players:
    """Sort every column that a model reads into one of the six topics.

    Parameters
    ----------
    encoder : coupon_rec.features.Encoder
        Of the model.

    Returns
    -------
    dict
        By topic, the columns of each array: `{"habit": {"match": array([0, 1, ...])}, ...}`.
    """
    columns_of: dict[str, dict[str, list[int]]] = {topic: {} for topic in TOPICS}
    for name, places in features_of(encoder).items():
        for array, columns in places.items():
            columns_of[topic_of(name, array)].setdefault(array, []).extend(columns.tolist())
    return {
        topic: {array: np.array(columns) for array, columns in arrays.items()}
        for topic, arrays in columns_of.items()
    }
