"""What a coupon causes: learners, and rules that rest on them, beside the truth and beside peers.

Parts, each a name that the script takes (by default, all of them):

- worlds: the pilot of chapter 12 in five markets of 5,000 users. Each rule is judged on the log,
  by which one is chosen, and then by the truth in the campaign to come.
- later: four campaigns in a row after each of the five pilots, under T's choice with its inputs
  brought up to date, the redemption order as far as the log cut it, and half price for everyone.
- null: the same as worlds where no coupon changes anything.
- weak: the same where mail and coupons move people three tenths as much; T alone.
- full: the same with all mechanisms on and empty shelves, so that a coupon also takes from the rest
  of its category, which the outcome of a row does not hold.
- peers: our learners, econml's and scikit-uplift's, on the same rows, models and folds, against
  the true effect, where the environment PEERS is the Python of an environment of their own:
  `python -m venv PEER; PEER/bin/pip install econml==0.17.0 scikit-uplift==0.5.1`.
- growth: seconds and memory of our effects, one row a user, up to a million users.

Usage: `[PEERS=PEER/bin/python] python benchmarks/uplift.py [PART ...]`; parts that are not measured
are kept. `measured` says of which day and of which code each one is.
"""

import json
import subprocess
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from machine import PEERS, for_seeds, peak_gib, run_parts
from sklearn.linear_model import Ridge

from coupon_rec.book.pilot import (
    CONTACT,
    KNOWN,
    Pilot,
    before,
    best_choice,
    kept,
    of_oracle,
    plenty,
    run_pilot,
    sending,
)
from coupon_rec.book.pilot_rules import (
    CUT,
    EVERYONE,
    LEARNERS,
    counts,
    curved,
    cut,
    effect_log,
    effect_model,
    everyone,
    face_values,
    in_dollars,
    kept_part,
    learned,
    others,
    recalibrated,
    redemption,
    study,
)
from coupon_rec.effects import EffectLog, EffectModel, average_effect, policy_value, qini
from coupon_rec.simulation import simulate

USERS, SEEDS, DEEPEST, CAMPAIGNS = 5_000, range(5), 3, 4
SIZES = (10_000, 100_000, 1_000_000)
ROOMS = ("effects", "simulation", "evaluation", "book/pilot.py", "book/pilot_rules.py")


def judged(seed: int, learners: tuple[str, ...], **world: Any) -> list[dict[str, Any]]:
    """The rules of one market, the chosen one marked."""
    pilot = run_pilot(USERS, seed, **world)
    table = study(pilot, {learner: learned(pilot, learner) for learner in learners})
    users = len(pilot.coming["user_id"].unique())
    gains = pilot.coming[[f"gain_{k}" for k in (1, 2, 3)]].to_numpy() - CONTACT
    table["oracle"] = kept(pilot.coming, best_choice(gains)).sum() / users
    table["chosen"] = table.index == table.loc[[*learners], "value"].idxmax()
    named = table.rename_axis("rule").reset_index().assign(seed=seed)
    rows: list[dict[str, Any]] = json.loads(named.to_json(orient="records"))
    return rows


def followed(seed: int) -> list[dict[str, Any]]:
    """What three rules truly earn in the campaigns after a pilot, one row a rule and campaign."""
    pilot = run_pilot(USERS, seed)
    log, coming = pilot.log, pilot.coming
    p, units = others(log, redemption), effect_log(log, "units")
    model = effect_model("t").fit(log[KNOWN], units)
    effect = model.cross_predict(log[KNOWN], units)
    factor = kept_part(pilot, in_dollars(log, effect, p, face_values(log, log)))
    share = (cut(pilot, p, redemption(log, coming))[0] > 0).mean()

    def by_t(rows: pd.DataFrame) -> Any:
        asked = redemption(log, rows), face_values(log, rows)
        return best_choice(
            recalibrated(in_dollars(rows, model.predict(rows[KNOWN]), *asked), factor)
        )

    def by_redemption(rows: pd.DataFrame) -> Any:
        likely = redemption(log, rows)[:, -1]
        return np.where(likely >= np.quantile(likely, 1 - share), DEEPEST, 0)

    found = []
    for name, way in {"t": by_t, CUT: by_redemption, EVERYONE: everyone}.items():
        state = pilot.state
        for campaign in range(1, CAMPAIGNS + 1):
            rows = before(state)
            choice = way(rows)
            cents = 100 * kept(rows, choice).sum() / USERS
            row = {"rule": name, "seed": seed, "campaign": campaign, "cents": cents}
            found.append({**row, "sent": (choice > 0).mean()})
            if campaign < CAMPAIGNS:
                state = simulate(state, sending(rows, choice), orders=plenty)
    return found


# Peers


def of_two(pilot: Pilot) -> dict[str, np.ndarray]:
    """The rows of the pilot that got the deepest coupon or none, and those to be predicted."""
    log, coming = pilot.log, pilot.coming
    log = log[log["treatment"].isin([0, DEEPEST])]
    both = log[["p_0", f"p_{DEEPEST}"]]
    return {
        "x": log[KNOWN].to_numpy(),
        "y": log["units"].to_numpy(float),
        "t": (log["treatment"] == DEEPEST).to_numpy(int),
        "e": (both.iloc[:, 1] / both.sum(axis=1)).to_numpy(),
        "users": log["user_id"].to_numpy(),
        "asked": coming[KNOWN].to_numpy(),
    }


