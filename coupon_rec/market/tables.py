"""The tables of a market."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import ibis
import pandas as pd
from ibis import Table
from pandas.api.types import infer_dtype

OFFER = ("campaign_id", "user_id", "coupon_id")
"""The key of an offer."""
IDENTIFIERS = "identifiers"
"""The file with the text of identifiers, beside those of the tables."""


@dataclass(frozen=True)
class Market:
    """The tables that describe a market of coupons; `data/SCHEMA.md` lists their columns.

    Identifiers are whole numbers. If they were text, `identifiers` has it and `named` gives it
    back.

    Attributes
    ----------
    users, items, coupons, coupon_items, campaigns, offers, purchases, redemptions : ibis.Table
        Who, what, which coupon covers which item, and what happened when. Columns of `users` and
        `coupons` that the schema does not know are the market's own: `user_...`, `coupon_...`.
    promotions : ibis.Table or None
        What the stores put on display or into their mailers, week by week.
    holdouts : ibis.Table or None
        Who was kept out of a campaign, with what probability.
    prices, stock : ibis.Table or None
        List prices and unit costs, and units on hand, by day.
    views, clicks, reviews : ibis.Table or None
        Which items were looked at, clicked and rated, when and by whom.
    accounts : ibis.Table or None
        The person behind each account.
    identifiers : mapping of str to ibis.Table
        For each kind of identifier that was text, such as "user_id", the `number` that stands for
        each `text`. Empty if all of them were numbers.

    Examples
    --------
    >>> from coupon_rec import load_market
    >>> market = load_market("data/sample")
    >>> int(market.users.count().execute())
    60
    """

    users: Table
    items: Table
    coupons: Table
    coupon_items: Table
    campaigns: Table
    offers: Table
    purchases: Table
    redemptions: Table
    promotions: Table | None = None
    holdouts: Table | None = None
    prices: Table | None = None
    stock: Table | None = None
    views: Table | None = None
    clicks: Table | None = None
    reviews: Table | None = None
    accounts: Table | None = None
    identifiers: Mapping[str, Table] = field(default_factory=dict, compare=False)

    def tables(self) -> dict[str, Table]:
        """Give the tables by name, without those that this market lacks."""
        named = {name: getattr(self, name) for name in TABLES}
        return {name: table for name, table in named.items() if table is not None}

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give a frame the identifiers that the market came with.

        Parameters
        ----------
        frame : pandas.DataFrame
            Rows about this market, such as its offers or the choices made for its users.

        Returns
        -------
        pandas.DataFrame
            A copy, in which the text stands in each column that is named as a kind of identifier
            that was text; all else is as it was, and so is a column that has the text already.

        Raises
        ------
        ValueError
            If a number stands for nothing in this market.

        Examples
        --------
        >>> from coupon_rec import load_market
        >>> market = load_market("data/sample")  # its identifiers are numbers
        >>> market.named(pd.DataFrame({"user_id": [1, 2]}))
           user_id
        0        1
        1        2
        """
        columns = {}
        for column in self.identifiers.keys() & {*frame.columns}:
            if infer_dtype(frame[column]) == "string":
                continue
            text = self.identifiers[column].to_pandas().set_index("number")["text"]
            numbers = frame[column].astype("Int64")
            columns[column] = numbers.map(text).astype("str")
            if (unknown := numbers[columns[column].isna() & numbers.notna()]).size:
                raise ValueError(
                    f"{column} {unknown.iloc[0]} (row {unknown.index[0]}) stands for nothing in "
                    "this market; name a frame with the market that it was made from"
                )
        return frame.assign(**columns)

    def write(self, folder: str | Path) -> Path:
        """Write one Parquet file a table, so that `load_market` can read them back.

        The text of identifiers goes into `identifiers.parquet`, so that numbers and text stay
        what they are. Spark writes a folder of files a table, which `load_market` reads as well.
        The files appear only when all of them are written; if writing fails, the folder is as it
        was.

        Parameters
        ----------
        folder : str or Path
            Created if it does not exist. Tables of another market in it, Parquet or CSV, are
            replaced, and those that this market lacks are removed.

        Returns
        -------
        Path
            The folder.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tables = self.tables()
        if self.identifiers:
            tables[IDENTIFIERS] = ibis.union(
                *(
                    table.select(ibis.literal(column).name("column"), "number", "text")
                    for column, table in self.identifiers.items()
                )
            )
        with TemporaryDirectory(dir=folder, prefix=".draft-") as draft:
            for name, table in tables.items():
                table.to_parquet(Path(draft) / f"{name}.parquet")
            for name in (*TABLES, IDENTIFIERS):
                path = folder / f"{name}.parquet"
                _remove(path)
                _remove(path.with_suffix(".csv"))
                if name in tables:
                    (Path(draft) / path.name).rename(path)
        return folder


TABLES = tuple(each.name for each in fields(Market) if each.name != "identifiers")


def _remove(path: Path) -> None:
    """Remove a table's file or, as Spark writes it, its folder of files."""
    if path.is_dir():
        rmtree(path)
    path.unlink(missing_ok=True)
