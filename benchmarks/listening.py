"""How soon the alarms of chapter 26 ring, and how often for nothing, on streams of known truth.

`python benchmarks/listening.py [PART ...]` measures some of these parts, or all, and keeps the
others as they were:

- frontier: detectors that know what is usual, at equal rates of false alarms, on fresh streams in
  which negative opinions double for a day, praise triples, or all talk doubles;
- shops: a `Watch` and a fixed line that learned from twelve weeks of a shop, on its fresh weeks;
- volume: the same watch where a shop has fewer or more opinions, or bad days come in runs;
- alerts: what a `Listener` says of a crisis in streams of sentences, and how soon;
- markets: how soon it rings when a delivery of a simulated market is spoiled;
- river: ADWIN and Page-Hinkley, opinion by opinion, at their defaults and tuned; needs `river`;
- hindsight: where PELT, which sees the whole series at once, puts the change; needs `ruptures`;
- real: series whose changes people marked, which come with `river`.

All streams are simulated (`coupon_rec.book.chatter`); those of the last part are not.
Intervals are 95%, over the hours at which a crisis begins, over quiet streams, or over shops.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from machine import RESULTS, run_parts
from scipy.stats import binomtest

from coupon_rec.arguments import Floats, Mask
from coupon_rec.book.chatter import BEGIN, SHARE, frame, said, spoiled_market, talk, week
from coupon_rec.listening import Alert, Errors, Labels, Listener, Opinion, Watch, lexicon
from coupon_rec.listening.watch import quiet_weeks, ringing
from coupon_rec.monitoring import Cusum

ERRORS = Errors(0.8, 0.1)
MEAN, WEEKS, COOLDOWN = 20.0, 4, 24
USUAL = ERRORS.labeled(SHARE)
DOUBLED = ERRORS.labeled(2 * SHARE / (1 + SHARE))
RATES = (4.0, 2.0, 1.0, 0.5, 0.25)
"""False alarms in four weeks."""
QUIET, STARTS, EACH = 2000, 40, 10
LONGEST = 24
"""Hours that a crisis lasts. If nothing rang by then it is missed, and its delay is all of them."""
SHOPS = 60

Counts = tuple[Floats, Floats]
draw = partial(talk, WEEKS, mean=MEAN, errors=ERRORS)


def expected() -> Floats:
    """Negatives that an hour of the week usually brings, known exactly."""
    return np.asarray(MEAN * USUAL * np.tile(week(), WEEKS))


def z(counts: Counts) -> Floats:
    """Standard scores of the counts, by hour of the week, as for Poisson counts."""
    return np.asarray((counts[0] - expected()) / np.sqrt(expected()))


def untied(counts: Floats) -> Floats:
    """Whole counts with a fraction drawn by chance, so that a line can lie between two of them."""
    return np.asarray(counts + np.random.default_rng(0).random(counts.shape))


def ewma(counts: Counts) -> Floats:
    """A fading mean of how far shares are from the usual one, in standard deviations."""
    away = counts[0] - USUAL * counts[1]
    level, path = np.zeros(len(away)), np.empty(away.shape)
    spread = np.sqrt(np.maximum(counts[1], 1) * USUAL * (1 - USUAL))
    for hour in range(away.shape[1]):
        level = 0.85 * level + 0.15 * away[:, hour] / spread[:, hour]
        path[:, hour] = level
    return path


def at_once(statistic: Floats, threshold: float, cooldown: int) -> Mask:
    """Where a statistic reaches the threshold, with silence after it."""
    silent = np.zeros(len(statistic), np.int64)
    rings: Mask = np.zeros(statistic.shape, np.bool_)
    for hour in range(statistic.shape[1]):
        rings[:, hour] = now = (statistic[:, hour] >= threshold) & (silent == 0)
        silent = np.where(now, cooldown, np.maximum(silent - 1, 0))
    return rings


def of_counts(counts: Counts) -> Floats:
    """Evidence of more negatives than the hour usually has."""
    return Cusum(DOUBLED / USUAL).step(counts[0], np.broadcast_to(expected(), counts[0].shape))


def of_share(counts: Counts) -> Floats:
    """Evidence of more negatives than so many opinions usually have."""
    return Cusum(DOUBLED / USUAL).step(counts[0], USUAL * counts[1])


DETECTORS: dict[str, tuple[Callable[[Counts], Floats], Any]] = {
    "fixed line": (lambda counts: untied(counts[0]), at_once),
    "z by hour": (z, at_once),
    "CUSUM of z": (lambda counts: z(counts) - 0.5, ringing),
    "CUSUM of counts": (of_counts, ringing),
    "EWMA of share": (ewma, at_once),
    "CUSUM of share": (of_share, ringing),
}


def threshold_for(rate: float, rings: Callable[[float], Mask]) -> float:
    """The threshold at which quiet streams ring so often in four weeks."""
    low, high = 0.0, 200.0
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if rings(middle).sum(axis=1).mean() > rate else (low, middle)
    return high


def starts(seed: int, **change: float) -> list[tuple[int, Counts]]:
    """Streams in which something happens, each with the hour of its beginning."""
    hours = np.random.default_rng(seed).integers(168, 168 * WEEKS - LONGEST, STARTS).tolist()
    return [
        (hour, draw([seed, k], paths=EACH, start=hour, **change)) for k, hour in enumerate(hours)
    ]


def delays_of(rings: Mask, hour: int) -> Floats:
    """Hours from the beginning of a crisis to the end of the hour that rings."""
    after = rings[:, hour : hour + LONGEST]
    return np.where(after.any(axis=1), after.argmax(axis=1) + 1.0, np.inf)


def by_start(delays: list[Floats]) -> dict[str, list[float]]:
    """Crises that are found in half a day, and the mean delay, over hours of beginning."""
    late = np.array(delays)
    return {
        "within_12": share_of((late <= 12).ravel().tolist(), len(late)),
        "delay": mean_of(np.minimum(late, LONGEST).mean(axis=1)),
    }


def share_of(hits: list[bool], starts: int) -> list[float]:
    """A share with its interval: the wider ends of Wilson's and of the bootstrap over starts."""
    wilson = binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
    mean, low, high = mean_of(np.array(hits, float).reshape(starts, -1).mean(axis=1))
    return [round(mean, 4), round(min(low, wilson.low), 4), round(max(high, wilson.high), 4)]


