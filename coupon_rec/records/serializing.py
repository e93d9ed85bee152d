"""Offers as the bytes of TFRecord files, many at a time and without TensorFlow."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from coupon_rec.features.encoder import Arrays, Encoder
from coupon_rec.records.layout import IDS


def record_bytes(offers: pd.DataFrame, encoder: Encoder, labels: Sequence[str]) -> bytes:
    """Give offers as they stand in a TFRecord file, each a `tf.train.Example`."""
    return _framed(_examples(_columns(offers, encoder, labels)))


def _columns(offers: pd.DataFrame, encoder: Encoder, labels: Sequence[str]) -> Arrays:
    """Return the values of each feature of `schema`: shape (n, its length)."""
    for name in ("user_id", "campaign_id", "coupon_id"):
        if count := int(offers[name].isna().sum()):
            raise ValueError(f"{name} is missing in {count:,} offers: every offer needs one")
    outcomes = {name: offers[name].to_numpy("float32")[:, None] for name in labels}
    for name, label in outcomes.items():
        if count := int((~((label >= 0) & (label <= 1))).sum()):
            raise ValueError(f"the label {name!r} is missing or not 0 to 1 in {count:,} offers")
    start = pd.to_datetime(offers["start"]).to_numpy("datetime64[s]").astype("int64")
    known = offers.assign(click_time=start)
    return {
        **{name: _numbers(known[name])[:, None] for name in IDS},
        **encoder.encode(offers),
        **outcomes,
    }


def _numbers(ids: pd.Series) -> np.ndarray:
    """The identifiers; of those that are text, a hash of 63 bits, which never moves; 0 of none."""
    if not pd.api.types.is_string_dtype(ids.dropna()):
        return np.asarray(ids.fillna(0), "int64")
    hashed = pd.util.hash_array(ids.fillna("").to_numpy(object), categorize=False) >> np.uint64(1)
    return np.asarray(np.where(ids.isna(), 0, hashed.astype("int64")))


def _examples(columns: Arrays) -> np.ndarray:
    """Serialize all rows at once: uint8 of shape (n, bytes of a record).

    Protocol Buffers nest fields: `Example.features.feature` holds pairs of a `key` and a `value`,
    and that a `float_list` (2) or an `int64_list` (3) of packed values. All rows have the same
    layout, so each field is a block of bytes with a row for each offer.
    """
    pairs = []
    for name, values in columns.items():
        if values.dtype.kind == "f":
            packed = _field(2, _field(1, np.ascontiguousarray(values, "<f4").view("uint8")))
        else:
            packed = _field(3, _field(1, _varints(values)))
        key = np.tile(np.frombuffer(name.encode(), "uint8"), (len(values), 1))
        pairs.append(_field(1, np.hstack([_field(1, key), _field(2, packed)])))
    return _field(1, np.hstack(pairs))


def _field(number: int, body: np.ndarray) -> np.ndarray:
    """Put the number of a field, its wire type 2 and its length before its bytes."""
    rows, length = body.shape
    tag = np.array([[number << 3 | 2]], "uint8")
    head = np.hstack([tag, _varints(np.array([[length]]))])
    return np.hstack([np.tile(head, (rows, 1)), body])


def _varints(values: np.ndarray) -> np.ndarray:
    """Write integers seven bits a byte, the lowest first, all as long as the largest."""
    bits = values.astype("uint64")
    length = max(1, -(-int(bits.max()).bit_length() // 7))
    shifts = np.arange(0, 7 * length, 7, dtype="uint64")
    septets = (bits[..., None] >> shifts).astype("uint8") & 0x7F
    septets[..., :-1] |= 0x80
    return septets.reshape(len(values), -1)


def _framed(records: np.ndarray) -> bytes:
    """Put the length of each record before it, and a check of both, as TFRecord files have it."""
    rows, length = records.shape
    head = np.frombuffer(np.array([length], "<u8").tobytes(), "uint8")[None]
    head = np.hstack([head, _checks(head)])
    return np.hstack([np.tile(head, (rows, 1)), records, _checks(records)]).tobytes()


def _checks(rows: np.ndarray) -> np.ndarray:
    """The masked CRC-32C of each row, four bytes, all rows at once."""
    crc = np.full(len(rows), 0xFFFFFFFF, "uint32")
    for byte in np.ascontiguousarray(rows.T):
        crc = CRC[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc = ~crc
    masked = ((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8)
    return masked.astype("<u4")[:, None].view("uint8")


def _crc_table() -> np.ndarray:
    """What eight steps of the polynomial 0x1EDC6F41, its bits reversed, make of each byte."""
    table = np.arange(256, dtype="uint32")
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    return table


CRC = _crc_table()
