"""Make `tests/data/one`, what version 1.0 wrote: run once, with it, from the root of a clone.

PYTHONPATH=tests/outside .venv/bin/python tests/data/make_one.py
"""

import json
import shutil
from pathlib import Path
from typing import Any

from shop import DATES, DAY, SAMPLE, Service, command, purchase

import coupon_rec as cr

ONE = Path(__file__).parent / "one"
MARKET, MODEL, BUNDLE, LOGS = (ONE / name for name in ("market", "model.keras", "bundle", "logs"))
EXPLORES = ("--explore", 0.5, "--explore-floor", 0.1, "--explore-seed", 0)
USERS = [*range(1, 31), 10**9]


def main() -> None:
    """Write the artifacts, and beside them what they give."""
    for path in (MARKET, BUNDLE, LOGS):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(SAMPLE, MARKET)
    command("train", MODEL, "--market", MARKET, *DATES)
    command("export", MODEL, BUNDLE, "--market", MARKET, *DATES, "--day", DAY)
    fresh = answers()
    record()
    expected = {
        "offers": offers(),
        "answers": fresh,
        "after the events": answers(LOGS / "events"),
        "value": command("value", LOGS / "decisions", "--min-effective", 0),
    }
    (ONE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def offers() -> list[dict[str, Any]]:
    """What the model says of the last campaign's offers."""
    found = cr.offers_frame(cr.load_market(MARKET)).query("campaign_id == 4")
    p = cr.CoupledModel.load(MODEL).predict(found)
    rows = found[["campaign_id", "user_id", "coupon_id"]].join(p)
    listed: list[dict[str, Any]] = rows.to_dict("records")
    return listed


def answers(log: Path | None = None) -> list[dict[str, Any]]:
    """What a service of the bundle answers, without events or with those of a log."""
    folder = ONE / "scratch"
    folder.mkdir()
    if log:
        shutil.copy(log, folder / "events")
    service = Service(BUNDLE, folder)
    found = [service.ask(user, k=3) for user in USERS]
    service.stop()
    service.close()
    shutil.rmtree(folder)
    return found


def record() -> None:
    """Let a service that explores answer, and be told what followed."""
    LOGS.mkdir()
    service = Service(BUNDLE, LOGS, *EXPLORES)
    for user in USERS:
        coupons = service.ask(user, k=3)["coupons"]
        bought = purchase(user, user, 1000 + user % 200)
        about = {name: bought[name] for name in ("user_id", "time")}
        viewed = {"event_id": f"view-{user}", "kind": "view", "item_id": 1001 + user % 200}
        service.send(bought, {**viewed, **about})
        if coupons and user % 3 == 0:
            used = {name: coupons[0][name] for name in ("campaign_id", "coupon_id")}
            service.send({"event_id": f"used-{user}", "kind": "redemption", **used, **about})
    service.stop()
    service.close()
    service.words.unlink()


if __name__ == "__main__":
    main()