def mean_of(values: Floats) -> list[float]:
    """A mean with its interval, by the bootstrap."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(values, (1000, len(values))).mean(axis=1)
    return [round(float(x), 3) for x in (values.mean(), *np.quantile(drawn, (0.025, 0.975)))]


def frontier() -> list[dict[str, Any]]:
    """Every detector at every rate."""
    quiet, fresh = (draw(seed, paths=QUIET) for seed in (1, 2))
    crisis = starts(3, negative=2.0)
    others = {"praise": starts(4, other=3.0), "talk": starts(5, negative=2.0, other=2.0)}
    rows = []
    for name, (statistic, rule) in DETECTORS.items():
        of_quiet, of_fresh = statistic(quiet), statistic(fresh)
        for rate in RATES:
            h = threshold_for(rate, partial(rule, of_quiet, cooldown=COOLDOWN))
            row: dict[str, Any] = {"detector": name, "rate": rate, "threshold": round(h, 3)}
            row["realized"] = mean_of(rule(of_fresh, h, COOLDOWN).sum(axis=1).astype(float))
            rings = [(rule(statistic(counts), h, COOLDOWN), hour) for hour, counts in crisis]
            row |= by_start([delays_of(*each) for each in rings])
            for world, streams in others.items():
                hits = []
                for hour, counts in streams:
                    rung = rule(statistic(counts), h, COOLDOWN)
                    hits += rung[:, hour : hour + 24].any(axis=1).tolist()
                row[world] = share_of(hits, STARTS)
            rows.append(row)
    return rows


def shop(seed: int, mean: float, rate: float, runs: float = 0.0) -> dict[str, list[float]]:
    """False alarms, crises found in half a day, and mean delay: of a watch and of a fixed line."""
    negatives, opinions = talk(12, [seed, 1], mean=mean, errors=ERRORS, runs=runs)
    past = frame(negatives[0], opinions[0])
    watch = Watch.tuned(past, errors=ERRORS, rate=rate, cooldown=COOLDOWN)
    drawn = untied(quiet_weeks(past, 300, 0)[0])
    line = threshold_for(rate, partial(at_once, drawn, cooldown=COOLDOWN))
    ways: dict[str, Callable[[Counts], Mask]] = {
        "fixed line": lambda counts: at_once(untied(counts[0]), line, COOLDOWN),
        "watch": lambda counts: watch.alarms(*counts),
    }
    one = partial(talk, WEEKS, mean=mean, errors=ERRORS, runs=runs)
    fresh = one([seed, 2], paths=40)
    hours = np.random.default_rng([seed, 3]).integers(168, 480, 4).tolist()
    crises = [
        (hour, one([seed, 4, k], paths=5, start=hour, negative=2.0)) for k, hour in enumerate(hours)
    ]
    found = {}
    for name, rings in ways.items():
        late = np.concatenate([delays_of(rings(counts), hour) for hour, counts in crises])
        found[name] = [
            round(float(rings(fresh).sum() / 40), 4),
            round(float(np.mean(late <= 12)), 4),
            round(float(np.minimum(late, LONGEST).mean()), 3),
        ]
    return found


def of_shops(mean: float, rate: float, runs: float = 0.0) -> dict[str, Floats]:
    """What `shop` says of each, by detector: shape (SHOPS, 3)."""
    each = [shop(seed, mean, rate, runs) for seed in range(SHOPS)]
    return {name: np.array([one[name] for one in each]) for name in each[0]}


def summary(found: Floats) -> dict[str, Any]:
    """Means over shops with their intervals, and how far shops differ in false alarms."""
    return {
        "realized": mean_of(found[:, 0]),
        "tenths": [round(float(x), 3) for x in np.quantile(found[:, 0], (0.1, 0.9))],
        "within_12": mean_of(found[:, 1]),
        "delay": mean_of(found[:, 2]),
    }


def shops() -> list[dict[str, Any]]:
    """A watch and a fixed line at four rates; the numbers of each shop, for what they cost it."""
    rows = []
    for rate in RATES[1:]:
        for name, found in of_shops(MEAN, rate).items():
            each = dict(zip(("each_false", "each_delay"), found[:, (0, 2)].T.tolist(), strict=True))
            rows.append({"detector": name, "rate": rate, **summary(found), **each})
    return rows


def volume() -> list[dict[str, Any]]:
    """The watch at one false alarm in four weeks, with other talk."""
    return [
        {"mean": mean, "runs": runs, **summary(of_shops(mean, 1.0, runs)["watch"])}
        for mean, runs in ((8.0, 0.0), (40.0, 0.0), (MEAN, 0.7))
    ]


def heard(
    listener: Listener, opinions: Iterable[Opinion], topic: str, began: pd.Timestamp
) -> list[tuple[float, Alert]]:
    """The alerts about a topic, each with its hours after something began."""
    alerts = [alert for opinion in opinions for alert in listener.hear(opinion)]
    return [
        ((pd.Timestamp(alert.at) - began) / pd.Timedelta(hours=1), alert)
        for alert in alerts
        if alert.topic == topic
    ]


def alerts() -> dict[str, Any]:
    """The first alert of a crisis about products: as chapter 26 has it, over other streams."""
    sentences = pd.read_csv(RESULTS.parents[1] / "data" / "opinions" / "finance.csv")
    labels = Labels(sentences[sentences["half"] == "repair"], lexicon)
    judge = sentences[sentences["half"] == "judge"]
    texts = judge["text"].tolist()
    topics, called = labels.topic(texts), labels.called(texts)
    read = dict(zip(texts, zip(topics, called.tolist(), strict=True), strict=True))
    hours, found = [], []
    begin = 4 * 168 + 56
    began = pd.Timestamp(BEGIN) + pd.Timedelta(hours=begin)
    for seed in range(20):
        known = judge.groupby(["topic", "sentiment"]).sample(frac=0.5, random_state=seed)
        errors = Errors.of(labels.called(known["text"].tolist()), known["sentiment"] < 0)
        change = {"topic": "products", "start": begin, "negative": 4}
        stream = said(judge.drop(known.index), 5, seed=seed, **change)
        opinions = (Opinion(row.time, *read[row.text]) for row in stream.itertuples())
        rang = heard(Listener(errors, days=28), opinions, "products", began)
        first = [each for each in rang if each[0] > 0][:1]
        late = [each for each in first if each[0] <= LONGEST]
        hours.append(late[0][0] if late else np.inf)
        found += [alert for _, alert in late]
    return {
        "streams": len(hours),
        "missed": int(np.isinf(hours).sum()),
        "delay": mean_of(np.minimum(hours, LONGEST)),
        "share": mean_of(np.array([alert.share for alert in found])),
        "usual": mean_of(np.array([alert.usual for alert in found])),
        "shares": sorted(alert.share for alert in found),
    }


def markets() -> dict[str, Any]:
    """Hours to the first alert after a delivery was spoiled, and false alarms before it."""
    hours, false = [], []
    for seed in range(16):
        reviews, _, department, began = spoiled_market(seed)
        opinions = (
            Opinion(row.time, row.department, row.rating <= 2) for row in reviews.itertuples()
        )
        rang = heard(Listener(days=84, rate=0.5), opinions, department, began)
        false.append(float(sum(hour <= 0 for hour, _ in rang)))
        hours.append(min([hour for hour, _ in rang if hour > 0], default=48.0))
    return {
        "markets": 16,
        "delay": mean_of(np.minimum(hours, 48.0)),
        "false": mean_of(np.array(false)),
    }


def spoken(counts: Counts, path: int) -> tuple[Floats, Floats]:
    """The opinions of one stream, one by one, and the hour of each."""
    k, n = counts[0][path].astype(int), counts[1][path].astype(int)
    rng = np.random.default_rng(path)
    labels = [
        rng.permutation(np.r_[np.ones(a), np.zeros(b - a)]) for a, b in zip(k, n, strict=True)
    ]
    return np.concatenate(labels), np.repeat(np.arange(len(n)), n)


def one_by_one(make: Callable[[], Any], counts: Counts, paths: int) -> Mask:
    """Where a detector of river rings, with silence after it as for the others."""
    rings: Mask = np.zeros((paths, counts[0].shape[1]), np.bool_)
    for path in range(paths):
        detector, silent = make(), -1
        for label, hour in zip(*spoken(counts, path), strict=True):
            if hour <= silent:
                continue
            before = getattr(detector, "estimation", 0.0)
            detector.update(label)
            if detector.drift_detected and getattr(detector, "estimation", 1.0) >= before:
                rings[path, int(hour)] = True
                detector, silent = make(), hour + COOLDOWN
    return rings


def river() -> list[dict[str, Any]]:
    """ADWIN and Page-Hinkley on the labels of single opinions."""
    from river.drift import ADWIN, PageHinkley

    quiet, fresh = (draw(seed, paths=60) for seed in (1, 2))
    crisis = starts(3, negative=2.0)
    settings: dict[str, list[Callable[[], Any]]] = {
        "ADWIN, default": [ADWIN],
        "ADWIN, tuned": [partial(ADWIN, delta=d) for d in (0.14, 0.16, 0.18, 0.2)],
        "Page-Hinkley, default": [partial(PageHinkley, mode="up")],
        "Page-Hinkley, tuned": [
            partial(PageHinkley, mode="up", delta=0.06, threshold=h) for h in (14, 15, 16, 17, 18)
        ],
    }
    rows = []
    for name, candidates in settings.items():
        # the one whose rate is nearest to one false alarm in four weeks, on streams of their own
        tried = [one_by_one(make, quiet, 60).sum(axis=1).mean() for make in candidates]
        make = candidates[int(np.argmin([abs(np.log(max(rate, 0.01))) for rate in tried]))]
        rings = one_by_one(make, fresh, 60).sum(axis=1)
        late = [delays_of(one_by_one(make, counts, 2), hour) for hour, counts in crisis]
        rows.append({"detector": name, "realized": mean_of(rings.astype(float)), **by_start(late)})
    return rows


def hindsight() -> dict[str, Any]:
    """How near PELT puts a change to the beginning of the crisis, once it is over.

    Its penalty is the one with which it finds a change in four quiet weeks about once.
    """
    import ruptures

    def cuts(counts: Counts, path: int, penalty: float) -> list[int]:
        k, n = counts[0][path], counts[1][path]
        away = (k - USUAL * n) / np.sqrt(np.maximum(n, 1) * USUAL * (1 - USUAL))
        found = ruptures.KernelCPD("linear", min_size=6).fit(away).predict(pen=penalty)
        return [int(cut) for cut in found[:-1]]

    quiet = draw(6, paths=40)
    counted = {
        penalty: np.mean([len(cuts(quiet, path, penalty)) for path in range(40)])
        for penalty in (6, 7, 8, 9, 10, 12, 14)
    }
    best = min(counted, key=lambda penalty: abs(counted[penalty] - 1))
    near = [
        any(abs(cut - hour) <= 6 for cut in cuts(counts, path, best))
        for hour, counts in starts(3, negative=2.0)
        for path in range(2)
    ]
    return {"penalty": best, "quiet": float(counted[best]), "within_6": share_of(near, STARTS)}


def levels(series: Floats, threshold: float, learn: int = 20) -> list[int]:
    """Changes of level: learn the level from some points, add up both ways, ring, learn anew."""
    found, begin = [], 0
    while begin + learn < len(series):
        known = series[begin : begin + learn]
        z = (series[begin + learn :] - known.mean()) / max(known.std(ddof=1), 1e-9)
        up, down = (ringing(side * z - 0.5, threshold, 0) for side in (1, -1))
        rung = np.flatnonzero(up | down)
        if not rung.size:
            break
        begin += learn + int(rung[0])
        found.append(begin)
    return found


def f1(found: list[int], marked: dict[str, list[int]], margin: int) -> float:
    """Precision and recall as the Turing benchmark counts them: the start is a change, too."""
    people = [{0, *points} for points in marked.values()]
    mine = {0, *found}

    def hits(truth: set[int]) -> set[int]:
        left, got = set(mine), set()
        for point in sorted(truth):
            close = [x for x in left if abs(x - point) <= margin]
            if close:
                got.add(point)
                left.discard(min(close, key=lambda x: abs(x - point)))
        return got

    precision = len(hits(set().union(*people))) / len(mine)
    recall = float(np.mean([len(hits(points)) / len(points) for points in people]))
    return 2 * precision * recall / (precision + recall)


def marked_series(name: str) -> tuple[Floats, dict[str, list[int]]]:
    """A real series, and where each of several people saw it change."""
    from river.drift import datasets

    data = getattr(datasets, name)()
    rows = list(data)
    if name == "BrentSpotPrice":  # the marks count every tenth day from 2000 on
        rows = [(x, y) for x, y in rows if x["day"].year >= 2000]
    values = [y.get("Close", next(iter(y.values()))) if isinstance(y, dict) else y for _, y in rows]
    step = {"BrentSpotPrice": 10, "Apple": 3}.get(name, 1)
    marked = {who: list(points) for who, points in data.annotations.items()}
    return np.asarray(values, np.float64)[::step], marked


def drifts(detector: Any, series: Floats) -> list[int]:
    """Where a detector of river rings."""
    rung = []
    for place, value in enumerate((series - series[:20].mean()) / series[:20].std()):
        detector.update(value)
        if detector.drift_detected:
            rung.append(place)
    return rung


def real() -> list[dict[str, Any]]:
    """Real series that people marked: F1 within 5 points of a mark, and 12 for a late alarm."""
    import ruptures
    from river.drift import ADWIN, PageHinkley

    rows = []
    for name in ("BrentSpotPrice", "Bitcoin", "Apple", "UKCoalEmploy", "AirlinePassengers"):
        series, marked = marked_series(name)
        scaled = (series - series.mean()) / series.std()
        ways = {
            "CUSUM, ours": levels(series, 8.0),
            "ADWIN": drifts(ADWIN(), series),
            "Page-Hinkley": drifts(PageHinkley(), series),
            "PELT, in hindsight": ruptures.Pelt("l2", min_size=5).fit(scaled).predict(pen=6)[:-1],
        }
        for way, found in ways.items():
            row = {"series": name, "points": len(series), "detector": way, "alarms": len(found)}
            scores = {f"f1_{near}": round(f1(found, marked, near), 3) for near in (5, 12)}
            rows.append(row | scores)
    return rows


PARTS = {
    part.__name__: part
    for part in (frontier, shops, volume, alerts, markets, river, hindsight, real)
}


def bars(result: dict[str, Any]) -> dict[str, bool]:
    """What chapter 26 rests on, and whether the parts that were measured hold it."""
    rows = result.get("real", [])
    ours = [row["f1_12"] for row in rows if row["detector"] == "CUSUM, ours"]
    return {
        "each of four detectors was judged on five series": len(rows) in (0, 20),
        "ours has an F1 above 0.35 on each": all(f1 > 0.35 for f1 in ours),
    }


if __name__ == "__main__":
    run_parts(
        "listening",
        ("numpy", "scipy", "pandas"),
        PARTS,
        bars=bars,
        settings={
            "opinions_an_hour": MEAN,
            "errors": [ERRORS.caught, ERRORS.wrongly],
            "quiet_streams": QUIET,
            "crises": STARTS * EACH,
            "shops": SHOPS,
            "longest": LONGEST,
            "peers": {"river": "0.26.1", "ruptures": "1.1.10"},
        },
    )
