"""How well a policy is judged from another one's log, and what exploring earns.

The market is that of chapter 13: its truth is known. *Estimators*: a model of a random campaign
chooses a coupon for everyone; its value in the five campaigns after it is estimated from a log of
2,000 users, redrawn 200 times from 22,000. Three users in ten are explorers: in each campaign, what
they get is left to chance. *Rates*: the same for other shares of explorers, redrawn 100 times, and
what these cost a user and campaign. *Slates*: lists of three coupons in a mailing that reaches half
of the users; its rows, taken for independent, and lists of the same user. *Exploring*: markets with
new coupons, each under several policies that meet the same chances; LinUCB has alpha = 1 and doubts
only what a coupon adds. *Weaker*: two of the policies on the first of these markets, where coupons
move people much less than at the chapter's strength of 2, or not at all. *Peer*: obp's estimators
on the same logs, in an environment of its own (`pip install --no-deps obp==0.4.1`, its other
dependencies but PyTorch, in whose place stands an empty module: these estimators do not use it).

Usage: `[PEERS=PYTHON] python benchmarks/off_policy.py [PART ...]`, where PYTHON is that of the
peer's environment; without it, the peer's rows are kept as they were.
"""

import json
import subprocess
import time
import warnings
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from machine import PEERS, run_parts
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from coupon_rec.book.exploring import (
    CONTACT,
    candidates,
    features,
    gain,
    market,
    profits,
    send,
    types_of,
)
from coupon_rec.policies import (
    BayesianLinear,
    best_share,
    draw,
    greedy,
    off_policy_value,
    with_floor,
)
from coupon_rec.simulation import simulate

USERS, REDRAWS, MARKETS = 2000, 200, 30
METHODS = ("ips", "snips", "dr", "switch", "direct")
STRENGTHS, WEAK_MARKETS = (0.0, 0.3), 8
Floats = np.ndarray


