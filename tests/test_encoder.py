"""An encoder learns what its training offers have, says what it has not seen, and is kept whole."""

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupon_rec.features import (
    FEATURES,
    Encoder,
    UnseenWarning,
)
from coupon_rec.market.schema import SCHEMAS


def test_each_value_has_a_code_of_its_own_and_the_most_frequent_comes_first(
    encoder: Encoder, offers: pd.DataFrame
) -> None:
    arrays = encoder.encode(offers)
    for name, categories in encoder.categories.items():
        first = 1
        for place, category in enumerate(categories):
            rows = offers[category.name].value_counts()
            assert list(category.values) == sorted(rows.index, key=lambda v: (-rows[v], v))
            codes = {value: first + i for i, value in enumerate(category.values)}
            expected = offers[category.name].map(codes)
            np.testing.assert_array_equal(arrays[name][:, place], expected)
            first += len(category.values)


# What was not seen in training


def test_a_value_never_seen_is_counted_reported_and_counts_as_unknown(
    encoder: Encoder, offers: pd.DataFrame
) -> None:
    new = offers.assign(department="FLOWERS")
    new.loc[new.index[:3], "age"] = "95+"
    with pytest.warns(UnseenWarning) as caught:
        arrays = encoder.encode(new)
    (warning,) = caught
    assert "age: 3 of 1,440 rows, such as ['95+']" in str(warning.message)
    assert "department: 1,440 of 1,440 rows, such as ['FLOWERS']" in str(warning.message)
    assert arrays["coupon_category"][:, 1].tolist() == [0] * len(new)
    assert arrays["user_category"][:3, 0].tolist() == [0] * 3
    table = encoder.unseen(new).set_index("column")
    assert table["rows"].to_dict() == {"age": 3, "department": 1440}


def test_a_value_of_fewer_than_ten_rows_is_none_of_its_own(offers: pd.DataFrame) -> None:
    for rows, kept in ((9, False), (10, True)):
        some = offers.assign(home=["Yurt"] * rows + ["Renter"] * (len(offers) - rows))
        (home,) = (c for c in Encoder.fit(some).categories["user_category"] if c.name == "home")
        assert ("Yurt" in home.values) == kept


def test_a_missing_value_of_a_category_is_unknown_and_no_news(offers: pd.DataFrame) -> None:
    colors = ["red"] * 700 + [None] * (len(offers) - 700)
    own = offers.assign(item_color=colors)
    encoder = Encoder.fit(own, extra=["item_color"])
    with warnings.catch_warnings(action="error"):
        codes = encoder.encode(own)["item_category"][:, 0]
    assert codes.tolist() == [1] * 700 + [0] * (len(offers) - 700)


# Numbers


def test_a_missing_number_gets_the_median_of_the_training_offers(offers: pd.DataFrame) -> None:
    place = np.arange(len(offers))
    train = offers.assign(user_income_usd=np.where(place % 3, place, np.nan))
    encoder = Encoder.fit(train, extra=["user_income_usd"])
    median = float(train["user_income_usd"].median())
    new = offers.head(2).assign(user_income_usd=[np.nan, 7.0])
    for read in (new, new.assign(user_income_usd=pd.array([None, 7.0], "Float64"))):
        assert encoder.encode(read)["user"][:, -1].tolist() == [median, 7.0]


def test_a_number_that_never_varied_does_nothing_whatever_it_is_later(
    offers: pd.DataFrame,
) -> None:
    from coupon_rec.models import coupled_model, predict

    encoder = Encoder.fit(offers.assign(coupon_days=28.0))
    assert "coupon_days" in encoder.constant
    model = coupled_model(encoder)
    now, later = (predict(model, offers.assign(coupon_days=days)) for days in (28.0, 1e6))
    pd.testing.assert_frame_equal(now, later)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("user_coupon_share", np.inf, "inf in row 7, counted from 0"),
        ("user_recency", -1.0, "-1.0 in row 7, counted from 0: .*, above -1"),
    ],
)
def test_a_number_that_no_model_can_read_is_refused_with_its_column_and_row(
    encoder: Encoder, offers: pd.DataFrame, column: str, value: float, said: str
) -> None:
    bad = offers.reset_index(drop=True)
    bad.loc[7, column] = value
    for read in (encoder.encode, Encoder.fit):
        with pytest.raises(ValueError, match=f"{column} is {said}"):
            read(bad)


# Columns of the user's own


def test_no_column_of_the_schema_is_taken_for_one_of_your_own(offers: pd.DataFrame) -> None:
    known = {name for schema in SCHEMAS.values() for name in schema.columns}
    named = {name: 0.5 for name in known - {*offers} if name.startswith(("user_", "coupon_"))}
    assert "coupon_propensity" in named
    assert Encoder.fit(offers.assign(**named)).own == {}


