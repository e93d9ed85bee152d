"""A page of one's own market and of what a model promises of it: one file that loads nothing."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from html import escape
from io import StringIO
from pathlib import Path
from string import Template
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats, probabilities, require_present
from coupon_rec.decisions import Economics, offer_value
from coupon_rec.decisions.best import best_offers, lists_of
from coupon_rec.decisions.value import LIST, SHARES
from coupon_rec.effects import holdout_size
from coupon_rec.evaluation import compare, evaluate, from_sums, reliability, total
from coupon_rec.features.catalog import FEATURES, OPTIONAL_FEATURES
from coupon_rec.market import Market
from coupon_rec.market.schema import OPTIONAL_TABLES, SCHEMAS

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
    "font.size": 10,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
WIDTH = 4.6
STRETCHED = (lambda x: np.sqrt(np.maximum(x, 0)), np.square)
"""A scale that has room for small rates, and its inverse."""
MOST_POINTS = 40
MOST_LISTS, MOST_OFFERS = 2000, 20_000
MEANINGS = {each.name: each.meaning for each in (*FEATURES, *OPTIONAL_FEATURES)}
KNOWN_BY = {
    "items": "receipts of the coupon's items",
    "category": "receipts of its category",
    "department": "receipts of its department",
    "all coupons": "receipts of all coupons",
    "nothing": "nothing: counted as 1.00",
}
"""Where a discount comes from; others are names of columns."""
ASSUMED = {
    "margin": ("Margin", "gross margin, as a share of spend", 1.0, 0.01),
    "incremental": ("Incremental", "share of redeemed purchases that the coupon causes", 1.0, 0.01),
    "retailer_match": ("Retailer match", "what you pay of each unit taken off", 1.0, 0.01),
    "contact": ("Contact", "cost of sending a coupon", 0.1, 0.001),
}
SHARES_OF_PROFIT = (0.25, 0.5, 1.0, 2.0)
TREATED = {0.5: "half held out", 0.9: "a tenth held out"}


@dataclass(frozen=True)
class Judged:
    """What a page is made from.

    Attributes
    ----------
    offers : pandas.DataFrame
        All rows of the offers table, with labels.
    test : pandas.DataFrame
        Those of the test campaigns.
    p : array_like
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
    p: ArrayLike
    economics: Economics
    learned: Mapping[str, float]
    market: Market | None = None


def market_page(judged: Judged, name: str) -> str:
    """Write the page of a market and of a model.

    Parameters
    ----------
    judged : Judged
        The offers, and what the model says of them.
    name : str
        Of the model, for the title.

    Returns
    -------
    str
        HTML that loads nothing.

    Raises
    ------
    ValueError
        If offers lack a column, or all or none of the test offers were redeemed.
    """
    test = judged.test
    require_present(test, [*LIST, "coupon_id", "bought", "redeemed"])
    if test["redeemed"].nunique() < 2:
        raise ValueError(
            f"{'all' if test['redeemed'].any() else 'none'} of the {len(test):,} test offers were "
            "redeemed, so no promise can be judged by them: choose --validate-from and --test-from "
            "so that the test campaigns have both"
        )
    p = probabilities("p", judged.p, len(test))
    sections = {
        "What the tables hold": _tables(judged),
        "Redemptions over time": _rates(judged.offers, test),
        "Promises and what was kept": _calibration(judged, p),
        "Money": _money(judged, p),
        "What the model has learned": _learned(judged.learned),
        "How large a holdout would show the profit": _holdout(judged, p),
    }
    days = f"{test['start'].min():%Y-%m-%d} to {test['start'].max():%Y-%m-%d}"
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        title=f"Your market and {escape(name)}",
        subtitle=f"Judged on {test['campaign_id'].nunique():,} test campaigns, which started from "
        f"{days}, and from which the model has not learned.",
        sections="\n".join(f"<h2>{title}</h2>\n{body}" for title, body in sections.items()),
        sample=json.dumps(sample_of(test, p, judged.economics), separators=(",", ":")),
    )


