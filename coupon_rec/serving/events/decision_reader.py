"""What a decision log holds, as frames: offers with propensities, and what followed."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from coupon_rec.serving.events.decision_files import (
    KEYS,
    joined,
    parquet_files,
    read_parquet,
    read_segment,
    without_duplicates,
)

Folders = str | Path | Sequence[str | Path]
"""A decision log, or those of several replicas."""

OF_A_CANDIDATE = ("campaign_id", "coupon_id", "probability", "value", "propensity", "position")


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
        k, counted, degraded, cached, package, arm ("live", or "canary" for those of a bundle on
        trial) and platform (empty where none was named) of its answer. An answer without
        candidates has none.

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


OF_A_MARKET = (
    *("campaign_id", "user_id", "coupon_id"),
    *("mailing_propensity", "coupon_propensity", "position"),
)
COLUMNS = (
    *(*OF_A_MARKET, "chosen", "probability", "value", "time", "request_id", "bundle"),
    *("k", "counted", "degraded", "cached", "package", "arm", "platform"),
)


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


def _read(folder: Folders, name: str) -> pa.Table | None:
    tables = [table for one in named(folder) for table in _tables(one, name)]
    return without_duplicates(joined(tables), KEYS[name]) if tables else None


def _tables(folder: Path, name: str) -> list[pa.Table]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; it is what --decisions names")
    while True:
        try:
            tables = []
            for path in sorted((folder / "open").glob(f"{name}-*.arrow")):
                tables += read_segment(path)
            return tables + [read_parquet(path) for path in parquet_files(folder, name)]
        except FileNotFoundError:  # sealed or merged meanwhile: list them again
            continue