def test_numbers_booleans_text_and_vectors_of_your_own_are_read(offers: pd.DataFrame) -> None:
    n, fourth = len(offers), np.arange(len(offers)) % 4
    own = offers.assign(
        match_taste=[np.array([i, -i, 0.5]) for i in range(n)],
        match_visits=pd.array([*range(n - 1), None], "Int64"),
        user_member=fourth % 2 == 0,
        user_app=[None, *([True] * (n - 1))],
        item_color=np.where(fourth, "red", "blue"),
    )
    encoder = Encoder.fit(own, extra=list(own.columns[-5:]))
    names = [number.name for number in encoder.numbers["match"][-4:]]
    assert names == ["match_taste[0]", "match_taste[1]", "match_taste[2]", "match_visits"]
    arrays = encoder.encode(own)
    np.testing.assert_array_equal(arrays["match"][:3, -4:-1], [[i, -i, 0.5] for i in range(3)])
    assert arrays["match"][[0, 1, -1], -1].tolist() == [0, 1, (n - 2) / 2]
    assert arrays["user"][:3, -2:].tolist() == [[1, 1], [0, 1], [1, 1]]
    assert arrays["item_category"][:3, 0].tolist() == [2, 1, 1]
    nothing = encoder.encode(own.head(2).assign(match_taste=None))["match"][:, -4:-1]
    np.testing.assert_array_equal(nothing, np.zeros((2, 3)))


def test_a_name_is_not_taken_for_a_list_of_letters(offers: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"pass a list, such as \['user_plan'\]"):
        Encoder.fit(offers, extra="user_plan")


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("basket_size", 1.0, "'basket_size' does not say whom it describes: begin its name with"),
        ("user_nothing", np.nan, "user_nothing has no value in the training offers"),
        ("user_nothing", None, "user_nothing has no value in the training offers"),
        ("user_joined", pd.Timestamp("2020-01-01"), "user_joined holds values of type Timestamp"),
        ("user_recency", 1.0, "user_recency is read already"),
    ],
)
def test_a_column_that_cannot_be_read_says_why(
    offers: pd.DataFrame, column: str, values: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Encoder.fit(offers.assign(**{column: values}), extra=[column])


def test_vectors_of_different_lengths_are_named_with_the_row(offers: pd.DataFrame) -> None:
    vectors = [[1.0, 2.0]] * len(offers)
    encoder = Encoder.fit(offers.assign(user_taste=vectors), extra=["user_taste"])
    odd = offers.assign(user_taste=[*vectors[:-1], [1.0]])
    message = rf"user_taste is \[1.0\] in row {len(offers) - 1}, .*expected a list of 2 numbers"
    with pytest.raises(ValueError, match=message):
        encoder.encode(odd)
    with pytest.raises(ValueError, match=message):
        Encoder.fit(odd, extra=["user_taste"])


# Ids, parts, and the whole


def test_ids_of_53_bits_are_numbered_and_an_unknown_one_is_zero(offers: pd.DataFrame) -> None:
    large = 2**53 - 1000
    own = offers.assign(
        coupon_id=offers["coupon_id"] + large, user_id=offers["user_id"].map("user {}".format)
    )
    encoder = Encoder.fit(own, ids=("user_id", "coupon_id"))
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    for name in ("user_id", "coupon_id"):
        codes = again.encode(own)[name]
        assert (codes.dtype, codes.shape) == (np.int32, (len(own), 1))
        expected = own[name].rank(method="dense").astype(int)
        np.testing.assert_array_equal(codes[:, 0], expected)
    strangers = own.head(2).assign(coupon_id=own["coupon_id"] + 2**40, user_id="nobody")
    arrays = again.encode(strangers)
    assert not arrays["coupon_id"].any()
    assert not arrays["user_id"].any()


def test_one_of_several_parts_is_encoded_as_in_the_whole(offers: pd.DataFrame) -> None:
    encoder = Encoder.fit(offers, ids=["user_id"])
    some = encoder.only("match", "user_id", "user_category")
    arrays = encoder.encode(offers)
    assert list(some.arrays) == list(some.encode(offers)) == ["match", "user_category", "user_id"]
    for name, array in some.encode(offers[some.columns]).items():
        np.testing.assert_array_equal(array, arrays[name])
    with pytest.raises(ValueError, match=r"no array 'matches'; there are \['user', 'item'"):
        encoder.only("matches")


def test_an_encoder_comes_back_from_json_and_anything_else_is_refused(
    offers: pd.DataFrame,
) -> None:
    own = offers.assign(user_taste=[[1.0, 2.0]] * len(offers), user_region="north")
    encoder = Encoder.fit(own, extra=["user_taste", "user_region"], ids=["item_id"])
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder
    for name, array in again.encode(own).items():
        np.testing.assert_array_equal(array, encoder.encode(own)[name])
    broken: list[dict[str, Any]] = [{"numbers": {"user": [1]}, "categories": {}, "ids": {}}]
    for other in ({}, {"inputs": {}}, *broken):
        with pytest.raises(ValueError, match="describes no encoder"):
            Encoder.from_dict(other)


@settings(max_examples=60, deadline=None)
@given(
    column=st.sampled_from([feature.name for feature in FEATURES] + ["match_own"]),
    known=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5),
    new=st.lists(st.floats() | st.sampled_from([-1.0, 1e39, 3.4e38]), min_size=1, max_size=5),
)
def test_offers_are_encoded_as_finite_numbers_or_refused(
    offers: pd.DataFrame, column: str, known: list[float], new: list[float]
) -> None:
    """Whatever the numbers of training, and whatever comes later."""
    some = offers.head(50)
    train, later = (some.assign(**{column: np.resize(values, 50)}) for values in (known, new))
    try:
        encoder = Encoder.fit(train, extra=["match_own"] if column == "match_own" else [])
        with warnings.catch_warnings(action="ignore", category=UnseenWarning):
            arrays = encoder.encode(later)
    except ValueError as error:
        assert f"{column} is " in str(error)
        return
    assert all(np.isfinite(array).all() for array in arrays.values())
