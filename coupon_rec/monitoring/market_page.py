"""A page of one's own market and of what a model promises of it: one file that loads nothing."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from html import escape
from io import StringIO
from pathlib import Path
from string import Template
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec._extras import need
from coupon_rec.arguments import Floats, require_present
from coupon_rec.decisions import Economics, offer_value
from coupon_rec.decisions.best import best_offers, lists_of
from coupon_rec.decisions.value import LIST, SHARES
from coupon_rec.effects import holdout_size, power
from coupon_rec.evaluation import compare, evaluate, from_sums, reliability, total
from coupon_rec.features.catalog import EVERY_FEATURE
from coupon_rec.market import Market
from coupon_rec.market.schema import OPTIONAL_TABLES, SCHEMAS
from coupon_rec.odds import best_of_each

TEMPLATE = Path(__file__).with_suffix(".html")
INK, LINE, PROMISED, KEPT = "#010101", "#020202", "#030303", "#040404"
THEME = {INK: "ink", LINE: "line", PROMISED: "promised", KEPT: "kept"}
"""Stand-ins for the page's colors, which differ by light and dark."""
LOOK: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 11,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
WIDTH = 4.2
STRETCHED = (lambda x: np.sqrt(np.maximum(x, 0)), np.square)
"""A scale that has room for small rates, and its inverse."""
MOST_POINTS = 40
MOST_LISTS, MOST_OFFERS = 2000, 30_000
MEANINGS = {name: each.meaning for name, each in EVERY_FEATURE.items()}
KNOWN_BY = {
    "items": "receipts of the coupon's items",
    "category": "receipts of its category",
    "department": "receipts of its department",
    "all coupons": "receipts of all coupons",
    "nothing": "nothing: counted as 1.00",
}
"""Where a discount comes from; others are names of columns."""
SHARES_OF_PROFIT = (0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Judged:
    """What a page is made from.

    Attributes
    ----------
    offers : pandas.DataFrame
        All rows of the offers table, with labels.
    test : pandas.DataFrame
        Those of the test campaigns.
    p : numpy.ndarray
        The probability of redemption of each test offer, in their order.
    economics : Economics
        The assumptions with which the sliders begin.
    learned : mapping of str to float
        By column, how far the log odds move when it is another offer's.
    market : Market, optional
        The tables, if they are to be described.
    """

    offers: pd.DataFrame
    test: pd.DataFrame
    p: Floats
    economics: Economics
    learned: Mapping[str, float]
    market: Market | None = None


def market_page(judged: Judged, model: str) -> str:
    """Write the page of a market and of a model.

    Parameters
    ----------
    judged : Judged
        The offers, and what the model says of them.
    model : str
        The name of the model.

    Returns
    -------
    str
        HTML that loads nothing.

    Raises
    ------
    ValueError
        If offers lack a column, or all or none of the test offers were redeemed.
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    need("matplotlib", "book")
    test = judged.test
    require_present(test, [*LIST, "coupon_id", "start", "bought", "redeemed", "discount_from"])
    if test["redeemed"].nunique() < 2:
        raise ValueError(
            f"{'all' if test['redeemed'].any() else 'none'} of the {len(test):,} test offers were "
            "redeemed, so no promise can be judged by them: choose --validate-from and --test-from "
            "so that the test campaigns have both"
        )
    most = sorted(judged.learned.items(), key=lambda each: -each[1])[:12]
    facts = {
        "model": escape(model),
        "campaigns": f"{test['campaign_id'].nunique():,}",
        "first": f"{test['start'].min():%Y-%m-%d}",
        "last": f"{test['start'].max():%Y-%m-%d}",
        "learned": _bars({MEANINGS.get(name, name): far for name, far in most}, "{:.2f}"),
    }
    for section in (_tables, _rates, _calibration, _money, _sliders, _holdout):
        facts |= section(judged)
    return Template(TEMPLATE.read_text("utf-8")).substitute(facts)


def sample_of(test: pd.DataFrame, p: Floats, economics: Economics) -> dict[str, Any]:
    """Take whole lists by chance, for the sliders to choose from.

    Of each list it keeps the offers that can be its best under some assumptions.

    Parameters
    ----------
    test, p, economics
        As for `Judged`.

    Returns
    -------
    dict
        The `economics`; `kinds`, each the spend, discount, margin and shop_share of some offers;
        of each offer its `kind`, `p` and `redeemed`, in the order of lists and coupons; the `sizes`
        of the lists; and the `scale`, by which their sums are to be multiplied.
    """
    columns = ["spend_per_line", "discount", *SHARES]
    offers = test.reindex(columns=[*LIST, "coupon_id", "redeemed", *columns])
    offers = offers.assign(p=[float(f"{each:.3g}") for each in p]).sort_values("coupon_id")
    offers[columns] = offers[columns].astype(float).round(4)
    lists = lists_of(offers)
    drawn = np.random.default_rng(0).permutation(len(lists))[:MOST_LISTS]
    kept: list[pd.DataFrame] = []
    for each in drawn:
        kept.append(_frontier(offers.iloc[lists[each]]))
        if sum(map(len, kept)) >= MOST_OFFERS:
            break
    rows = pd.concat(kept)
    kinds = rows[columns].drop_duplicates().astype(object)
    return {
        "economics": asdict(economics),
        "kinds": kinds.where(kinds.notna(), None).to_numpy().tolist(),
        "kind": rows.groupby(columns, dropna=False, sort=False).ngroup().tolist(),
        "p": rows["p"].tolist(),
        "redeemed": rows["redeemed"].astype(int).tolist(),
        "sizes": [len(each) for each in kept],
        "scale": len(lists) / len(kept),
    }


def _frontier(offers: pd.DataFrame) -> pd.DataFrame:
    """Leave out the offers than which another brings more and costs less, whatever is assumed."""
    brings = offers["p"] * offers["spend_per_line"] * offers["margin"].fillna(1.0)
    costs = offers["p"] * offers["discount"] * offers["shop_share"].fillna(1.0)
    keep = np.zeros(len(offers), bool)
    known = offers[list(SHARES)].notna() @ [1, 2]  # only offers with the same unknowns compare
    for each in known.unique():
        rows = np.flatnonzero(known == each)
        rows = rows[np.lexsort((costs.iloc[rows], -brings.iloc[rows]))]
        cheapest = np.minimum.accumulate(costs.iloc[rows])
        keep[rows] = np.r_[True, np.diff(cheapest) < 0]
    return offers[keep]


def best_of(sample: Mapping[str, Any]) -> dict[str, float]:
    """Add up what the best coupons of a sample promise, what came, and how many are sent.

    Parameters
    ----------
    sample : mapping
        As `sample_of` gives it; the sums are multiplied by its scale.
    """
    kinds = pd.DataFrame(sample["kinds"], columns=["spend_per_line", "discount", *SHARES])
    offers = kinds.astype(float).iloc[sample["kind"]]
    economics = Economics(**sample["economics"])
    value, came = (offer_value(offers, sample[each], economics) for each in ("p", "redeemed"))
    best = best_of_each(np.repeat(np.arange(len(sample["sizes"])), sample["sizes"]), value)
    best = best[value[best] > 0]
    sums = {"promised": value[best].sum(), "came": came[best].sum(), "sent": len(best)}
    return {name: sample["scale"] * float(each) for name, each in sums.items()}


# The sections, each with what it fills in


def _tables(judged: Judged) -> dict[str, str]:
    """Say what there is, what is missing, and by what discounts are known."""
    offers = judged.offers
    counts = {f"{each}s": offers[f"{each}_id"].nunique() for each in ("user", "coupon", "campaign")}
    counts |= {"offers": len(offers), "redemptions": int(offers["redeemed"].sum())}
    optional = ""
    if judged.market is not None:
        tables = judged.market.tables()
        counts = {name: int(table.count().execute()) for name, table in tables.items()}
        there, missing = _optional(tables)
        lists = _folded("There, with the share of rows that have it", there)
        lists += _folded("Missing, and what each would say", missing)
        optional = f'<div class="card"><h3>What is optional</h3>{lists}</div>'
    sources = offers["discount_from"].value_counts(normalize=True)
    known = {KNOWN_BY.get(source, source): share for source, share in sources.items()}
    tiles = [
        f'<div class="card tile"><b>{count:,}</b>{name.replace("_", " ")}</div>'
        for name, count in counts.items()
    ]
    return {"counts": "".join(tiles), "known": _bars(known, "{:.1%}"), "optional": optional}


def _optional(tables: Mapping[str, ibis.Table]) -> tuple[dict[str, str], dict[str, str]]:
    """Sort optional tables and columns by whether they say anything."""
    there: dict[str, str] = {}
    gone = {each: schema for each, schema in OPTIONAL_TABLES.items() if each not in tables}
    missing = {name: _said(schema) for name, schema in gone.items()}
    for name, table in tables.items():
        columns = SCHEMAS[name].columns
        words = {column: "a column of your own" for column in table.columns}
        words |= {column: _said(described) for column, described in columns.items()}
        asked = {column: described.default for column, described in columns.items()}
        asked |= dict.fromkeys({*table.columns} - {*columns})
        always = {column for column, described in columns.items() if described.required}
        for column, share in _filled(table, asked).items():
            if share > 0 and column not in always:
                there[f"{name}.{column}"] = f"{share:.0%}: {words[column]}"
            elif not share:
                missing[f"{name}.{column}"] = words[column]
    return there, missing


def _said(described: Any) -> str:
    return str(described.description).replace("`", "")


def _filled(table: ibis.Table, defaults: Mapping[str, Any]) -> dict[str, float]:
    """Give the share of rows in which a column is there and says more than its default."""
    says = {
        column: table[column].notnull() & (default is None or table[column] != default)
        for column, default in defaults.items()
        if column in table.columns
    }
    by_number = {f"n{place}": each.mean() for place, each in enumerate(says.values())}
    shares = table.aggregate(**by_number).to_pandas().iloc[0]
    return dict.fromkeys(defaults, 0.0) | dict(zip(says, map(float, shares), strict=True))


def _rates(judged: Judged) -> dict[str, str]:
    """Draw the redemption rate by campaign start, or by the months or years of many starts."""
    offers = judged.offers
    start, first = pd.to_datetime(offers["start"]), pd.to_datetime(judged.test["start"]).min()
    names = {"D": "by day", "W": "by week", "M": "by month", "Q": "by quarter", "Y": "by year"}
    few = (each for each in names if start.dt.to_period(each).nunique() <= MOST_POINTS)
    unit = next(few, "Y")
    begun = start.dt.to_period(unit).dt.start_time.clip(lower=start.min()).rename("begun")
    begun = begun.mask(start >= first, begun.clip(lower=first))
    sums = offers.groupby([begun, "user_id"])["redeemed"].agg(["sum", "size"]).reset_index()
    late = sums["begun"] >= first
    table = pd.DataFrame({day: _rate(rows) for day, rows in sums.groupby("begun")}).T

    def draw(axes: Any) -> None:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        _with_intervals(axes, table[table.index < first], INK, "o")
        _with_intervals(axes, table[table.index >= first], KEPT, "s")
        locator = AutoDateLocator(maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.set(xlabel="start of the campaign", ylabel="redeemed, % of offers")
        _stretch(axes, "y", 105 * table["high"].max())

    said = f"Redemption rates of campaigns by start, from {table['value'].min():.2%} to "
    return {
        "rates": _picture(draw, 2.9, f"{said}{table['value'].max():.2%} of offers"),
        "period": names[unit],
        "rate_before": _between(_rate(sums[~late]), "{:.2%}"),
        "rate_in": _between(_rate(sums[late]), "{:.2%}"),
    }


def _rate(rows: pd.DataFrame) -> pd.Series:
    """Redemption rate, from the sums of users."""
    return from_sums(rows[["sum", "size"]], rows["user_id"], lambda of: of["sum"] / of["size"])


def _calibration(judged: Judged) -> dict[str, str]:
    """Set promises beside what was kept, and score the order and the probabilities."""
    test, p = judged.test, judged.p
    y, users = test["redeemed"].to_numpy(), test["user_id"].to_numpy()
    table = reliability(y, p, users)
    every = {"all": np.ones(len(test), bool)}
    scores = evaluate(test, p, metrics=["AUC", "log loss"], slices=every).loc["all"]
    before = judged.offers.loc[judged.offers["start"] < test["start"].min(), "redeemed"].mean()
    constant = np.full(len(test), before)
    gain = compare(test, p, constant, metrics=["log loss"], slices=every).loc["all"].iloc[0]
    sums = pd.DataFrame({"kept": y, "promised": p})
    ratio = from_sums(sums, users, lambda of: of["kept"] / of["promised"])

    def draw(axes: Any) -> None:
        edge = 110 * max(table["predicted"].max(), table["high"].max())
        axes.plot([0, edge], [0, edge], color=INK, linewidth=1, linestyle="dashed")
        points = table.rename(columns={"observed": "value"})
        _with_intervals(axes, points.set_index(100 * table["predicted"]), KEPT, "o")
        axes.set(xlabel="promised, %", ylabel="redeemed, %")
        _stretch(axes, "x", edge)
        _stretch(axes, "y", edge)

    said = f"Promised and kept redemption rates in {len(table)} groups of offers"
    return {
        "calibration": _picture(draw, 3.6, said),
        "kept_ratio": _between(ratio, "{:.2f}"),
        "auc": _between(scores.loc["AUC"], "{:.3f}"),
        "log_loss": _between(scores.loc["log loss"], "{:.4f}"),
        "gain": _between(gain.rename({"difference": "value"}), "{:+.4f}"),
    }


def _money(judged: Judged) -> dict[str, str]:
    """Set the profit that was promised beside the one that came."""
    test, p, economics = judged.test, judged.p, judged.economics
    users, came = test["user_id"].to_numpy(), offer_value(test, test["redeemed"], economics)
    best = best_offers(test, p, economics).query("row >= 0").sort_values("value", ascending=False)
    rows = best["row"].to_numpy()
    money = {"promised": best["value"].to_numpy(), "came": came[rows]}
    sums = {name: _total(values, users[rows]) for name, values in money.items()}

    def draw(axes: Any) -> None:
        at = np.unique(np.linspace(0, len(rows), 200).astype(int))
        for (name, values), color in zip(money.items(), (PROMISED, KEPT), strict=True):
            path, end = np.r_[0, values.cumsum()], sums[name]
            axes.plot(at, path[at], color=color)
            axes.vlines(at[-1:], end["low"], end["high"], color=color, linewidth=1.5)
            axes.annotate(
                name, (at[-1], end["value"]), (6, 0), textcoords="offset points", color=color
            )
        axes.axhline(0, color=INK, linewidth=1)
        axes.set(xlabel="lists that get a coupon", ylabel="profit, in currency")
        axes.margins(x=0.02)

    said = f"Profit promised, {_amount(sums['promised']['value'])}, and come, "
    return {
        "money": _picture(draw, 2.9, said + _amount(sums["came"]["value"])),
        "swings": _swings(judged),
        "promised_by_best": _between(sums["promised"], "{:,.2f}"),
        "came_by_best": _between(sums["came"], "{:,.2f}"),
        "came_by_all": _between(_total(came, users), "{:,.2f}"),
    }


def _total(values: Floats, users: NDArray[Any]) -> pd.Series:
    return total(values, users) if len(values) else pd.Series(0.0, ["value", "low", "high"])


def _swings(judged: Judged) -> str:
    """Draw what the best coupons promise if one assumption is half or one and a half as large."""
    lists = judged.test.groupby(LIST).ngroup().to_numpy()

    def promised(**assumed: float) -> float:
        value = offer_value(judged.test, judged.p, replace(judged.economics, **assumed))
        return float(value[best_of_each(lists, value)].clip(0).sum())

    middle, ends = promised(), {}
    for name, given in asdict(judged.economics).items():
        more = min(1.5 * given, 1.0) if name in ("margin", "incremental") else 1.5 * given
        ends[name] = promised(**{name: given / 2}), promised(**{name: more})

    def draw(axes: Any) -> None:
        for place, (low, high) in enumerate(ends.values()):
            axes.plot([low, middle, high], [place] * 3, color=PROMISED, linewidth=6, alpha=0.35)
            axes.plot(low, place, "v", color=PROMISED)
            axes.plot(high, place, "^", color=PROMISED)
        axes.axvline(middle, color=INK, linewidth=1, linestyle="dashed")
        axes.set_yticks(range(len(ends)), [name.replace("_", "\n") for name in ends])
        axes.set_ylim(len(ends) - 0.5, -0.5)
        axes.set_xlabel("promised profit, in currency")
        axes.locator_params(axis="x", nbins=4)

    said = "Promised profit if one assumption is half as large or half as large again: "
    said += "; ".join(f"{name} {_amount(a)} to {_amount(b)}" for name, (a, b) in ends.items())
    return _picture(draw, 2.9, said)


def _sliders(judged: Judged) -> dict[str, str]:
    """Give what the sliders begin with, and the lists they choose from."""
    sample, given = sample_of(judged.test, judged.p, judged.economics), asdict(judged.economics)
    facts = {name: f"{each:g}" for name, each in given.items()}
    facts |= {name: _amount(each) for name, each in best_of(sample).items()}
    for column in SHARES:
        share = judged.test[column].notna().mean() if column in judged.test else 0.0
        facts[f"{column}_known"] = f"; {share:.0%} of the offers have their own" if share else ""
    drawn, lists = len(sample["sizes"]), round(len(sample["sizes"]) * sample["scale"])
    some = f"{drawn:,} lists of {lists:,}, drawn by chance, and scaled up to all"
    return facts | {
        "sent": f"{best_of(sample)['sent']:,.0f}",
        "match_most": f"{max(1.0, 2 * given['retailer_match']):g}",
        "contact_most": f"{max(0.1, 2 * given['contact']):g}",
        "drawn": some if drawn < lists else f"all {lists:,} lists of the test campaigns",
        "sample": json.dumps(sample, separators=(",", ":")),
    }


def _holdout(judged: Judged) -> dict[str, str]:
    """Draw how many lists an experiment needs to see a share of the promised profit."""
    best = best_offers(judged.test, judged.p, judged.economics).query("row >= 0")
    sent, profit = judged.test.iloc[best["row"].to_numpy()], float(best["value"].mean())
    bought, redeemed = (sent[label].to_numpy(float) for label in ("bought", "redeemed"))
    spread = offer_value(sent, redeemed, judged.economics, effect=bought).std() if len(sent) else 0
    facts = {"lists": f"{len(sent):,}", "half": "–", "chance": "–"}
    if not spread > 0:
        nothing = "<p>No coupon is worth sending, or nobody bought: there is no profit to see.</p>"
        return facts | {"holdout": nothing}
    kinds = {0.5: "half held out", 0.9: "a tenth held out"}
    sizes = {
        share: [holdout_size(each * profit, spread, share=share) for each in SHARES_OF_PROFIT]
        for share in kinds
    }

    def draw(axes: Any) -> None:
        axes.set(xscale="log", yscale="log")
        for share, color, shape, offset in ((0.5, PROMISED, "o", -16), (0.9, KEPT, "s", 10)):
            axes.plot(SHARES_OF_PROFIT, sizes[share], color=color, marker=shape)
            at, side = (0.5, sizes[share][1]), "right" if share == 0.5 else "left"
            axes.annotate(
                kinds[share], at, (0, offset), textcoords="offset points", ha=side, color=color
            )
        axes.axhline(len(sent), color=INK, linewidth=1, linestyle="dashed")
        axes.set_xticks(SHARES_OF_PROFIT, [f"{each:.0%}" for each in SHARES_OF_PROFIT])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set(xlabel="true profit, of the promised one", ylabel="lists")

    half = f"{sizes[0.5][SHARES_OF_PROFIT.index(1.0)]:,}"
    said = f"Lists that an experiment needs: {half} if half are held out and the promise is true"
    chance = f"{power(len(sent), profit, float(spread)):.0%}"
    return facts | {"holdout": _picture(draw, 2.9, said), "half": half, "chance": chance}


# What the sections are made of


def _picture(draw: Callable[[Any], None], height: float, said: str) -> str:
    """Draw a figure that takes its colors from the page, with words for who cannot see it."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    file, nothing = StringIO(), dict.fromkeys(("Creator", "Date", "Format", "Type"))
    look: Any = LOOK | {"svg.hashsalt": said}
    with rc_context(look):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure.subplots())
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(
        "<svg", f'<svg role="img" aria-label="{escape(said)}"', 1
    )
    for color, name in THEME.items():
        svg = svg.replace(color, f"var(--{name})")
    return re.sub(r'<g id="[^"]*"', "<g", svg)  # several pictures would share these names


