"""The one error that a bad market raises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 5


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one table.

    Attributes
    ----------
    table : str
        The table, for example "redemptions".
    column : str
        The column or columns, separated by commas; empty if the whole table is meant.
    rows : int
        How many rows are affected; 0 if the table or column is missing or cannot be read.
    what : str
        What is wrong.
    fix : str
        What to do about it.
    examples : sequence of dict
        Up to five of the rows.

    Examples
    --------
    >>> print(Problem("users", "user_id", 2, "a key that is not unique", "keep one."))
    users (user_id): 2 rows, a key that is not unique
        To fix it: keep one.
    """

    table: str
    column: str
    rows: int
    what: str
    fix: str
    examples: Sequence[Mapping[str, Any]] = ()

    def __str__(self) -> str:
        """Tell the problem in a few lines: where, how many rows, what, examples, what to do."""
        where = f"{self.table} ({self.column})" if self.column else self.table
        count = f"{self.rows:,} row{'' if self.rows == 1 else 's'}, " if self.rows else ""
        lines = [f"{where}: {count}{self.what}"]
        lines += [
            "    " + ", ".join(f"{name}={value}" for name, value in row.items())
            for row in self.examples
        ]
        return "\n".join([*lines, f"    To fix it: {self.fix}"])


class MarketError(ValueError):
    """A market that cannot be used, with everything that was found wrong.

    Parameters
    ----------
    problems : sequence of Problem
        At least one.

    Attributes
    ----------
    problems : tuple of Problem
        The same, in the order of the tables.

    Examples
    --------
    >>> from coupon_rec.market import load_market
    >>> try:
    ...     load_market("data")
    ... except MarketError as error:
    ...     print(error.problems[0])
    users: the table is missing
        To fix it: put users.parquet or users.csv into the folder.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))

    def __reduce__(self) -> tuple[type["MarketError"], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)
