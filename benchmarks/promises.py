"""What rules promise and what comes, on simulated markets that state terms and who pays.

For each seed a market of 20,000 users and 12 campaigns is simulated, and the default model learns
from its first ten campaigns. Four rules choose among the offers of the last ones by its
probabilities; what they promise stands beside what the same offers bring by the true ones:

- `assumed`, where the rest of what the rule assumes is so: half of the redeeming purchases are
  caused, at the usual spend and margin;
- `caused`, where the purchases that are caused are those of the market.
"""

from typing import Any

import numpy as np
import pandas as pd
from machine import for_seeds, run_parts

from coupon_rec import CoupledModel, offers_frame, split
from coupon_rec.decisions import Budget, allocate, expected_discount, matrices, offer_value
from coupon_rec.decisions.parts import KEY
from coupon_rec.simulation import simulate_market

PACKAGES = ("numpy", "pandas", "keras", "lightgbm")
ROOMS = ("decisions", "features", "models", "simulation", "training", "recommender.py")
USERS = 20_000
SEEDS = range(5)


def chosen_by(test: pd.DataFrame, p: np.ndarray) -> dict[str, np.ndarray]:
    """The offers that each rule sends."""
    places = matrices(test)
    value = places.fill(offer_value(test, p), -np.inf)
    cost = places.fill(expected_discount(test, p), 0.0)
    rows, best = np.arange(len(value)), allocate(value)
    half = Budget(cost[best.chosen].sum() / 2, cost)
    chance = places.fill(p, -np.inf)
    likeliest = np.zeros(value.shape, bool)
    likeliest[rows, chance.argmax(axis=1)] = True
    found = {
        "the likeliest coupon": likeliest,
        "the most valuable": best.chosen,
        "within half its budget": allocate(value, half).chosen,
        "the two most valuable": allocate(value, k=2).chosen,
    }
    return {name: chosen[places.row, places.column] for name, chosen in found.items()}


def market_of(seed: int) -> list[dict[str, Any]]:
    simulation = simulate_market(users=USERS, seed=seed)
    training, validation, test = split(offers_frame(simulation.market))
    test = test.reset_index(drop=True)
    p = CoupledModel(seed=seed).fit(training, validation).predict(test)["redeemed"].to_numpy()
    true = test[KEY].merge(simulation.truth.offers, on=KEY, validate="1:1")
    promised = offer_value(test, p)
    comes = {
        "assumed": offer_value(test, true["redeem"]),
        "caused": offer_value(test, true["redeem"], effect=true["effect"]),
    }
    rows = []
    for rule, sent in chosen_by(test, p).items():
        row = {"seed": seed, "rule": rule, "sent": int(sent.sum())}
        row["promised"] = round(float(promised[sent].sum()), 2)
        row |= {name: round(float(worth[sent].sum()), 2) for name, worth in comes.items()}
        row["redemptions promised"] = round(float(p[sent].sum()), 1)
        row["redemptions expected"] = round(float(true["redeem"][sent].sum()), 1)
        rows.append(row)
    redeemed = {"train": training, "validation": validation, "test": test}
    counts = {name: int(part["redeemed"].sum()) for name, part in redeemed.items()}
    print(seed, counts, pd.DataFrame(rows).to_string(), flush=True)
    return rows


if __name__ == "__main__":
    run_parts(
        "promises",
        PACKAGES,
        {"rows": lambda: for_seeds(market_of, SEEDS)},
        script=__file__,
        rooms=ROOMS,
        users=USERS,
    )
