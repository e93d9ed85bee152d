"""The page of a report: one file of HTML that loads nothing."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coupon_rec.monitoring.report import Report

WIDTH, HEIGHT, EDGE = 600, 180, 40
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: right; padding: .2rem .5rem; border-bottom: 1px solid #d1d5db }
th:first-child, td:first-child { text-align: left }
svg { width: 100%; height: auto } text { font-size: 13px }
.alarm { color: #b42318; font-weight: 700 }
"""


def page(report: "Report") -> str:
    """Write a report as HTML."""
    verdict = (
        f'<p class="alarm">Alarm: {escape("; ".join(report.alarms))}.</p>'
        if report.alarms
        else "<p>No alarm.</p>"
    )
    kept = [
        [name, *(f"{row[key]:.2f}" if key in row else "" for key in KEPT)]
        for name, row in report.kept.items()
    ]
    charts = "".join(
        f"<h3>{escape(name.capitalize())}</h3>{_chart(name, report)}" for name in report.thresholds
    )
    trial = "".join(
        f"<h2>On trial: a {name}</h2>{_table([name, 'value'], _rows(row))}"
        for name, row in report.trial.items()
    )
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Monitor, {report.last}</title>
<style>{STYLE}</style>
<h1>Monitor, {report.last}</h1>
{verdict}
<p>Watched from {report.until} on, for {report.horizon} days, against the days from {report.first}
on. Where nothing changes, {report.rate:.1%} of such horizons ring.</p>
<h2>Promised and kept</h2>
{_table(["coupons shown", *KEPT.values()], kept)}
<h2>Evidence of a change</h2>
{charts}
<h2>Scores</h2>
{_table(["probability shown", "value"], _rows(report.scores))}
{trial}<h2>Answers</h2>
{_table(["share of answers", "value"], _rows(report.service))}
</html>
"""


KEPT = {
    "observed": "redeemed",
    "expected": "promised by now",
    "ratio": "ratio",
    "low": "low",
    "high": "high",
    "design_effect": "design effect",
}


def _rows(values: dict[str, float]) -> list[list[str]]:
    return [[name, f"{value:.3f}"] for name, value in values.items()]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _chart(name: str, report: "Report") -> str:
    """The evidence of each day, and the threshold."""
    path: list[float] = report.days[name]
    threshold = report.thresholds[name]
    top = 1.1 * max(*path, threshold)
    step = (WIDTH - 2 * EDGE) / max(1, len(path) - 1)

    def height(value: float) -> float:
        return float(HEIGHT - EDGE / 2 - value / top * (HEIGHT - EDGE))

    points = " ".join(
        f"{EDGE + day * step:.1f},{height(value):.1f}" for day, value in enumerate(path)
    )
    level = height(threshold)
    words = f"Evidence of {name}: {path[-1]:.1f} on {report.last}, rings at {threshold:.1f}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(words)}">'
        f'<line x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{level:.1f}" y2="{level:.1f}" '
        'stroke="#b42318" stroke-dasharray="4"/>'
        f'<text x="{WIDTH - EDGE}" y="{level - 5:.1f}" text-anchor="end">rings</text>'
        f'<polyline points="{points}" fill="none" stroke="#0072B2" stroke-width="2"/>'
        f'<text x="{EDGE}" y="{HEIGHT - 2}">{report.until}</text>'
        f'<text x="{WIDTH - EDGE}" y="{HEIGHT - 2}" text-anchor="end">{report.last}</text></svg>'
    )