def sample_of(test: pd.DataFrame, p: Floats, economics: Economics) -> dict[str, Any]:
    """Take whole lists by chance, for the sliders to choose from.

    Returns
    -------
    dict
        The `economics`; `kinds`, each the spend, discount, margin and shop_share of some offers;
        of each offer its `kind`, `p` and `redeemed`, in the order of lists and coupons; the `sizes`
        of the lists; and the `scale`, by which their sums are to be multiplied.
    """
    order = np.argsort(test["coupon_id"].to_numpy(), kind="stable")
    lists = lists_of(test.iloc[order])
    drawn = np.random.default_rng(0).permutation(len(lists))[:MOST_LISTS]
    sizes = np.array([len(lists[each]) for each in drawn])
    drawn = np.sort(drawn[: max(1, int((sizes.cumsum() <= MOST_OFFERS).sum()))])
    rows = order[np.concatenate([lists[each] for each in drawn])]
    columns = ["spend_per_line", "discount", *SHARES]
    kinds = test.iloc[rows].reindex(columns=columns).astype(float).round(4)
    number = kinds.groupby(columns, dropna=False, sort=False).ngroup()
    unique = kinds.drop_duplicates().astype(object)
    return {
        "economics": asdict(economics),
        "kinds": unique.where(unique.notna(), None).to_numpy().tolist(),
        "kind": number.tolist(),
        "p": [float(f"{each:.4g}") for each in p[rows]],
        "redeemed": test["redeemed"].iloc[rows].astype(int).tolist(),
        "sizes": [len(lists[each]) for each in drawn],
        "scale": len(lists) / len(drawn),
    }


# The sections


def _tables(judged: Judged) -> str:
    """Say what there is, what is missing, and by what discounts are known."""
    offers = judged.offers
    counts = {f"{name}s": offers[f"{name}_id"].nunique() for name in ("user", "coupon", "campaign")}
    counts |= {"offers": len(offers), "redemptions": int(offers["redeemed"].sum())}
    there, missing = {}, {}
    if judged.market is not None:
        tables = judged.market.tables()
        counts = {name: int(table.count().execute()) for name, table in tables.items()}
        there, missing = _optional(tables)
    sources = offers["discount_from"].value_counts(normalize=True)
    known = {KNOWN_BY.get(source, source): share for source, share in sources.items()}
    tiles = [_tile(name.replace("_", " "), f"{count:,}") for name, count in counts.items()]
    cards = [_card("How discounts are known, in shares of the offers", _bars(known, "{:.1%}"))]
    lists = _folded("There, with the share of rows that say something", there)
    lists += _folded("Missing, and what each would say", missing)
    if lists:
        cards.append(_card("What is optional", lists))
    return _grid(tiles, "tiles") + _grid(cards)


def _optional(tables: Mapping[str, ibis.Table]) -> tuple[dict[str, str], dict[str, str]]:
    """Sort optional tables and columns by whether they say anything."""
    there: dict[str, str] = {}
    missing = {name: _said(OPTIONAL_TABLES[name]) for name in OPTIONAL_TABLES.keys() - {*tables}}
    for name, table in tables.items():
        columns = SCHEMAS[name].columns
        may_miss = {
            column: described
            for column, described in columns.items()
            if not described.required or described.default is not None
        }
        own = [column for column in table.columns if column not in columns]
        shares = _filled(table, {c: d.default for c, d in may_miss.items()} | dict.fromkeys(own))
        for column, share in shares.items():
            said = _said(may_miss[column]) if column in may_miss else "a column of your own"
            if share > 0:
                there[f"{name}.{column}"] = f"{share:.0%}: {said}"
            else:
                missing[f"{name}.{column}"] = said
    return there, missing


def _said(described: Any) -> str:
    return str(described.description)