def _with_intervals(axes: Any, rows: pd.DataFrame, color: str, shape: str) -> None:
    """Draw values with their intervals, in percent."""
    axes.vlines(rows.index, 100 * rows["low"], 100 * rows["high"], color=color, linewidth=1.5)
    axes.plot(rows.index, 100 * rows["value"], shape, color=color, markersize=4.5)


def _stretch(axes: Any, side: str, edge: float) -> None:
    """Make room for small rates: the roots of what an axis shows are equally far apart."""
    ticks = [m * 10.0**k for k in range(-4, 3) for m in (2, 5)]
    ticks = [0.0, *(tick for tick in ticks if edge / 40 < tick < edge)]
    axes.set(**{f"{side}lim": (0, edge)})
    getattr(axes, f"set_{side}scale")("function", functions=STRETCHED)
    getattr(axes, f"set_{side}ticks")(ticks, [f"{tick:g}" for tick in ticks])


def _bars(values: Mapping[str, float], form: str) -> str:
    """Write a list of bars; their names may be anybody's."""
    most = max(values.values(), default=0.0) or 1.0
    bars = [
        f"<li><span>{form.format(value)}</span>{escape(name)}"
        f'<i style="width:{100 * value / most:.1f}%"></i></li>'
        for name, value in values.items()
    ]
    return f'<ul class="bars">{"".join(bars)}</ul>'


def _folded(title: str, rows: Mapping[str, str]) -> str:
    """Write a table that opens; the names of its rows may be anybody's."""
    lines = [
        f"<tr><th><code>{escape(name)}</code></th><td>{escape(said)}</td></tr>"
        for name, said in rows.items()
    ]
    table = f"<table>{''.join(lines)}</table>"
    return f"<details><summary>{title} ({len(rows)})</summary>{table}</details>" if rows else ""


def _between(row: pd.Series, form: str) -> str:
    low, high = (form.format(row[end]) for end in ("low", "high"))
    return f"{form.format(row['value'])} <small>[{low}, {high}]</small>"


def _amount(money: float) -> str:
    return f"{money:,.0f}" if abs(money) >= 1000 else f"{money:,.2f}"
