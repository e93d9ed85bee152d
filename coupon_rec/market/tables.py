"""The tables of a market."""

from dataclasses import dataclass, fields
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from ibis import Table


@dataclass(frozen=True)
class Market:
    """Nine tables that describe a market of coupons; `data/SCHEMA.md` lists their columns.

    Attributes
    ----------
    users, items, coupons, coupon_items, campaigns, offers, purchases, redemptions : ibis.Table
        Who, what, which coupon covers which item, and what happened when.
    promotions : ibis.Table or None
        What the stores put on display or into their mailers, week by week.
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

    def tables(self) -> dict[str, Table]:
        """Give the tables by name, without those that this market lacks."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: table for name, table in named.items() if table is not None}

    def write(self, folder: str | Path) -> Path:
        """Write one Parquet file a table, so that `load_market` can read them back.

        Spark writes a folder of files a table, which `load_market` reads as well. The files
        appear only when all of them are written; if writing fails, the folder is as it was.

        Parameters
        ----------
        folder : str or Path
            Created if it does not exist. Tables of another market in it are replaced, and its
            promotions are removed if this market has none.

        Returns
        -------
        Path
            The folder.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".draft-") as draft:
            for name, table in self.tables().items():
                table.to_parquet(Path(draft) / f"{name}.parquet")
            for field in fields(self):
                path = folder / f"{field.name}.parquet"
                _remove(path)
                if getattr(self, field.name) is not None:
                    (Path(draft) / path.name).rename(path)
        return folder


def _remove(path: Path) -> None:
    """Remove a table's file or, as Spark writes it, its folder of files."""
    if path.is_dir():
        rmtree(path)
    path.unlink(missing_ok=True)
