"""Someone's own market, read, made exact and checked."""

import warnings
from collections.abc import Iterator, Mapping
from itertools import chain
from tempfile import gettempdir

import ibis
from ibis import Table, _
from ibis.backends import BaseBackend

from coupon_rec.market import identifiers as ids
from coupon_rec.market.converting import shape
from coupon_rec.market.errors import MarketError
from coupon_rec.market.schema import SCHEMAS
from coupon_rec.market.sources import Source, empty, open_tables
from coupon_rec.market.tables import IDENTIFIERS, Market
from coupon_rec.market.validation import Counted, Rule, market_rules, problems


def connect(**settings: str) -> BaseBackend:
    """Open a new DuckDB in memory that hashes the right side of a join, as the joins are written.

    Left to itself it guesses which side is smaller. After several grouped tables it guesses
    wrong, and hashes 800,000 wide offers instead of a few thousand users.

    Parameters
    ----------
    **settings : str
        Of DuckDB, such as ``memory_limit="1GB"``.
    """
    return ibis.duckdb.connect(disabled_optimizers="build_side_probe_side", **settings)


def connect_in_2_gb() -> BaseBackend:
    """Open a new DuckDB that keeps to 2 GB of memory and puts what is more on the disk."""
    return connect(memory_limit="2GB", temp_directory=gettempdir())


def load_market(source: Source, connection: BaseBackend | None = None) -> Market:
    """Read and validate your own market.

    Each table is one file, `<table>.parquet` or `<table>.csv`, with the columns of
    `data/SCHEMA.md` in any order, or an Ibis table that is already open. Types are made exact
    where nothing is lost by it, and what is optional is filled as documented there. Identifiers
    may be text: they are numbered, and `Market.named` gives them back. Columns of your own are
    kept in `users` (`user_...`) and `coupons` (`coupon_...`); others are ignored with a warning.

    Parameters
    ----------
    source : str, Path or mapping of str to ibis.Table
        A folder; a URI that the engine reads, such as ``"s3://bucket/market"``; or the tables by
        name, all on one engine.
    connection : ibis.BaseBackend, optional
        The engine that reads files, such as `ibis.pyspark.connect(session)`. A new DuckDB by
        default.

    Returns
    -------
    Market
        Views of the files or tables, which therefore must stay where they are. Only the numbers
        of identifiers that are text are stored in the engine; a market that was written with
        `Market.write` has them in its files, and needs no joins to find them.

    Raises
    ------
    MarketError
        If a table or column is missing, a file cannot be read or is no table of a market, or a rule
        of the schema is broken. It lists every problem with its table, column, number of rows and
        up to five of them.

    Examples
    --------
    >>> market = load_market("data/sample")
    >>> sorted(market.campaigns.campaign_type.to_pandas())
    ['A', 'B', 'B', 'C']

    >>> tables = market.tables()
    >>> load_market({**tables, "redemptions": tables["redemptions"].limit(3)}).promotions.columns
    ('item_id', 'store_id', 'week_start', 'display', 'mailer')

    >>> load_market("data")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    coupon_rec.market.errors.MarketError: users: the table is missing
        To fix it: put users.parquet or users.csv into the folder.
    ...
    """
    opened = open_tables(source, connection or connect())
    raw, wrong = opened.tables, opened.problems
    identifiers: dict[str, Table] = {}
    if IDENTIFIERS in raw:
        identifiers, lost = ids.stored(raw.pop(IDENTIFIERS))
        wrong += lost
    text, numbers, without_rows = ids.text_kinds(raw)
    wrong += [empty(name) for name in without_rows]
    text -= identifiers.keys()
    numbers |= dict.fromkeys(identifiers, IDENTIFIERS)
    tables: dict[str, Table] = {}
    for name, table in raw.items():
        if name in without_rows:
            continue
        exact, lost = shape(table, name, text, numbers, name in opened.csv)
        wrong += lost
        if exact is not None:
            tables[name] = exact
    wrong += ids.unnamed(tables, identifiers)
    identifiers |= ids.number(tables, sorted(text))
    if text:
        tables = {
            name: ids.exchanged(table, identifiers, put="number", instead="text")
            for name, table in tables.items()
        }
    broken = problems(chain(market_rules(tables), _repeated(tables)))
    wrong += ids.with_text(broken, identifiers)
    if wrong:
        order = {name: place for place, name in enumerate([*SCHEMAS, IDENTIFIERS])}
        raise MarketError(sorted(wrong, key=lambda each: order.get(each.table, len(order))))
    _warn_of_dates(tables["purchases"], tables["campaigns"])
    return Market(**tables, identifiers=identifiers)


def _warn_of_dates(purchases: Table, campaigns: Table) -> None:
    """Warn if no purchase precedes a campaign, or none follows the first day of one."""
    days = purchases.aggregate(first=_.time.min().date(), last=_.time.max().date())
    starts = campaigns.aggregate(earliest=_.start.min(), latest=_.start.max())
    (one,) = days.cross_join(starts).to_pyarrow().to_pylist()
    if one["first"] >= one["latest"]:
        what = "no purchase precedes a campaign, so that nothing is known of any user"
    elif one["last"] < one["earliest"]:
        what = "no purchase follows the start of a campaign, so that nothing counts as bought"
    else:
        return
    warnings.warn(
        f"{what}: purchases are from {one['first']} to {one['last']}, and campaigns start from "
        f"{one['earliest']} to {one['latest']}. Look at the dates of both.",
        stacklevel=3,
    )


def _repeated(tables: Mapping[str, Table]) -> Iterator[Counted]:
    """Promotions that are duplicates; `validate` leaves this out, as it takes seconds."""
    if "promotions" not in tables:
        return
    promotions = tables["promotions"]
    times = promotions.group_by(promotions.columns).aggregate(times=_.count())
    twice = times.filter(_.times > 1)
    rule = Rule("promotions", "", twice, "rows that are not unique", "keep one of each.")
    yield [rule], twice.aggregate(broken=ibis.array([_.count()]))
