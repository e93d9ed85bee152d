"""What a service did, judged and improved: value, monitor, retrain."""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import pandas as pd
import typer

from coupon_rec._extras import need
from coupon_rec.arguments import keys_of
from coupon_rec.commands import shared
from coupon_rec.commands.progress import step

Confidence = Annotated[float, typer.Option(min=0.01, max=0.999)]


def value(
    log: list[Path],
    policy: str = "greedy",
    against: str = "logged",
    method: list[str] | None = None,
    within: Annotated[int | None, typer.Option(min=0)] = None,
    margin: shared.Margin = 0.25,
    incremental: shared.Incremental = 0.5,
    retailer_match: shared.RetailerMatch = 0.17,
    contact: shared.Contact = 0.005,
    confidence: Confidence = 0.95,
    min_effective: Annotated[float, typer.Option(min=0)] = 100.0,
    arms: Annotated[bool, typer.Option("--arms")] = False,
) -> None:
    """Judge another policy by what a service decided, and what followed, in currency an answer.

    Parameters
    ----------
    log
        Decisions, as `serve` records them; of several replicas, all theirs.
    confidence
        Of the intervals, over users.
    policy
        Whom to judge: "greedy", the most valuable coupons; "likeliest"; "nobody"; "logged";
        "shadow", the bundle that was on trial; or the folder of a bundle.
    against
        Whom to compare with, as --policy.
    method
        ips, snips, dr, switch or direct; the first three if left out.
    within
        Days in which a redemption counts; younger answers are left out. By default, all count.
    min_effective
        Least effective sample, in answers, that is judged.
    arms
        Compare instead the two bundles of `serve --canary`.
    """
    from coupon_rec.decisions import Economics
    from coupon_rec.serving.events import judging

    every = judging.read_rewards(log, contact=contact, within=within)
    if arms:
        table = judging.arms(every, confidence=confidence)
    else:
        rows = judging.explored(every)
        answers, all_answers = rows["request_id"].nunique(), every["request_id"].nunique()
        shared.say(
            f"{answers:,} answers with coupons to choose from, {rows['redeemed'].sum():,} "
            f"redemptions; {all_answers - answers:,} answers left out, in which chance had no say"
        )
        table = judging.compare_policies(
            rows,
            policy,
            against,
            folder=log,
            economics=Economics(margin, incremental, retailer_match, contact),
            methods=method or ["ips", "snips", "dr"],
            confidence=confidence,
            min_effective=min_effective,
        )
    typer.echo(table.round(4).to_string())


def monitor(
    log: list[Path],
    out: Path = Path("monitor"),
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    horizon: shared.Count = 364,
    window: shared.Count = 28,
    rate: Annotated[float, typer.Option(min=0.001, max=0.999)] = 0.05,
) -> None:
    """Compare redemptions with promises, day by day, and a bundle on trial with the one in service.

    Exit code 0 if nothing rings, 1 if something does, 2 for bad input.

    Parameters
    ----------
    log
        Decisions, as `serve` records them; of several replicas, all theirs.
    out
        Where to write the report: OUT.html and OUT.json.
    until
        First day that is watched, the same for each look; what was before is the reference. By
        default, the log's first two windows are.
    horizon
        Days that are watched.
    window
        Days for which a coupon is followed once it was shown.
    rate
        How likely a false alarm within the horizon may be, in either direction.
    """
    from coupon_rec.monitoring import monitor as look

    day = f"{until:%Y-%m-%d}" if until else None
    report = look(log, until=day, horizon=horizon, window=window, rate=rate)
    html, _ = report.write(out)
    kept = report.kept["watched"]
    typer.echo(
        f"{report.until} to {report.last}: {kept['observed']:.0f} redeemed, "
        f"{kept['expected']:.1f} promised by now; {'; '.join(report.alarms) or 'no alarm'}: {html}"
    )
    raise typer.Exit(int(bool(report.alarms)))


def retrain(
    registry: Path,
    offers: shared.Offers = None,
    *,
    market: str | None = None,
    service: list[str] | None = None,
    api_key: Annotated[
        str, typer.Option(envvar=["COUPON_REC_OPERATOR_KEY", "COUPON_REC_API_KEY"])
    ] = "",
    tolerance: Annotated[float, typer.Option(min=0)] = 0.02,
    confidence: Confidence = 0.95,
    day: shared.Day = None,
    seed: int = 0,
) -> None:
    """Train on outcomes that are known, and put the bundle in service unless it is worse.

    The last fifth of the campaigns that are over judges it, beside the bundle in service. It is
    refused if its log loss is worse, or might be by more than the tolerance, or if its promises
    are further from what was kept. It stays in the registry then. Exit code 0 if it is in service,
    1 if it was refused, 2 for bad input.

    Parameters
    ----------
    registry
        Folder of bundles; services are started with its `live`.
    service
        Address of a service that is to load the bundle; may be repeated.
    api_key
        What services ask for: the operator's key, if they have one, else any client's.
    confidence
        Of the intervals, over users.
    tolerance
        By which share its log loss might be worse, at the most.
    """
    need("keras", "train")
    from coupon_rec.features.splitting import split
    from coupon_rec.monitoring import Registry, compare_bundles, matured
    from coupon_rec.recommender import CoupledModel
    from coupon_rec.serving.bundle.scorer import Scorer

    tables = shared.market_of(market)
    table = shared.read(offers) if offers else shared.built(tables)
    newest, now = pd.Timestamp(tables.purchases.time.max().execute()), pd.Timestamp.now()
    if newest - now >= pd.Timedelta(days=1):
        shared.say(
            f"the newest purchase is of the future ({newest:%Y-%m-%d}): what is known ends today"
        )
    # The newest day may have come in part: the day before is the last one that is known.
    whole = min(newest, now).normalize() - pd.Timedelta(days=1)
    training, validation, test = split(matured(table, whole))
    keys = keys_of(api_key, "a key of the services")
    bundles = Registry(registry, service or (), *keys[:1])
    running = bundles.version
    model = CoupledModel(seed=seed)
    step("fitting the model")
    model.fit(training, validation)
    step("writing its bundle")
    with TemporaryDirectory(dir=registry, prefix=".draft-") as draft:
        bundle = Path(draft, "bundle")
        model.export(bundle, validation, market=tables, day=day and day.date())
        fresh = bundles.add(bundle)
    if running:
        old, new = (Scorer.load(registry / "versions" / name) for name in (running, fresh))
        step("comparing it with the bundle in service")
        verdict = compare_bundles(old, new, test, tolerance=tolerance, confidence=confidence)
        shared.tell(verdict.table.round(5).to_string())
        if verdict.reason:
            shared.tell(f"{running} stays, {fresh} is refused: {verdict.reason}")
            raise typer.Exit(1)
    reason = f"no worse than {running}" if running else "the first bundle"
    bundles.promote(fresh, reason)
    shared.tell(f"{fresh} is in service: {reason}")