class Population:
    """Users whose profit under each choice is known, for a few campaigns.

    Attributes
    ----------
    profit, predicted, favorite : list of numpy.ndarray
        Of each campaign after the first: the profit of each user and choice (0: nothing), shape
        (users, 1 + K), what the model expects of it, and the choice of the log's own policy.
    """

    def __init__(self, users: int, campaigns: int, learners: int, seed: int = 1) -> None:
        state = market(users, seed, 1 + campaigns)
        types = types_of(state)
        self.profit, self.own, self.predicted, self.line, self.favorite = [], [], [], [], []
        rng = np.random.default_rng(seed)
        for number in range(1 + campaigns):
            rows = candidates(state)
            arms = len(rows) // users
            first = rows.iloc[:arms]
            offered = state.offers.iloc[: len(state.offers) // users]
            own = state.campaign.slot[offered["coupon_id"].isin(first["coupon_id"]).to_numpy()]
            sent = (state.offers["depth"] == first["depth"].max()).to_numpy(float)
            nobody, everybody = (simulate(state, lambda _, p=p: p) for p in (0 * sent, sent))
            without = profits(state, nobody)
            more = profits(state, everybody) - without - CONTACT
            profit = without.sum(axis=1)[:, None] + np.c_[np.zeros(users), more[:, own]]
            x, linear = self.numbers(rows), features(rows, types)
            if not number:
                who, what = np.arange(learners), rng.integers(arms, size=learners)
                model = HistGradientBoostingRegressor(max_iter=200, random_state=0)
                model.fit(x.reshape(users, arms, -1)[who, what], profit[who, what])
                first_belief = BayesianLinear([1.0] * 3 + [0.3] * 32, noise=0.8)
                shown = linear.reshape(users, arms, -1)[who, what]
                first_belief.learn(shown, profit[who, what])
            else:
                self.profit.append(profit[learners:])
                self.own.append(np.stack([without[:, own], more[:, own]])[:, learners:])
                self.predicted.append(model.predict(x).reshape(users, arms)[learners:])
                liked = first_belief.expected(linear).reshape(users, arms)
                self.line.append(liked[learners:])
                self.favorite.append(liked.argmax(axis=1)[learners:])
            state = nobody

    @staticmethod
    def numbers(rows: pd.DataFrame) -> Floats:
        """Describe the candidates for a model of trees."""
        kind = pd.Categorical(rows["type"], sorted(rows["type"].unique())).codes
        thrift = (rows["on_sale"] + 5) / (rows["lines"] + 20)
        return np.column_stack(
            [rows[["lines", "trips", "bought", "price", "cut", "depth"]], thrift, kind]
        )

    def value(self) -> float:
        """What the model's choice earns, a user and campaign."""
        pairs = zip(self.profit, self.predicted, strict=True)
        return float(np.mean([np.take_along_axis(r, best(q), 1).mean() for r, q in pairs]))

    def log(self, users: int, rate: float, seed: int) -> pd.DataFrame:
        """Draw a log in which the users with an explorer's ticket get coupons by chance."""
        rng = np.random.default_rng([seed, 7])
        who = rng.choice(len(self.profit[0]), users, replace=False)
        explores = rng.random(users) < rate
        frames = []
        for number, profit in enumerate(self.profit):
            arms, own = profit.shape[1], self.favorite[number][who]
            choice = np.where(explores, rng.integers(arms, size=users), own)
            cells = np.arange(arms)
            propensity = (1 - rate) * (own[:, None] == cells) + rate / arms
            q = self.predicted[number][who]
            frames.append(
                pd.DataFrame(
                    {
                        "user_id": np.repeat(who, arms),
                        "request_id": np.repeat(number * 10**6 + who, arms),
                        "action": np.tile(cells, users),
                        "coupon_propensity": propensity.ravel(),
                        "chosen": (choice[:, None] == cells).ravel(),
                        "reward": np.repeat(profit[who, choice], arms),
                        "predicted": q.ravel(),
                        "line": self.line[number][who].ravel(),
                        "new": (best(q) == cells).ravel().astype(float),
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)


def best(q: Floats) -> Floats:
    return q.argmax(axis=1)[:, None]


def summary(found: list[pd.Series], truth: float) -> dict[str, float]:
    """Bias with its Monte Carlo error, RMSE, coverage and width over the redraws."""
    table = pd.DataFrame(found)
    error = table["value"] - truth
    covers = (table["low"] <= truth) & (truth <= table["high"])
    return {
        "bias": error.mean(),
        "monte_carlo_error": error.std() / np.sqrt(len(error)),
        "rmse": np.sqrt((error**2).mean()),
        "coverage": covers.mean(),
        "width": (table["high"] - table["low"]).mean(),
        "effective": table["effective"].mean(),
    }


def judge(log: pd.DataFrame, clusters: str, methods: tuple[str, ...], seed: int) -> pd.DataFrame:
    return off_policy_value(
        log,
        log["new"],
        predicted=log["predicted"],
        methods=methods,
        clusters=(clusters,),
        min_effective=0,
        seed=seed,
    )


def estimators(people: Population, redraws: int, rate: float = 0.3) -> dict[str, Any]:
    found: dict[tuple[str, str], list[pd.Series]] = {}
    seconds = 0.0
    for seed in range(redraws):
        log = people.log(USERS, rate, seed)
        for clusters in ("user_id", "request_id"):
            start = time.perf_counter()
            table = judge(log, clusters, METHODS, seed)
            seconds += (time.perf_counter() - start) / 2 / redraws
            for method in METHODS:
                found.setdefault((method, clusters), []).append(table.loc[method])
            calm = judge(log.assign(predicted=log["line"]), clusters, ("dr",), seed)
            found.setdefault(("dr with a line", clusters), []).append(calm.loc["dr"])
    truth = people.value()
    rows = [
        {"method": method, "clusters": clusters, **summary(tables, truth)}
        for (method, clusters), tables in found.items()
    ]
    promised = float(np.mean([q.max(axis=1).mean() for q in people.predicted]))
    return {"truth": truth, "promised": promised, "seconds_a_log": seconds, "rows": rows}


def rates(people: Population, redraws: int) -> list[dict[str, float]]:
    """What exploring costs and teaches, by its rate."""
    rows = []
    pairs = list(zip(people.profit, people.favorite, strict=True))
    chance = np.mean([r.mean() for r, _ in pairs])
    own = np.mean([np.take_along_axis(r, f[:, None], 1).mean() for r, f in pairs])
    for rate in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
        logs = (people.log(USERS, rate, 1000 + seed) for seed in range(redraws))
        found = [judge(log, "user_id", ("ips",), seed).loc["ips"] for seed, log in enumerate(logs)]
        rows.append({"rate": rate, "cost": rate * (own - chance), **summary(found, people.value())})
    return rows


def slates(people: Population, redraws: int, size: int = 3) -> dict[str, Any]:
    """Lists of three coupons: by user and by row, and the weights of whole lists."""
    profit, q = people.own[0], people.predicted[0]
    without, more = profit
    coupons = without.shape[1]
    top = np.argsort(-q[:, 1:], axis=1)[:, :size]
    new = np.zeros_like(without)
    np.put_along_axis(new, top, 1.0, axis=1)
    truth = float((new * more).sum(axis=1).mean())
    found: dict[str, list[pd.Series]] = {"user_id": [], "row": []}
    whole, single = [], []
    for seed in range(redraws):
        rng = np.random.default_rng([seed, 11])
        who = rng.choice(len(without), USERS, replace=False)
        mailed = rng.random((USERS, 1)) < 0.5
        sent = mailed & (np.argsort(rng.random((USERS, coupons)), axis=1) < size)
        mu = np.full((USERS, coupons), 0.5 * size / coupons)
        both = np.concatenate([sent, ~sent], axis=1)
        log = pd.DataFrame(
            {
                "user_id": np.repeat(who, 2 * coupons),
                "chosen": both.ravel(),
                "coupon_propensity": np.concatenate([mu, 1 - mu], axis=1).ravel(),
                "reward": np.concatenate([without[who] + more[who], without[who]], 1).ravel(),
            }
        ).assign(row=np.arange(USERS * 2 * coupons) // 2)
        policy = np.concatenate([new[who], 1 - new[who]], axis=1).ravel()
        nothing = np.concatenate([0 * new[who], 1 + 0 * new[who]], axis=1).ravel()
        for clusters in found:
            table = off_policy_value(
                log,
                policy,
                baseline=nothing,
                methods=("ips",),
                decision="user_id",
                clusters=(clusters,),
                min_effective=0,
                seed=seed,
            )
            found[clusters].append(table.loc["ips"])
        same = (sent == new[who].astype(bool)).all(axis=1)
        whole.append(float(same.sum()))
        single.append(float((sent & (new[who] == 1)).sum()))
    return {
        "truth": truth,
        "rows": [{"clusters": name, **summary(f, truth)} for name, f in found.items()],
        "whole_lists_that_match": float(np.mean(whole)),
        "coupons_that_match": float(np.mean(single)),
    }


def explore(
    policy: str, seed: int, campaigns: int = 10, users: int = USERS, strength: float = 2.0
) -> list[float]:
    """What a policy earns a user in each campaign of a market, over sending nothing."""
    state = market(users, seed, campaigns, strength=strength)
    types = types_of(state)
    past: list[tuple[Floats, Floats, Floats]] = []
    earned = []
    for number in range(campaigns):
        rows = candidates(state)
        x, who = features(rows, types), rows["user_id"].to_numpy()
        raw = Population.numbers(rows)[:, :-1] / [100, 4, 1, 5, 0.5, 0.5, 0.3]
        if policy == "last layer" and number in (1, 4, 7):
            network = fit_network(past)
        p = choose(
            policy, past, network if policy == "last layer" and number else None, x, raw, who
        )
        chosen = draw(p, who, 1000 * seed + number)
        earned.append(float((p * gain(state, rows)).sum() / users))
        state, profit = send(state, rows, chosen)
        past.append((x[chosen], raw[chosen], profit))
    return earned


def choose(
    policy: str, past: list[Any], network: Any, x: Floats, raw: Floats, who: Floats
) -> Floats:
    """Give the probability of each candidate under what the past has taught."""
    if not past:
        return with_floor(greedy(np.zeros(len(x)), who), who, 1.0)
    if network is not None:
        x = np.column_stack([hidden(network, raw), x[:, 3:]])
        past = [(np.column_stack([hidden(network, r), z[:, 3:]]), r, y) for z, r, y in past]
    shared = x.shape[1] - 32
    model = BayesianLinear([1.0] * shared + [0.3] * 32, noise=0.8)
    for z, _, y in past:
        model.learn(z, y)
    if policy in ("Thompson", "last layer"):
        return best_share(model.draw(x, 100, seed=len(past)), who)
    unsure = x * (np.arange(x.shape[1]) >= shared)
    score = model.expected(x) + (model.deviation(unsure) if policy == "LinUCB" else 0)
    p = greedy(score, who)
    return with_floor(p, who, 0.1) if policy == "epsilon" else p


def fit_network(past: list[Any]) -> Any:
    network = MLPRegressor(
        loss="squared_error",
        hidden_layer_sizes=(16, 8),
        activation="tanh",
        alpha=1.0,
        learning_rate_init=0.01,
        max_iter=40,
        tol=0,
        n_iter_no_change=40,
        random_state=0,
    )
    x, y = (np.concatenate([each[place] for each in past]) for place in (1, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # forty rounds are what is wanted
        return network.fit(x, y)


def hidden(network: Any, x: Floats) -> Floats:
    for weights, shift in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
        x = np.tanh(x @ weights + shift)
    return np.column_stack([x, np.ones(len(x))])


def exploring(markets: int) -> list[dict[str, Any]]:
    """Compare policies on markets with new coupons; the first campaign is by chance for all."""
    policies = ("greedy", "epsilon", "LinUCB", "Thompson", "last layer")
    rows = []
    for seed in range(markets):
        rows += [{"policy": p, "market": seed, "earned": explore(p, seed)} for p in policies]
    return rows


def weaker() -> list[dict[str, Any]]:
    """Compare two policies on markets where coupons move people little, or not at all."""
    return [
        {
            "strength": strength,
            "policy": policy,
            "market": seed,
            "earned": explore(policy, seed, strength=strength),
        }
        for strength in STRENGTHS
        for seed in range(WEAK_MARKETS)
        for policy in ("greedy", "Thompson")
    ]


OBP = """
import json, sys, time, types
class Empty(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return sys.modules.get(f"{self.__name__}.{name}") or type(name, (), {})
for name in ("torch", "torch.nn", "torch.optim", "torch.nn.functional", "torch.utils",
             "torch.utils.data"):
    sys.modules[name] = Empty(name)
import numpy as np
from obp.ope import (DirectMethod, DoublyRobust, InverseProbabilityWeighting,
                     SelfNormalizedInverseProbabilityWeighting, SwitchDoublyRobust)
kinds = {"ips": InverseProbabilityWeighting(), "snips": SelfNormalizedInverseProbabilityWeighting(),
         "dr": DoublyRobust(), "switch": SwitchDoublyRobust(tau=10.0), "direct": DirectMethod()}
rows = []
for file in sys.argv[1:]:
    log = dict(np.load(file))
    n = len(log["action"])
    for name, kind in kinds.items():
        start = time.perf_counter()
        given = dict(log, position=np.zeros(n, int))
        ends = kind.estimate_interval(n_bootstrap_samples=500, random_state=0, **given)
        rows.append({"method": name, "value": kind.estimate_policy_value(**given),
                     "low": ends["95.0% CI (lower)"], "high": ends["95.0% CI (upper)"],
                     "effective": 0.0, "seconds": time.perf_counter() - start})
print(json.dumps(rows))
"""


def peer(people: Population, redraws: int) -> dict[str, Any]:
    """Let obp judge the same logs; its intervals draw decisions, as it has no other."""
    mine, names = [], []
    with TemporaryDirectory() as folder:
        for seed in range(redraws):
            log = people.log(USERS, 0.3, seed)
            arms = int(log["action"].max()) + 1
            chosen = log[log["chosen"]]
            names.append(str(Path(folder) / f"{seed}.npz"))
            np.savez(
                names[-1],
                reward=chosen["reward"],
                action=chosen["action"],
                pscore=chosen["coupon_propensity"],
                action_dist=log["new"].to_numpy().reshape(-1, arms, 1),
                estimated_rewards_by_reg_model=log["predicted"].to_numpy().reshape(-1, arms, 1),
            )
            mine.append(judge(log, "request_id", METHODS, seed))
        out = subprocess.run([PEERS, "-c", OBP, *names], check=True, capture_output=True)
    theirs = pd.DataFrame(json.loads(out.stdout))
    gap = theirs["value"].to_numpy() - np.concatenate([table["value"] for table in mine])
    truth = people.value()
    rows = [
        {"method": method, **summary([r for _, r in part.iterrows()], truth)}
        for method, part in theirs.groupby("method", sort=False)
    ]
    return {
        "name": "obp 0.4.1",
        "redraws": redraws,
        "largest_gap": float(np.abs(gap).max()),
        "seconds_a_log": float(theirs["seconds"].sum() / redraws),
        "rows": rows,
    }


@cache
def people() -> Population:
    return Population(22_000 + USERS, campaigns=5, learners=USERS)


PARTS = {
    "estimators": lambda: estimators(people(), REDRAWS),
    "rates": lambda: rates(people(), REDRAWS // 2),
    "slates": lambda: slates(people(), REDRAWS),
    "exploring": lambda: exploring(MARKETS),
    "weaker": weaker,
    "peer": lambda: peer(people(), min(REDRAWS, 50)),
}

if __name__ == "__main__":
    run_parts(
        "off_policy",
        ("numpy", "scikit-learn"),
        PARTS,
        [part for part in PARTS if part != "peer" or PEERS],
        redraws=REDRAWS,
        users=USERS,
    )