def ours(data: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Effects by our learners, and the seconds that they take."""
    effects, seconds = {}, {}
    log = EffectLog(data["y"], data["t"], data["users"], data["e"])
    for learner in ("s", "t", "x", "r", "dr"):
        model = EffectModel(counts(), learner, None if learner in ("s", "t") else curved())
        start = time.perf_counter()
        effects[f"ours {learner}"] = model.fit(data["x"], log).predict(data["asked"])[:, 0]
        seconds[f"ours {learner}"] = time.perf_counter() - start
    return effects, seconds


def theirs(
    data: dict[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], dict[str, float], dict[str, str]]:
    """The same by the peers, in an environment of their own, with its versions."""
    log = EffectLog(data["y"], data["t"], data["users"], data["e"])
    fold = EffectModel(counts())._fold(log)
    with TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "data.npz", fold=fold, **data)
        script = Path(__file__).parent / "uplift_peers.py"
        subprocess.run([PEERS, script, folder], check=True)
        with np.load(folder / "effects.npz") as found:
            effects = dict(found)
        told = json.loads((folder / "told.json").read_text())
    return effects, told["seconds"], told["versions"]


def peers() -> dict[str, Any]:
    pilot = run_pilot(USERS, 0)
    data, coming = of_two(pilot), pilot.coming
    effects, seconds = ours(data)
    more, slower, versions = theirs(data)
    p, face = redemption(pilot.log, coming), face_values(pilot.log, coming)
    true, rows = coming[f"effect_{DEEPEST}"].to_numpy(), []
    for name, effect in {**effects, **more}.items():
        value = in_dollars(coming, effect[:, None], p, face)[:, DEEPEST - 1]
        choice = np.where(value > 0, DEEPEST, 0)
        rows.append(
            {
                "learner": name,
                "rmse": float(np.sqrt(((effect - true) ** 2).mean())),
                "correlation": float(np.corrcoef(effect, true)[0, 1]),
                "share": of_oracle(coming, choice),
                "seconds": (seconds | slower)[name],
            }
        )
    return {"versions": versions, "rows": rows}


# Growth


def grown(users: int) -> list[dict[str, Any]]:
    """Seconds of each step for so many users, one row each, and the most memory so far."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(users, len(KNOWN)))
    sent = rng.integers(0, 4, users)
    units = rng.poisson(np.exp(-2 + 0.3 * x[:, 0] + 0.2 * (sent == 3) * (1 + x[:, 1])))
    log, rows, effect = EffectLog(units, sent, np.arange(users)), [], np.zeros((users, 3))
    steps = {
        "average effect": lambda: average_effect(log),
        "T, cross-fitted": lambda: EffectModel(counts(), "t").cross_predict(x, log),
        "DR, fitted": lambda: EffectModel(counts(), "dr", Ridge()).fit(x, log),
        "Qini, 100 resamples": lambda: qini(log, effect[:, 2], 3, replicates=100),
        "policy value": lambda: policy_value(log, np.where(effect[:, 2] > 0.02, 3, 0), 0.005),
    }
    for name, step in steps.items():
        start = time.perf_counter()
        found = step()
        seconds = time.perf_counter() - start
        rows.append({"users": users, "step": name, "seconds": seconds, "gib": peak_gib()})
        if name.startswith("T"):
            effect = found
    return rows


def bars(result: dict[str, Any]) -> dict[str, bool]:
    """What chapter 12 rests on, and whether the parts that were measured hold it."""
    found: dict[str, bool] = {}
    if "worlds" in result:
        runs = pd.DataFrame(result["worlds"])
        chosen = runs[runs["chosen"]].set_index("seed")["share"]
        simple = runs["rule"].isin([EVERYONE, CUT, "response x depth"])
        best = runs[simple].groupby("seed")["share"].max()
        found["the chosen rule has 60% of the oracle and beats simple ones in 4 of 5 markets"] = (
            (chosen >= 0.6) & (chosen > best)
        ).sum() >= 4
    if "later" in result:
        earned = pd.DataFrame(result["later"]).pivot_table("cents", "seed", "rule", aggfunc="sum")
        others = earned.drop(columns="t").max(axis=1)
        found["T earns most in the campaigns to come"] = (earned["t"] > others).all()
    if "null" in result:
        rows = pd.DataFrame(result["null"])
        sent = rows.loc[rows["rule"].isin(["s", "t"]), "sent"]
        found["nothing is sent where no coupon changes anything"] = (sent == 0).all()
    if "growth" in result:
        seconds = pd.DataFrame(result["growth"]).groupby("users")["seconds"].sum()
        found["ten times the users take 15 times as long at most"] = (
            seconds[1_000_000] < 15 * seconds[100_000]
        )
    return found


PARTS = {
    "worlds": partial(for_seeds, partial(judged, learners=LEARNERS), SEEDS),
    "later": partial(for_seeds, followed, SEEDS),
    "null": partial(for_seeds, partial(judged, learners=("s", "t"), strength=0.0), SEEDS),
    "weak": partial(for_seeds, partial(judged, learners=("t",), strength=0.3), SEEDS),
    "full": partial(
        for_seeds, partial(judged, learners=("t",), left_out=(), full_shelves=False), SEEDS
    ),
    "peers": peers,
    "growth": partial(for_seeds, grown, SIZES),
}

if __name__ == "__main__":
    run_parts(
        "uplift",
        ("numpy", "scikit-learn"),
        PARTS,
        [part for part in PARTS if part != "peers" or PEERS],
        bars=bars,
        script=__file__,
        rooms=ROOMS,
        users=USERS,
    )
