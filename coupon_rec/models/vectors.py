"""Vectors of users, items and coupons, learned from who bought what."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from coupon_rec._keras import keras, seeded
from coupon_rec.arguments import require_columns

ops, layers = keras.ops, keras.layers


@dataclass(frozen=True)
class Vectors:
    """One vector for each user and each item.

    Attributes
    ----------
    users : pandas.DataFrame
        Indexed by user_id, one column a coordinate.
    items : pandas.DataFrame
        Indexed by item_id, the same columns.
    """

    users: pd.DataFrame
    items: pd.DataFrame


def learn_vectors(
    purchases: pd.DataFrame,
    size: int = 32,
    *,
    negatives: int = 10,
    min_purchases: int = 10,
    epochs: int = 3,
    batch_size: int = 16384,
    learning_rate: float = 0.03,
    seed: int = 0,
) -> Vectors:
    r"""Learn vectors that tell real pairs of user and item from pairs by chance.

    Each purchase line is a positive. Its negatives pair the same user with the items of other
    lines of the batch, so that an item is a negative as often as it is bought.

    Parameters
    ----------
    purchases : pandas.DataFrame
        Purchase lines, with columns user_id and item_id. Nothing in them may be later than what
        the vectors will be used for.
    size : int
        Coordinates of a vector.
    negatives : int
        Negatives for each positive, at least 1 and less than the number of lines.
    min_purchases : int
        Items with fewer purchase lines get no vector.
    epochs, batch_size : int
        So many passes, in batches of so many lines.
    learning_rate : float
        Of Adam, above 0.
    seed : int
        Of the first vectors and of shuffling.

    Returns
    -------
    Vectors
        Of the users and items that are left, in ascending order of their ids.

    Raises
    ------
    ValueError
        If a column is missing, no item has `min_purchases` lines, or there are not more lines than
        negatives.

    Notes
    -----
    Minimizes equation `eq-negatives`; a dot product then estimates `eq-affinity`.
    """
    require_columns(purchases, ["user_id", "item_id"], "purchases")
    often = purchases.groupby("item_id")["item_id"].transform("size") >= min_purchases
    pairs = purchases.loc[often, ["user_id", "item_id"]]
    if len(pairs) <= negatives:
        raise ValueError(
            f"{len(pairs)} of {len(purchases)} lines are of items with at least {min_purchases} "
            f"purchases; {negatives} negatives need more than {negatives} lines"
        )
    user, users = pd.factorize(pairs["user_id"], sort=True)
    item, items = pd.factorize(pairs["item_id"], sort=True)
    with seeded(seed):
        model = pair_model(len(users), len(items), size, negatives)
        model.compile(
            keras.optimizers.Adam(learning_rate), keras.losses.BinaryCrossentropy(from_logits=True)
        )
        real = np.eye(1, 1 + negatives, dtype="float32").repeat(len(pairs), axis=0)
        model.fit(
            {"user": user.astype("int32"), "item": item.astype("int32")},
            real,
            batch_size=batch_size,
            epochs=epochs,
            verbose=0,
        )
    return Vectors(
        pd.DataFrame(model.get_layer("users").get_weights()[0], users.rename("user_id")),
        pd.DataFrame(model.get_layer("items").get_weights()[0], items.rename("item_id")),
    )


def pair_model(users: int, items: int, size: int, negatives: int) -> keras.Model:
    """Build the model of pairs: equation `eq-pair`, for real pairs and their negatives.

    Parameters
    ----------
    users, items : int
        How many there are.
    size : int
        Coordinates of a vector.
    negatives : int
        Negatives for each real pair.

    Returns
    -------
    keras.Model
        From `user` and `item`, numbers of shape (n,) from 0 on, to logits of shape
        (n, 1 + negatives), the real pair first.
    """
    small = keras.initializers.RandomNormal(stddev=0.1)
    user = keras.Input((), dtype="int32", name="user")
    item = keras.Input((), dtype="int32", name="item")
    u = layers.Embedding(users, size, embeddings_initializer=small, name="users")(user)
    i = layers.Embedding(items, size, embeddings_initializer=small, name="items")(item)
    logits = [ops.sum(u * ops.roll(i, shift, axis=0), axis=-1) for shift in range(1 + negatives)]
    return keras.Model({"user": user, "item": item}, ops.stack(logits, axis=1))


def coupon_vectors(items: pd.DataFrame, coupon_items: pd.DataFrame) -> pd.DataFrame:
    """Average the vectors of the items that each coupon covers.

    Parameters
    ----------
    items : pandas.DataFrame
        The items' vectors, as `Vectors` holds them.
    coupon_items : pandas.DataFrame
        Columns campaign_id, coupon_id, item_id.

    Returns
    -------
    pandas.DataFrame
        Indexed by campaign_id and coupon_id; a coupon of which no item has a vector is left out.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    require_columns(coupon_items, ["campaign_id", "coupon_id", "item_id"], "coupon_items")
    covered = coupon_items.join(items, on="item_id", how="inner")
    return covered.groupby(["campaign_id", "coupon_id"])[list(items.columns)].mean()


def similarity(users: pd.DataFrame, coupons: pd.DataFrame, offers: pd.DataFrame) -> pd.Series:
    """Dot product of the vectors of each offer's user and coupon.

    Parameters
    ----------
    users, coupons : pandas.DataFrame
        From `Vectors` and `coupon_vectors`.
    offers : pandas.DataFrame
        n offers, with columns campaign_id, user_id, coupon_id.

    Returns
    -------
    pandas.Series
        Shape (n,), with the index of `offers`; missing where either has no vector.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    require_columns(offers, ["campaign_id", "user_id", "coupon_id"])
    u = users.reindex(offers["user_id"])
    c = coupons.reindex(pd.MultiIndex.from_frame(offers[["campaign_id", "coupon_id"]]))
    return pd.Series((u.to_numpy() * c.to_numpy()).sum(axis=1), index=offers.index)