def _filled(table: ibis.Table, defaults: Mapping[str, Any]) -> dict[str, float]:
    """Give the share of rows in which a column is there and says more than its default."""
    says = {
        column: table[column].notnull() & (default is None or table[column] != default)
        for column, default in defaults.items()
        if column in table.columns
    }
    found = dict.fromkeys(defaults, 0.0)
    if says:
        numbered = {str(place): each.mean() for place, each in enumerate(says.values())}
        shares = table.aggregate(**numbered).to_pandas().iloc[0]
        found |= dict(zip(says, map(float, shares), strict=True))
    return found


def _rates(offers: pd.DataFrame, test: pd.DataFrame) -> str:
    """Draw the redemption rate by campaign start, or by the months or years they started in."""
    start = pd.to_datetime(offers["start"])
    periods = (start.dt.to_period(each) for each in "DWMQY")
    few = (each for each in periods if each.nunique() <= MOST_POINTS)
    begun = next(few, start.dt.to_period("Y")).dt.start_time.rename("begun")
    sums = offers.groupby([begun, "user_id"])["redeemed"].agg(["sum", "size"]).reset_index()
    found = {
        day: from_sums(rows[["sum", "size"]], rows["user_id"], lambda of: of["sum"] / of["size"])
        for day, rows in sums.groupby("begun")
    }
    table = pd.DataFrame(found).T

    def draw(axes: Any) -> None:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        first = pd.to_datetime(test["start"]).min()
        for late, color, shape in ((False, INK, "o"), (True, KEPT, "s")):
            _with_intervals(axes, table[(table.index >= first) == late], color, shape)
        locator = AutoDateLocator(maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.set(xlabel="start of the campaign", ylabel="redeemed, % of offers")
        axes.set_ylim(bottom=0)

    said = f"Redemption rate of campaigns by start, from {table['value'].min():.2%} to "
    said += f"{table['value'].max():.2%} of offers"
    caption = "Squares are the test campaigns, points those before them."
    return _grid([_picture(draw, 2.9, said, caption)])


def _calibration(judged: Judged, p: Floats) -> str:
    """Set promises beside what was kept, and score the order and the probabilities."""
    test = judged.test
    users = test["user_id"]
    table = reliability(test["redeemed"].to_numpy(), p, users.to_numpy())
    every = {"all": np.ones(len(test), bool)}
    scores = evaluate(test, p, metrics=["AUC", "log loss"], slices=every).loc["all"]
    before = judged.offers.loc[judged.offers["start"] < test["start"].min(), "redeemed"].mean()
    constant = np.full(len(test), before)
    gain = compare(test, p, constant, metrics=["log loss"], slices=every).loc["all"].iloc[0]
    sums = pd.DataFrame({"kept": test["redeemed"].to_numpy(), "promised": p})
    ratio = from_sums(sums, users.to_numpy(), lambda of: of["kept"] / of["promised"])

    def draw(axes: Any) -> None:
        edge = 110 * max(table["predicted"].max(), table["high"].max())
        axes.plot([0, edge], [0, edge], color=INK, linewidth=1, linestyle="dashed")
        points = table.rename(columns={"observed": "value"})
        _with_intervals(axes, points.set_index(100 * table["predicted"]), KEPT, "o")
        ticks = edge * np.linspace(0, 1, 5) ** 2
        axes.set_xscale("function", functions=STRETCHED)
        axes.set_yscale("function", functions=STRETCHED)
        axes.set(xlim=(0, edge), ylim=(0, edge), xlabel="promised, %", ylabel="redeemed, %")
        axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
        axes.set_yticks(ticks, [f"{tick:.2g}" for tick in ticks])

    said = f"Promised and kept redemption rates in {len(table)} groups of offers; "
    said += f"in all, {ratio['value']:.2f} redemptions were kept for each one promised"
    caption = "Tenths of the test offers by their promise; on the dashed line promises are kept. "
    caption += "The axes are stretched near zero."
    tiles = [
        _tile("kept for each redemption promised", _between(ratio, "{:.2f}")),
        _tile("AUC: how often a redeemed offer ranks first", _between(scores.loc["AUC"], "{:.3f}")),
        _tile("log loss, lower is better", _between(scores.loc["log loss"], "{:.4f}")),
        _tile(
            "log loss less that of one rate for all", _between(gain, "{:+.4f}", value="difference")
        ),
    ]
    return _grid([_picture(draw, 3.4, said, caption), _grid(tiles, "tiles")])


def _money(judged: Judged, p: Floats) -> str:
    """Set the profit that was promised beside the one that came, and move the assumptions."""
    test, economics = judged.test, judged.economics
    sent = best_offers(test, p, economics)
    rows = sent.loc[sent["row"] >= 0, "row"].to_numpy()
    money = {}
    for policy, chosen in (("best coupon", rows), ("all coupons", np.arange(len(test)))):
        users = test["user_id"].to_numpy()[chosen]
        for what, chance in (("promised", p), ("came", test["redeemed"].to_numpy(float))):
            value = offer_value(test.iloc[chosen], chance[chosen], economics)
            money[f"{policy}, {what}"] = (
                total(value, users) if len(chosen) else pd.Series(0.0, ["value", "low", "high"])
            )
    table = pd.DataFrame(money).T

    def draw(axes: Any) -> None:
        for place, (color, shape) in enumerate([(PROMISED, "o"), (KEPT, "s")] * 2):
            each = table.iloc[place]
            axes.hlines(place, each["low"], each["high"], color=color, linewidth=2)
            axes.plot(each["value"], place, shape, color=color)
        axes.axvline(0, color=INK, linewidth=1)
        axes.set_yticks(range(len(table)), [each.replace(", ", ",\n") for each in table.index])
        axes.set_ylim(len(table) - 0.5, -0.5)
        axes.set_xlabel("incremental profit, in currency")
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.locator_params(axis="x", nbins=4)

    said = "Profit promised and come: "
    said += "; ".join(f"{name} {_amount(row['value'])}" for name, row in table.iterrows())
    caption = "“Best coupon” sends each list its most valuable coupon, if it is worth sending; "
    caption += "“came” counts it by its label, redeemed or not. A list was sent as a whole, so a "
    caption += "coupon that goes out alone may do otherwise."
    pictures = [_picture(draw, 2.7, said, caption), _swings(test, p, economics)]
    return _grid(pictures) + _sliders(sample_of(test, p, economics), test, economics)


def _promised(test: pd.DataFrame, p: Floats, economics: Economics) -> float:
    """Profit that the best coupons promise."""
    value = pd.DataFrame({"value": offer_value(test, p, economics)}, index=test.index)
    return float(value["value"].groupby([test[key] for key in LIST]).max().clip(lower=0).sum())


def _swings(test: pd.DataFrame, p: Floats, economics: Economics) -> str:
    """Draw what the best coupons promise if one assumption is half or one and a half as large."""
    middle = _promised(test, p, economics)
    ends = {
        name: [
            _promised(test, p, replace(economics, **{name: min(given * by, most)}))
            for by, most in (
                (0.5, given),
                (1.5, 1.0 if name in ("margin", "incremental") else np.inf),
            )
        ]
        for name, given in asdict(economics).items()
    }

    def draw(axes: Any) -> None:
        for place, (low, high) in enumerate(ends.values()):
            axes.plot([low, middle, high], [place] * 3, color=PROMISED, linewidth=6, alpha=0.35)
            axes.plot(low, place, "v", color=PROMISED)
            axes.plot(high, place, "^", color=PROMISED)
        axes.axvline(middle, color=INK, linewidth=1, linestyle="dashed")
        names = [ASSUMED[name][0].replace(" ", "\n") for name in ends]
        axes.set_yticks(range(len(ends)), names)
        axes.set_ylim(len(ends) - 0.5, -0.5)
        axes.set_xlabel("promised profit, in currency")
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.locator_params(axis="x", nbins=4)

    said = "Promised profit if one assumption is half as large or half as large again: "
    said += "; ".join(f"{name} {_amount(a)} to {_amount(b)}" for name, (a, b) in ends.items())
    caption = "Each assumption by itself: ▼ half of it, ▲ half as much again (a share is 1 at "
    caption += f"most). The dashed line is the profit promised now, {_amount(middle)}."
    return _picture(draw, 2.7, said, caption)


def _sliders(sample: dict[str, Any], test: pd.DataFrame, economics: Economics) -> str:
    """Write the sliders, and what they begin with."""
    promised, came, sent = best_of(sample)
    known = {"margin": "margin", "retailer_match": "shop_share"}
    sliders = []
    for name, (title, meaning, most, step) in ASSUMED.items():
        given = getattr(economics, name)
        column = known.get(name)
        rows = test[column].notna().mean() if column in test else 0.0
        note = f"; {rows:.0%} of the offers have their own" if rows else ""
        sliders.append(
            f'<label class="slider"><span>{title}<output>{given:g}</output></span>'
            f'<input type="range" name="{name}" min="0" max="{max(most, 2 * given):g}" '
            f'step="{step}" value="{given:g}"><small>{meaning}{note}</small></label>'
        )
    lists, drawn = round(sample["scale"] * len(sample["sizes"])), len(sample["sizes"])
    of = f"a sample of {drawn:,} of {lists:,}" if drawn < lists else f"all {lists:,}"
    scaled = ", scaled up to all" if drawn < lists else ""
    results = f"""<p class="result promised">promised <b id="promised">{_amount(promised)}</b></p>
<p class="result kept">came, by the labels <b id="came">{_amount(came)}</b></p>
<p class="result">lists that get a coupon <b id="sent">{sent:,.0f}</b></p>
<p><small>Computed here, on {of} lists of the test campaigns{scaled}. Redemptions do not change;
which coupon is best, and what it is worth, does.</small></p>"""
    return _grid(
        [
            _card(
                "What if?", "".join(sliders) + "<noscript>The sliders need JavaScript.</noscript>"
            ),
            f'<div class="card" role="status">{results}</div>',
        ],
        "sliders",
    )


def best_of(sample: Mapping[str, Any]) -> tuple[float, float, float]:
    """Give the profit that the best coupons of a sample promise, what came, and how many are sent.

    Parameters
    ----------
    sample : mapping
        As `sample_of` gives it; the sums are multiplied by its scale.
    """
    kinds = pd.DataFrame(sample["kinds"], columns=["spend_per_line", "discount", *SHARES])
    offers = kinds.astype(float).iloc[sample["kind"]].reset_index(drop=True)
    economics = Economics(**sample["economics"])
    value, came = (offer_value(offers, sample[each], economics) for each in ("p", "redeemed"))
    lists = pd.Series(np.repeat(np.arange(len(sample["sizes"])), sample["sizes"]))
    best = pd.Series(value).groupby(lists).idxmax().to_numpy()
    best = best[value[best] > 0]
    scale = sample["scale"]
    return scale * value[best].sum(), scale * came[best].sum(), scale * len(best)


def _learned(learned: Mapping[str, float]) -> str:
    """Name the columns that move the promises most."""
    most = sorted(learned.items(), key=lambda each: -each[1])[:12]
    bars = _bars({MEANINGS.get(name, name.replace("_", " ")): far for name, far in most}, "{:.2f}")
    said = "How far a promise moves, in log odds and on average, when only this is another offer's."
    return f'<div class="card"><p class="quiet">{said}</p>{bars}</div>'


def _holdout(judged: Judged, p: Floats) -> str:
    """Draw how many lists an experiment needs to see a share of the promised profit."""
    test = judged.test
    best = best_offers(test, p, judged.economics)
    best = best[best["row"] >= 0]
    if best.empty:
        return (
            '<div class="card"><p>No coupon is worth sending, so no profit can be seen.</p></div>'
        )
    sent = test.iloc[best["row"].to_numpy()]
    bought, redeemed = (sent[label].to_numpy(float) for label in ("bought", "redeemed"))
    spread = float(offer_value(sent, redeemed, judged.economics, effect=bought).std())
    profit = float(best["value"].mean())
    if not spread:
        return '<div class="card"><p>Nobody bought what was best for them.</p></div>'
    sizes = {
        share: [holdout_size(each * profit, spread, share=share) for each in SHARES_OF_PROFIT]
        for share in TREATED
    }

    def draw(axes: Any) -> None:
        for (share, name), color, shape in zip(
            TREATED.items(), (PROMISED, KEPT), "os", strict=True
        ):
            axes.plot(SHARES_OF_PROFIT, sizes[share], color=color, marker=shape)
            up = 8 if share > 0.5 else -14
            axes.annotate(
                name, (1, sizes[share][2]), (6, up), textcoords="offset points", color=color
            )
        axes.axhline(len(sent), color=INK, linewidth=1, linestyle="dashed")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(SHARES_OF_PROFIT, [f"{each:.0%}" for each in SHARES_OF_PROFIT])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set(xlabel="true profit, of the promised one", ylabel="lists, in both groups")

    half = sizes[0.5][SHARES_OF_PROFIT.index(1.0)]
    said = f"Lists that an experiment needs; {half:,} if half are held out and the promise is true"
    caption = f"To see it in four of five experiments. The dashed line is the {len(sent):,} lists "
    caption += "of the test campaigns that would get a coupon. Users are drawn anew for each "
    caption += "campaign; what a purchase brings is taken for fixed, so the true need is larger."
    return _grid([_picture(draw, 2.9, said, caption)])


# What the sections are made of


def _picture(draw: Callable[[Any], None], height: float, said: str, caption: str) -> str:
    """Draw a figure that takes its colors from the page, with words for who cannot see it."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    file = StringIO()
    with rc_context(LOOK | {"svg.hashsalt": said}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure.subplots())
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(
        "<svg", f'<svg role="img" aria-label="{escape(said)}"', 1
    )
    for color, name in THEME.items():
        svg = svg.replace(color, f"var(--{name})")
    caption = f"<figcaption>{escape(caption)}</figcaption>"
    return f'<figure class="card">{_without_names(svg)}{caption}</figure>'


def _without_names(svg: str) -> str:
    """Take the names of groups away, which several pictures of a page would share."""
    return re.sub(r'<g id="[^"]*"', "<g", svg)


def _with_intervals(axes: Any, rows: pd.DataFrame, color: str, shape: str) -> None:
    """Draw values with their intervals, in percent."""
    axes.vlines(rows.index, 100 * rows["low"], 100 * rows["high"], color=color, linewidth=1.5)
    axes.plot(rows.index, 100 * rows["value"], shape, color=color, markersize=4.5)


def _grid(cards: Iterable[str], kind: str = "") -> str:
    return f'<div class="grid {kind}">{"".join(cards)}</div>\n'


def _card(title: str, body: str) -> str:
    return f'<div class="card"><h3>{title}</h3>{body}</div>'


def _tile(name: str, number: str) -> str:
    return f'<div class="card tile"><b>{number}</b>{escape(name)}</div>'


def _bars(values: Mapping[str, float], form: str) -> str:
    """Write a list of bars; names are those of the tables' owner."""
    most = max(values.values(), default=0.0) or 1.0
    bars = [
        f"<li><span>{form.format(value)}</span>{escape(name)}"
        f'<i style="width:{100 * value / most:.1f}%"></i></li>'
        for name, value in values.items()
    ]
    return f'<ul class="bars">{"".join(bars)}</ul>'


def _folded(title: str, rows: Mapping[str, str]) -> str:
    """Write a table that opens; names are those of the tables' owner."""
    if not rows:
        return ""
    lines = [
        f"<tr><th><code>{escape(name)}</code></th><td>{escape(said)}</td></tr>"
        for name, said in rows.items()
    ]
    table = f"<table>{''.join(lines)}</table>"
    return f"<details><summary>{title} ({len(rows)})</summary>{table}</details>"


def _between(row: pd.Series, form: str, value: str = "value") -> str:
    low, high = (form.format(row[end]) for end in ("low", "high"))
    return f"{form.format(row[value])} <small>[{low}, {high}]</small>"


def _amount(money: float) -> str:
    return f"{money:,.0f}" if abs(money) >= 1000 else f"{money:,.2f}"
