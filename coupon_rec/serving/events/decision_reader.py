"""A decision log as frames: offers with propensities, what followed, and where the rows lie."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.json import ParseOptions, ReadOptions, read_json
from pydantic_core import from_json

from coupon_rec.privacy.vault import Vault, opened

logger = logging.getLogger("coupon_rec.serving")

Folders = str | Path | Sequence[str | Path]
"""A decision log, or those of several replicas."""

KEYS = {"answers": "request_id", "shadows": "request_id", "outcomes": "event_id"}
"""The kinds of rows, and the column that is different in each row."""

ID, IDS = pa.string(), pa.list_(pa.string())
"""Identifiers in lines; in Parquet and in frames they are whole numbers where all of them are."""
NUMBERS = pa.list_(pa.float32())
ANSWER = pa.schema(
    {
        "request_id": pa.string(),
        "user_id": ID,
        "time": pa.timestamp("us"),
        "day": pa.date32(),
        "k": pa.int16(),
        "bundle": pa.string(),
        "package": pa.string(),
        "counted": pa.uint32(),
        "degraded": pa.bool_(),
        "cached": pa.bool_(),
        "campaign_id": IDS,
        "coupon_id": IDS,
        "probability": NUMBERS,
        "value": NUMBERS,
        "propensity": NUMBERS,
        "position": pa.list_(pa.int16()),
        "arm": pa.string(),
        "platform": pa.string(),
        "version": pa.uint32(),
    }
)
OUTCOME = pa.schema(
    {
        "event_id": pa.string(),
        "user_id": ID,
        "time": pa.timestamp("us"),
        "day": pa.date32(),
        "kind": pa.string(),
        "item_id": ID,
        "basket_id": ID,
        "quantity": pa.uint32(),
        "amount": pa.float64(),
        "retail_discount": pa.float64(),
        "coupon_discount": pa.float64(),
        "campaign_id": ID,
        "coupon_id": ID,
        "channel": pa.string(),
    }
)
SCHEMAS = {"answers": ANSWER, "shadows": ANSWER, "outcomes": OUTCOME}
OF_A_CANDIDATE = ("campaign_id", "coupon_id", "probability", "value", "propensity", "position")
OF_A_MARKET = (
    *("campaign_id", "user_id", "coupon_id"),
    *("mailing_propensity", "coupon_propensity", "position"),
)
COLUMNS = (
    *(*OF_A_MARKET, "chosen", "probability", "value", "time", "request_id", "bundle"),
    *("k", "counted", "degraded", "cached", "package", "arm", "platform", "version"),
)


def read_decisions(folder: Folders, *, shadow: bool = False) -> pd.DataFrame:
    """Read every candidate of every answer, chosen or not, with its propensity.

    `logged_offers` gives those that were sent as a market's offers.

    Parameters
    ----------
    folder : str, pathlib.Path or sequence of these
        Of a `DecisionLog`, whether or not a service writes to it; or those of several replicas,
        each with the same key for pseudonyms. What is in two of them is read once.
    shadow : bool
        Whether to read, instead of what was sent, what a bundle on trial would have answered to
        the same requests.

    Returns
    -------
    pandas.DataFrame
        One row a candidate: campaign_id, user_id, coupon_id (whole numbers, or texts if any is),
        mailing_propensity (1: everybody is answered), coupon_propensity (that the policy chose
        it), position (its place among those chosen, from 0 on, null if it was not), chosen,
        probability (that it is redeemed), value (in currency), time, request_id, bundle, and
        k, counted (events of all users that the crowd knew), degraded, cached, package, arm
        ("live", or "canary" for those of a bundle on trial), platform (empty where none was named)
        and version (how many of the user's own events were known, missing in logs of 1.0) of its
        answer. An answer without candidates has none.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If the sequence names none.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     decisions = read_decisions(folder)
    >>> decisions.columns[:5].to_list()
    ['campaign_id', 'user_id', 'coupon_id', 'mailing_propensity', 'coupon_propensity']
    """
    answers = _read(folder, "shadows" if shadow else "answers")
    if answers is None:
        return pd.DataFrame(columns=[*COLUMNS])
    answer = pc.list_parent_indices(answers["coupon_id"].combine_chunks())
    columns = {
        name: pc.list_flatten(answers[name])
        if name in OF_A_CANDIDATE
        else answers[name].take(answer)
        for name in answers.column_names
    }
    columns["coupon_propensity"] = columns["propensity"]
    columns["mailing_propensity"] = pa.repeat(1.0, len(answer))
    columns["chosen"] = pc.is_valid(columns["position"])
    frame = pa.table({name: columns[name] for name in COLUMNS}).to_pandas()
    return frame.astype({"position": "Int16"})


def logged_offers(folder: Folders) -> pd.DataFrame:
    """Read what was sent, as the table `offers` of a market.

    Parameters
    ----------
    folder : str, pathlib.Path or sequence of these
        As for `read_decisions`.

    Returns
    -------
    pandas.DataFrame
        One row for each campaign, user and coupon that was chosen, as it was first sent:
        campaign_id, user_id, coupon_id, mailing_propensity (1: everybody is answered),
        coupon_propensity (that this answer would hold the coupon, in (0, 1]) and position (from 1
        on). With the market's other tables beside it, `coupon_rec.load_market` reads it, unless
        the log has pseudonyms, which the table `users` does not know.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     offers = logged_offers(folder)
    >>> offers.columns.to_list()
    ['campaign_id', 'user_id', 'coupon_id', 'mailing_propensity', 'coupon_propensity', 'position']
    """
    decisions = read_decisions(folder)
    sent = decisions[decisions["chosen"].astype(bool)].sort_values("time", kind="stable")
    offers = sent.drop_duplicates(["campaign_id", "user_id", "coupon_id"])[[*OF_A_MARKET]]
    return offers.assign(position=offers["position"] + 1).reset_index(drop=True)


def read_answers(folder: Folders) -> pd.DataFrame:
    """Read every answer: one row each, its candidates in lists; see `read_decisions`."""
    answers = _read(folder, "answers")
    return pd.DataFrame() if answers is None else answers.to_pandas()


def read_outcomes(folder: Folders) -> pd.DataFrame:
    """Read every event that reached the service: one row each, with the fields of an `Event`."""
    outcomes = _read(folder, "outcomes")
    if outcomes is None:
        return pd.DataFrame()
    frame = outcomes.to_pandas(integer_object_nulls=True)
    whole = [field.name for field in outcomes.schema if pa.types.is_integer(field.type)]
    return frame.astype({name: "Int64" for name in whole if frame[name].dtype == object})


def named(folder: Folders) -> list[Path]:
    """List the folders, of which there is one at least."""
    folders = [Path(folder)] if isinstance(folder, str | Path) else [Path(one) for one in folder]
    if not folders:
        raise ValueError("no decision log is named: give a folder, or those of several replicas")
    return folders


def _read(folder: Folders, kind: str) -> pa.Table | None:
    tables = [table for one in named(folder) for table in _tables(one, kind)]
    return without_duplicates(joined(tables), KEYS[kind]) if tables else None


def _tables(folder: Path, kind: str) -> list[pa.Table]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; it is what --decisions names")
    while True:
        try:
            tables = [read_lines(path) for path in open_files(folder, kind)]
            written = [read_parquet(path) for path in parquet_files(folder, kind)]
            return tables + [completed(table, SCHEMAS[kind]) for table in written]
        except FileNotFoundError:  # became Parquet meanwhile: list them again
            continue


# The files of a decision log


def open_files(folder: Path, kind: str) -> list[Path]:
    """List the files of lines that are not Parquet yet, the oldest first.

    Raises
    ------
    ValueError
        If a service of version 1.0 was killed, and has left a file of its own format.
    """
    for path in (folder / "open").glob("*.arrow"):
        raise ValueError(
            f"{path}: was left by a service of version 1.0 that was killed; start and stop that "
            "version with this folder once more, and the file becomes Parquet"
        )
    return sorted((folder / "open").glob(f"{kind}-*.jsonl"))


def read_lines(path: Path) -> pa.Table:
    """Read a file of lines; what is no row is left out, with a warning that names the line."""
    schema, vault = SCHEMAS[path.name.partition("-")[0]], Vault.from_environment()
    with path.open("rb") as file:
        lines = [
            opened(line[:-1], line_name(path, number), vault) if line.endswith(b"\n") else line
            for number, line in enumerate(file, start=1)
        ]
    try:
        return _parsed(lines, schema)
    except pa.ArrowInvalid:  # a kill or a disk has cut a line off, or damaged it
        rows = []
        for number, line in enumerate(lines, start=1):
            if _is_row(line):
                rows.append(line)
            else:
                logger.warning("%s, line %d is cut off or damaged, and left out", path, number)
        return _parsed(rows, schema)


def _is_row(line: bytes) -> bool:
    try:
        return isinstance(from_json(line), dict)
    except ValueError:
        return False


def _parsed(lines: list[bytes], schema: pa.Schema) -> pa.Table:
    if not lines:
        return schema.empty_table()
    data = b"\n".join(lines)
    day = schema.get_field_index("day")
    table = read_json(
        pa.BufferReader(data),
        read_options=ReadOptions(block_size=len(data) + 1),
        parse_options=ParseOptions(
            explicit_schema=schema.set(day, pa.field("day", pa.timestamp("s"))),
            unexpected_field_behavior="ignore",
        ),
    )
    table = table.select(schema.names).cast(schema)
    for place, field in enumerate(schema):
        if field.name.endswith("_id") and field.name not in KEYS.values():
            table = table.set_column(place, field.name, _numbered(table[field.name]))
    return table


def _numbered(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Identifiers as whole numbers, if all of them spell one."""
    try:
        numbers = ids.cast(pa.list_(pa.int64()) if ids.type == IDS else pa.int64())
    except pa.ArrowInvalid:
        return ids
    return numbers if numbers.cast(ids.type) == ids else ids


def line_name(path: Path, number: int) -> str:
    """The name under which a line is sealed, so that it opens nowhere else."""
    return f"open/{path.name}, line {number}"


def parquet_files(folder: Path, kind: str, bucket: int | None = None) -> list[Path]:
    """List the Parquet files of a kind of rows, of all buckets or of one."""
    part = "*" if bucket is None else f"{bucket:02d}"
    return sorted(folder.glob(f"{kind}/day=*/bucket={part}/[!.]*.parquet"))


def place_of(path: Path) -> str:
    """The name under which a Parquet file is sealed: its kind, day, bucket and own name."""
    return "/".join(path.parts[-4:])


def read_parquet(path: Path) -> pa.Table:
    """Read one file as it was written, without columns from the names of its folders."""
    data = opened(path.read_bytes(), place_of(path), Vault.from_environment())
    try:
        # Small files need no threads, and Arrow's may abort a process that ends as they start.
        return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"{path}: is damaged ({error}): put back a copy, or remove it and do without its rows"
        ) from error


def completed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Add the last columns of a schema, without values, where a file of 1.0 lacks them."""
    for field in [*schema][len(table.schema) :]:
        table = table.append_column(field, pa.nulls(len(table), field.type))
    return table


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Put tables below each other; identifiers are texts if they are in any of them."""
    schema = tables[0].schema
    for table in tables[1:]:
        for place, field in enumerate(table.schema):
            if field.type in (ID, IDS):
                schema = schema.set(place, field)
    return pa.concat_tables([table.cast(schema) for table in tables])


def without_duplicates(table: pa.Table, key: str) -> pa.Table:
    """Keep the first row of each key: a kill between two steps may leave rows in two files."""
    codes = table[key].combine_chunks().dictionary_encode().indices.to_numpy()
    first = np.unique(codes, return_index=True)[1]
    return table if len(first) == len(table) else table.take(np.sort(first))
