"""Alarms on opinions ring when talk gets worse, as often for nothing as they were set to."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_rec.book.chatter import frame, talk
from coupon_rec.listening import (
    Alert,
    Errors,
    Labels,
    Listener,
    Opinion,
    Watch,
    paused,
)
from coupon_rec.listening.watch import quiet_weeks

ROOT = Path(__file__).parents[2]
SENTENCES = pd.read_csv(ROOT / "data" / "opinions" / "finance.csv")
ERRORS = Errors(0.8, 0.1)
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 1, 5)


def watch_of(seed: int, **options: float) -> Watch:
    """A watch that learned from twelve quiet weeks."""
    negatives, opinions = talk(12, [seed, 1], errors=ERRORS)
    return Watch.tuned(frame(negatives[0], opinions[0]), errors=ERRORS, paths=200, **options)


def opinions_of(negatives: np.ndarray, opinions: np.ndarray, topic: str) -> list[Opinion]:
    """One opinion after another, as hourly counts have them."""
    return [
        Opinion(MONDAY + hour * HOUR, topic, number < k, f"{topic} {hour} {number}" * 50)
        for hour, (k, n) in enumerate(zip(negatives.astype(int), opinions.astype(int), strict=True))
        for number in range(n)
    ]


# Labels and their errors


def test_no_sentence_stands_in_both_halves_and_both_hold_every_topic_and_sentiment() -> None:
    assert not SENTENCES["text"].duplicated().any()
    counts = SENTENCES.groupby(["half", "topic", "sentiment"]).size()
    assert len(counts) == 2 * 4 * 3 and counts.min() >= 10
    assert SENTENCES["half"].value_counts().min() >= 250


@given(st.floats(0.5, 1), st.floats(0, 0.4), st.floats(0, 1), st.integers(1, 10**6))
def test_a_corrected_count_is_the_share_that_the_errors_started_from(
    caught: float, wrongly: float, share: float, size: int
) -> None:
    errors = Errors(caught, wrongly)
    assert float(errors.corrected(size * errors.labeled(share), size)) == pytest.approx(share)


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        (SENTENCES.drop(columns="topic"), r"labeled sentences lack the columns \['topic'\]"),
        (SENTENCES.assign(text=None), "labeled sentences.*text.*must be present"),
        (SENTENCES.assign(sentiment=1), "negative sentences beside others"),
        (SENTENCES.assign(topic="all"), "two topics"),
    ],
)
def test_sentences_that_cannot_teach_are_refused(sentences: pd.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Labels(sentences)


# Watches


def test_after_an_alarm_it_is_silent_and_starts_anew() -> None:
    watch = Watch(share=0.2, ratio=2.0, threshold=3.0, cooldown=3)
    rings = watch.alarms(np.full(12, 8), np.full(12, 10))
    assert np.flatnonzero(rings).tolist() == [0, 4, 8]


@pytest.mark.slow
def test_false_alarms_on_fresh_weeks_are_within_a_third_of_what_was_set() -> None:
    for rate in (1.0, 0.5):
        rings = [
            watch_of(seed, rate=rate).alarms(*talk(4, [seed, 2], paths=40, errors=ERRORS)).sum()
            for seed in range(12)
        ]
        assert 0.7 * rate < np.mean(rings) / 40 < 1.3 * rate


@pytest.mark.slow
def test_twenty_topics_ring_together_no_oftener_than_was_set() -> None:
    rings, hours = [], pd.date_range(MONDAY, periods=84 * 24, freq="h")
    for seed in range(8):
        rng = np.random.default_rng(seed)
        opinions = rng.poisson(10, 84 * 24)
        past = pd.DataFrame({"opinions": opinions, "negatives": rng.binomial(opinions, 0.2)}, hours)
        watch = Watch.tuned(past, rate=1.0, topics=20)
        opinions = rng.poisson(10, (200, 672))
        rings.append(20 * watch.alarms(rng.binomial(opinions, 0.2), opinions).sum() / 200)
    assert np.mean(rings) < 1.3


@pytest.mark.parametrize(
    ("weeks", "change", "message"),
    [
        (1, {}, "two weeks or more"),
        (3, {"growth": 1.0}, "growth must be above 1"),
        (3, {"rate": 0.0}, "rate in"),
        (3, {"topics": 0}, "topics must be 1"),
        (3, {"errors": Errors(0.9, 0.5)}, "more than the errors"),
    ],
)
def test_a_watch_that_cannot_be_tuned_says_why(weeks: int, change: dict, message: str) -> None:
    negatives, opinions = talk(weeks, 0)
    with pytest.raises(ValueError, match=message):
        Watch.tuned(frame(negatives[0], opinions[0]), **change)


# Listeners


def heard(listener: Listener, rows: Iterable[Opinion]) -> list[Alert]:
    return [alert for row in rows for alert in listener.hear(row)]


def test_a_listener_rings_when_its_watch_does_also_if_it_is_stored_and_restored() -> None:
    negatives, opinions = talk(5, 7, mean=10, start=4 * 168 + 50, negative=3)
    rows = opinions_of(negatives[0], opinions[0], "milk")
    rows.insert(500, Opinion(MONDAY, "milk", True))  # of an hour that is over
    whole, broken, alerts = Listener(days=28), Listener(days=28), []
    for number, row in enumerate(rows):
        if number % 97 == 0:
            broken = Listener.restored(json.loads(json.dumps(broken.state())))
        alerts += broken.hear(row)
    assert heard(whole, rows) == alerts and whole.late == 1
    assert broken.state() == json.loads(json.dumps(whole.state()))
    later = slice(4 * 168, None)
    rings = whole.watches["milk"].alarms(negatives[0][later], opinions[0][later])
    hours = [MONDAY + (4 * 168 + int(hour) + 1) * HOUR for hour in np.flatnonzero(rings)]
    assert [alert.id for alert in alerts] == [f"milk {hour.isoformat()}" for hour in hours] != []
    assert all(1 <= len(alert.quotes) <= 3 for alert in alerts)
    assert {len(quote) for alert in alerts for quote in alert.quotes} == {500}


def test_silence_runs_out_in_hours_in_which_nobody_speaks() -> None:
    negatives, opinions = talk(2, 1, mean=10)
    listener = Listener(days=14, cooldown=24)
    heard(listener, opinions_of(negatives[0], opinions[0], "milk"))
    begin, alerts = MONDAY + 14 * 24 * HOUR, []
    for hour in (0, 1, 30, 31, 32):  # loud, then a day without a word, then loud
        alerts += heard(listener, [Opinion(begin + hour * HOUR, "milk", True)] * 40)
    assert [alert.at for alert in alerts] == [(begin + hour * HOUR).isoformat() for hour in (1, 31)]


def test_a_topic_that_the_errors_do_not_fit_is_watched_without_a_correction() -> None:
    negatives, opinions = talk(5, 7, mean=10, start=4 * 168 + 50, negative=4)
    listener = Listener(Errors(0.9, 0.4), days=28)  # more than the share that is called negative
    alerts = heard(listener, opinions_of(negatives[0], opinions[0], "milk"))
    assert [alert.usual for alert in alerts] == [round(listener.watches["milk"].share, 4)]
    assert alerts[0].share == round(alerts[0].negatives / alerts[0].opinions, 4)


def test_where_labels_call_half_of_a_topic_half_of_their_errors_are_corrected() -> None:
    negatives, opinions = talk(3, 7, mean=10)
    listener = Listener(ERRORS, days=14)
    rows = enumerate(opinions_of(negatives[0], opinions[0], "milk"))
    heard(listener, [replace(row, stars=number % 2 == 0) for number, row in rows])
    past = frame(negatives[0][: 14 * 24], opinions[0][: 14 * 24])
    expected = Watch.tuned(past, errors=Errors(0.9, 0.05)).ratio  # of 0.8 and 0.1
    assert listener.watches["milk"].ratio == pytest.approx(expected, rel=1e-3)


def test_topics_share_the_rate_of_false_alarms_and_those_without_a_past_are_left_out() -> None:
    counts = talk(3, 5, mean=10)
    alone, both = Listener(days=14), Listener(days=14)
    for opinion in opinions_of(counts[0][0], counts[1][0], "milk"):
        alone.hear(opinion)
        both.hear(opinion)
        both.hear(replace(opinion, topic="bread"))
        both.hear(replace(opinion, topic="rumors", negative=opinion.time.day == 5))
    assert set(both.watches) == {"milk", "bread"}
    assert both.watches["milk"].threshold >= alone.watches["milk"].threshold + np.log(2)


def test_a_classifier_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="call more of the negative"):
        Errors.of([1, 0, 1, 0], [1, 1, 0, 0])
    with pytest.raises(ValueError, match="both kinds"):
        Errors.of([1, 0], [1, 1])


def test_a_topic_that_rang_pauses_its_coupons_for_a_day() -> None:
    alert = Alert("1", "milk", "2026-11-02T09:00:00", "2026-11-02T05:00:00", 9, 8, 0.9, 0.2, 1, "")
    topics = pd.Series(["milk", "bread"])
    for at, held in (("02T08:00", False), ("03T08:00", True), ("03T09:00", False)):
        assert paused(topics, [alert], f"2026-11-{at}").tolist() == [held, False]


@pytest.mark.slow
def test_a_busy_stream_rings_no_oftener_than_it_was_asked_to() -> None:
    rng = np.random.default_rng(0)
    hours = pd.date_range("2026-01-05", periods=84 * 24, freq="h")
    share = np.repeat(np.clip(0.2 + 0.05 * rng.standard_normal(84), 0.01, 0.99), 24)
    counts = {"opinions": 5000, "negatives": rng.binomial(5000, share)}
    watch = Watch.tuned(pd.DataFrame(counts, hours), rate=1.0, paths=100)
    negatives, opinions, _ = quiet_weeks(pd.DataFrame(counts, hours), 100, seed=1)
    assert watch.alarms(negatives, opinions).sum() / 100 < 2
    assert watch.threshold > 100


def test_hours_that_usually_have_no_talk_have_no_usual_amount_of_it() -> None:
    listener = Listener(days=14, cooldown=0)
    nights = pd.date_range("2026-01-05", periods=14 * 24, freq="h")
    for hour in nights[(nights.hour >= 8) | (nights == nights[0])]:
        said = [Opinion(hour.to_pydatetime(), "milk", number < 2) for number in range(10)]
        heard(listener, said)
    alerts = []
    for hour in pd.date_range("2026-01-19T01:00", periods=6, freq="h"):
        alerts += heard(listener, [Opinion(hour.to_pydatetime(), "milk", True)] * 20)
    assert alerts and alerts[0].talk is None
