"""The page of a report: one file of HTML that loads nothing."""

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from coupon_rec.monitoring.report import Report

WIDTH, HEIGHT, EDGE = 600, 180, 40
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: right; padding: .2rem .5rem; border-bottom: 1px solid #d1d5db }
th:first-child { text-align: left }
svg { width: 100%; height: auto } text { font-size: 13px }
.alarm { color: #b42318; font-weight: 700 }
"""
KEPT = {
    "observed": "redeemed",
    "expected": "promised by now",
    "ratio": "ratio",
    "low": "low",
    "high": "high",
    "design_effect": "design effect",
}


def page(report: "Report") -> str:
    """Write a report as HTML."""
    alarms = f'<p class="alarm">Alarm: {escape("; ".join(report.alarms))}.</p>'
    kept = pd.DataFrame(report.kept, list(KEPT)).T.rename(columns=KEPT)
    trials = [_section(f"On trial: a {name}", row) for name, row in report.trial.items()]
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Monitor, {report.last}</title>
<style>{STYLE}</style>
<h1>Monitor, {report.last}</h1>
{alarms if report.alarms else "<p>No alarm.</p>"}
<p>Watched from {report.until} on, for {report.horizon} days, against the days from {report.first}
on. Where nothing changes, {report.rate:.1%} of such horizons ring.</p>
<h2>Promised and kept</h2>
{kept.to_html(border=0, float_format="{:.2f}".format, na_rep="")}
<h2>Evidence of a change</h2>
{"".join(_chart(name, report) for name in report.thresholds)}
{_section("Scores: probability shown", report.scores)}
{"".join(trials)}
{_section("Shares of the answers", report.service)}
</html>
"""


def _section(title: str, values: dict[str, float]) -> str:
    table = pd.DataFrame({"value": values}, dtype=float)
    return f"<h2>{title}</h2>{table.to_html(border=0, float_format='{:.3f}'.format)}"


def _chart(name: str, report: "Report") -> str:
    """The evidence of each day, and the threshold."""
    evidence: list[float] = report.days[name]
    threshold = report.thresholds[name]
    right, bottom = WIDTH - EDGE, HEIGHT - EDGE / 2
    across = (right - EDGE) / max(1, len(evidence) - 1)
    up = (HEIGHT - EDGE) / (1.1 * max(*evidence, threshold))
    points = " ".join(
        f"{EDGE + day * across:.1f},{bottom - value * up:.1f}" for day, value in enumerate(evidence)
    )
    level = bottom - threshold * up
    label = f"{name}: {evidence[-1]:.1f} on {report.last}, rings at {threshold:.1f}"
    return f"""<h3>{name.capitalize()}</h3>
<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Evidence of {label}">
<line x1="{EDGE}" x2="{right}" y1="{level}" y2="{level}" stroke="#b42318" stroke-dasharray="4"/>
<text x="{right}" y="{level - 5}" text-anchor="end">rings</text>
<polyline points="{points}" fill="none" stroke="#0072B2" stroke-width="2"/>
<text x="{EDGE}" y="{HEIGHT - 2}">{report.until}</text>
<text x="{right}" y="{HEIGHT - 2}" text-anchor="end">{report.last}</text></svg>"""
