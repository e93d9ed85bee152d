"""What the service answers over HTTP, with the bundle of the sample market."""

import json
import math
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from shop import DAY, SAMPLE, Service, purchase, question, recorded, refusal, stream

STRANGER = 10**12
USERS = range(1, 61)
JSON = {"Content-Type": "application/json"}


def table(name: str) -> pd.DataFrame:
    """A table of the sample market."""
    return pd.read_parquet(SAMPLE / f"{name}.parquet")


def test_the_most_valuable_coupons_come_first_and_each_once(service: Service) -> None:
    live = service.client.get("/v1/coupons", params={"day": DAY}).json()["coupons"]
    reasons = set()
    for user in USERS:
        answer = service.ask(user, k=100)
        coupons = answer["coupons"]
        assert (answer["user_id"], answer["day"], answer["degraded"]) == (user, DAY, False)
        values = [coupon["value"] for coupon in coupons]
        assert values == sorted(values, reverse=True)
        assert all(value > 0 for value in values)
        names = [coupon["coupon_id"] for coupon in coupons]
        assert len(names) == len(set(names))
        for coupon in coupons:
            assert 0 < coupon["probability"] < 1
            assert {name: coupon[name] for name in ("campaign_id", "coupon_id")} in live
            reasons.add(coupon["reason"])
        assert service.ask(user, k=2)["coupons"] == coupons[:2]
    assert len(reasons) > 10
    assert all(reason.strip() for reason in reasons)


def test_a_coupon_is_worth_what_the_options_of_the_command_say(
    service: Service, serve: Callable[..., Service], tmp_path: Path
) -> None:
    nothing = serve("--incremental", 0)
    answer = nothing.ask(2)
    nothing.stop()
    assert answer["coupons"] == [] and "worth" in answer["note"], "each costs more than it brings"
    (row,) = recorded(tmp_path / "decisions")
    options = ("--incremental", 0.4, "--retailer-match", 0.1, "--contact", 0.01)
    other = serve(*options, logs=tmp_path / "other")
    usual, dearer = (
        {coupon["coupon_id"]: coupon for coupon in each.ask(2, k=100)["coupons"]}
        for each in (service, other)
    )
    both = usual.keys() & dearer.keys()
    assert len(both) > 3
    for coupon_id, p, cost in zip(row["coupon_id"], row["probability"], row["value"], strict=True):
        discount = -(cost + 0.005) / (0.17 * p)
        assert 0.5 < discount < 2, "what the sample's coupons take off"
        if coupon_id in both:
            for found in (usual, dearer):
                assert found[coupon_id]["probability"] == pytest.approx(p, rel=1e-6)
            gain = ((usual[coupon_id]["value"] + 0.005) / p + 0.17 * discount) / 0.5
            worth = p * (0.4 * gain - 0.1 * discount) - 0.01
            assert gain > 0, "by the margin of the sample's items, whose unit costs are known"
            assert dearer[coupon_id]["value"] == pytest.approx(worth, rel=1e-4)


def test_a_stranger_gets_an_answer_that_is_marked_as_one_to_a_stranger(service: Service) -> None:
    assert service.ask(1)["known"]
    for stranger in (STRANGER, "nobody"):
        answer = service.ask(stranger)
        assert (answer["user_id"], answer["known"], answer["mailed"]) == (stranger, False, False)
        assert answer["coupons"]
        assert all("user" in coupon["cold"] for coupon in answer["coupons"])
    assert service.ask("2") == service.ask(2)


def test_whoever_is_held_out_of_a_campaign_gets_none_of_its_coupons(service: Service) -> None:
    held = table("holdouts").query("campaign_id == 4")["user_id"].tolist()
    assert len(held) == 6
    for user in held:
        assert service.ask(user, k=100)["coupons"] == []


def test_an_answer_says_whether_the_user_was_mailed_these_coupons(service: Service) -> None:
    mailed = set(table("offers").query("campaign_id == 4")["user_id"])
    assert [user for user in USERS if service.ask(user)["mailed"]] == sorted(mailed)


def test_on_a_day_without_a_campaign_there_is_no_coupon_and_a_note_says_so(
    service: Service,
) -> None:
    answer = service.ask(1, "2018-01-01")
    assert answer["coupons"] == []
    assert "coupon" in answer["note"]
    listed = service.client.get("/v1/coupons", params={"day": "2018-01-01"}).json()
    assert listed == {"day": "2018-01-01", "coupons": []}


@pytest.mark.parametrize("day", ["2017-05-31", "2018-06-02"])
def test_a_day_that_the_bundle_does_not_reach_is_refused_by_name(
    service: Service, day: str
) -> None:
    asked = service.client.post("/v1/recommendations", json=question(1, day))
    listed = service.client.get("/v1/coupons", params={"day": day})
    for answer, field in ((asked, "context.time"), (listed, "day")):
        assert answer.status_code == 409
        (found,) = answer.json()["fields"]
        assert found["field"] == field
        assert day in found["problem"] and DAY in found["problem"]


def test_without_a_context_the_clock_of_the_server_counts_and_is_named(service: Service) -> None:
    answer = service.client.post("/v1/recommendations", json={"user_id": 1})
    assert answer.status_code == 409, "today is years after the bundle"
    (found,) = answer.json()["fields"]
    assert found["field"] == "context.time"
    assert all(word in found["problem"] for word in ("context", "clock", DAY))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        *(({"user_id": user}, "user_id") for user in ("", "x" * 101, "\ud800", 10**30, -1)),
        *(({"user_id": user}, "user_id") for user in (1.5, True, None, [1], {"a": 1})),
        *(({"k": k}, "k") for k in (0, -1, 101, 1.5, "5", True)),
        *(({"explain": explain}, "explain") for explain in ("please", 2)),
        *(({"context": context}, "context") for context in ("now", 1)),
        *(({"context": {"time": time}}, "context.time") for time in ("soon", 0, None)),
        ({"context": {"time": "2017-02-30T00:00:00"}}, "context.time"),
        ({"context": {}}, "context.time"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named(service: Service, change: dict[str, Any], field: str) -> None:
    body = json.dumps({**question(1), **change}).encode()  # which may spell half a character
    answer = service.client.post("/v1/recommendations", content=body, headers=JSON)
    assert answer.status_code == 422, answer.text
    assert field in {found["field"] for found in answer.json()["fields"]}
    assert all(found["problem"] for found in answer.json()["fields"])


def test_each_of_several_wrong_fields_is_named(service: Service) -> None:
    wrong = {"user_id": 1.5, "k": 0, "context": {"time": "soon"}, "colour": "red"}
    answer = service.client.post("/v1/recommendations", json=wrong)
    assert answer.status_code == 422
    named = {found["field"] for found in answer.json()["fields"]}
    assert named == {"user_id", "k", "context.time", "colour"}


def test_a_platform_that_the_bundle_has_no_model_for_is_refused(service: Service) -> None:
    asked = {**question(1), "platform": "watch"}
    answer = service.client.post("/v1/recommendations", json=asked)
    assert answer.status_code == 409
    (found,) = answer.json()["fields"]
    assert found["field"] == "platform" and "watch" in found["problem"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b'{"user_id": NaN}',
        b'{"\\ud800": 1}',
        b'{"user_id": "\xff"}',
        b"[" * 100_000,
        b'{"user_id": ' + b"9" * 10_000 + b"}",
    ],
    ids=range(8),
)
def test_a_body_that_is_no_request_is_refused_in_words(service: Service, body: bytes) -> None:
    answer = service.client.post("/v1/recommendations", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["error"] and answer.json()["fields"]


def test_a_body_over_a_mebibyte_is_refused_with_or_without_its_length(service: Service) -> None:
    large = [b" " * 2**18] * 5
    for content in (b"".join(large), iter(large)):
        answer = service.client.post("/v1/events", content=content, headers=JSON)
        assert answer.status_code == 413
        assert "large" in answer.json()["error"]


def test_other_paths_and_methods_are_refused_in_the_same_form(service: Service) -> None:
    for path in ("/", "/docs", "/redoc", "/v1", "/v1/nothing", "/v1/users", "/v1/coupons/1"):
        answer = service.client.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"]
    for method, path in (("PUT", "/v1/events"), ("GET", "/v1/recommendations")):
        answer = service.client.request(method, path)
        assert answer.status_code == 405
        assert answer.json()["error"]


def test_it_says_that_it_lives_that_it_is_ready_and_what_it_counts(
    service: Service, bundle: Path
) -> None:
    assert service.client.get("/healthz").json() == {"status": "ok"}
    ready = service.client.get("/readyz").json()
    version = json.loads((bundle / "manifest.json").read_text())["version"]
    assert (ready["status"], ready["degraded"], ready["day"]) == ("ok", False, DAY)
    assert ready["bundle"] == version == service.ask(1)["bundle"]
    name = 'coupon_rec_requests_total{route="/v1/recommendations",status="200"}'
    before = service.metric(name), service.metric("coupon_rec_cached_total")
    first = service.client.post("/v1/recommendations", json=question(2))
    again = service.client.post("/v1/recommendations", json=question(2))
    assert again.content == first.content
    assert service.metric(name) == before[0] + 2
    assert service.metric("coupon_rec_cached_total") > before[1]


def test_the_description_lists_every_route_and_its_examples_are_taken(service: Service) -> None:
    described = service.client.get("/openapi.json").json()
    assert {
        *("/v1/recommendations", "/v1/items", "/v1/events", "/v1/reviews", "/v1/coupons"),
        *("/v1/users/{user_id}/stream", "/v1/reload", "/healthz", "/readyz", "/metrics"),
    } == described["paths"].keys()
    schemas = described["components"]["schemas"]
    for path, schema in (("recommendations", "RecommendationRequest"), ("items", "ItemsRequest")):
        example = {**schemas[schema]["examples"][0], "context": {"time": f"{DAY}T12:00:00"}}
        assert service.client.post(f"/v1/{path}", json=example).status_code == 200
    events = schemas["EventBatch"]["examples"][0]
    assert service.client.post("/v1/events", json=events).json() == {"accepted": 1}


def test_the_account_of_a_coupon_adds_up_to_its_probability(service: Service) -> None:
    plain = service.ask(7, k=8)["coupons"]
    whole = service.ask(7, k=8, explain=True)["coupons"]
    assert service.ask(7, k=8)["coupons"] == plain
    assert len(whole) > 5
    for coupon in whole[:5]:
        account = coupon.pop("account")
        parts = [account["others"], *account["topics"].values()]
        log_p = sum(part["bought"] + part["redeemed_if_bought"] for part in parts)
        assert log_p == pytest.approx(math.log(coupon["probability"]), abs=1e-6)
        assert account["rivals"] > 0
    assert whole == plain, "nothing else differs, and no account comes unasked"


# Items


def items_of(service: Service, user: int | str, k: int = 10) -> dict[str, Any]:
    """Ask for the items of a user."""
    answer = service.client.post("/v1/items", json=question(user, k=k))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_likeliest_items_come_first_and_say_why(service: Service) -> None:
    for user in (1, 7, STRANGER):
        answer = items_of(service, user, k=20)
        assert (answer["user_id"], answer["day"]) == (user, DAY)
        assert answer["known"] is (user != STRANGER)
        p = [item["probability"] for item in answer["items"]]
        assert len(p) == 20 and p == sorted(p, reverse=True)
        assert 0 < p[-1] <= p[0] < 1
        assert all(item["reason"].strip() for item in answer["items"])
        assert items_of(service, user, k=3)["items"] == answer["items"][:3]
    for change, field in (({"k": 0}, "k"), ({"user_id": 1.5}, "user_id"), ({"x": 1}, "x")):
        refused = service.client.post("/v1/items", json={**question(1), **change})
        assert refused.status_code == 422
        assert [found["field"] for found in refused.json()["fields"]] == [field]


def test_what_a_stranger_buys_is_soon_among_their_items(service: Service) -> None:
    user = STRANGER + 1
    usual = {item["item_id"] for item in items_of(service, user)["items"]}
    own = next(item for item in table("items")["item_id"].tolist() if item not in usual)
    assert service.send(*(purchase(f"new-{n}", user, own) for n in range(3))).is_success
    after = items_of(service, user)
    assert after["known"]
    assert after["items"][0]["item_id"] == own
    assert "3" in after["items"][0]["reason"]


# Streams


def test_a_stream_tells_a_user_of_a_new_best_coupon_and_of_nothing_else(
    serve: Callable[..., Service],
) -> None:
    service = serve()
    with stream(service, 3) as mine, stream(service, 4) as others:
        first = next(mine)
        assert first == service.ask(3, k=1)
        next(others)
        for user in (4, 3):
            before = service.ask(user, k=1)["coupons"][0]["coupon_id"]
            for item in table("items")["item_id"].tolist():
                assert service.send(purchase(f"{user}-{item}", user, item)).is_success
                if service.ask(user, k=1)["coupons"][0]["coupon_id"] != before:
                    break
            else:
                raise AssertionError("no purchase changes the best coupon")
        pushed = next(mine)
        assert pushed["user_id"] == 3
        assert pushed["coupons"][0]["coupon_id"] != first["coupons"][0]["coupon_id"]
        service.process.send_signal(signal.SIGTERM)
        assert list(mine) == [], "the stream ends in order"
    service.process.wait()
    assert "Traceback" not in service.words.read_text()


# What is recorded, and chance


def test_every_answer_is_recorded_with_all_that_could_have_been_sent(
    serve: Callable[..., Service], tmp_path: Path
) -> None:
    service = serve()
    answered = {}
    for user in (1, 2, 1, STRANGER):
        answer = service.client.post("/v1/recommendations", json=question(user, k=3))
        answered[answer.headers["X-Request-Id"]] = answer.json()
    service.stop()
    rows = {row["request_id"]: row for row in recorded(tmp_path / "decisions")}
    assert rows.keys() == answered.keys()
    for name, row in rows.items():
        answer = answered[name]
        assert (row["user_id"], row["bundle"]) == (answer["user_id"], answer["bundle"])
        assert len(row["coupon_id"]) == 8
        places = {p: at for at, p in enumerate(row["position"]) if p is not None}
        for place, coupon in enumerate(answer["coupons"]):
            at = places.pop(place)
            for column in ("campaign_id", "coupon_id", "probability", "value"):
                assert row[column][at] == pytest.approx(coupon[column], rel=1e-6)
            assert row["propensity"][at] == 1, "nothing was left to chance"
        assert not places
        assert sum(row["propensity"]) == len(answer["coupons"])


def test_a_service_that_explores_records_the_chance_of_every_coupon_and_keeps_to_it(
    serve: Callable[..., Service], tmp_path: Path
) -> None:
    rate, floor, n = 0.4, 0.1, 400
    service = serve("--explore", rate, "--explore-floor", floor, "--explore-seed", 1)
    answers = [service.ask(1, k=1)["coupons"] for _ in range(n)]
    explored = service.metric("coupon_rec_explored_total")
    held = [service.ask(user, k=1)["coupons"] for user in (6, 16)]
    service.stop()
    rows = [row for row in recorded(tmp_path / "decisions") if row["user_id"] == 1]
    assert len(rows) == n
    chances = {tuple(row["propensity"]) for row in rows}
    assert len(chances) == 1, "the chances are those before the draw"
    chance = dict(zip(rows[0]["coupon_id"], chances.pop(), strict=True))
    assert sum(chance.values()) == pytest.approx(1, abs=1e-5)
    drawn = [p for p in chance.values() if p > 0]
    assert len(drawn) == rate / floor and min(drawn) == pytest.approx(floor, abs=1e-6)
    best = rows[0]["coupon_id"][rows[0]["value"].index(max(rows[0]["value"]))]
    assert chance[best] == pytest.approx(1 - rate + floor, abs=1e-6)
    found = Counter(coupon["coupon_id"] for (coupon,) in answers)
    for coupon_id, p in chance.items():
        assert abs(found[coupon_id] - n * p) <= 4.5 * math.sqrt(n * p * (1 - p)) + 1e-3
    for (coupon,) in answers:
        assert coupon["propensity"] == pytest.approx(chance[coupon["coupon_id"]], abs=1e-6)
    assert abs(explored - n * rate) <= 4.5 * math.sqrt(n * rate * (1 - rate))
    assert held == [[], []], "chance gives nobody what they are held out of"


def test_a_floor_above_the_rate_of_exploring_is_refused(bundle: Path) -> None:
    said = refusal("serve", bundle, "--port", 0, "--explore", 0.1, "--explore-floor", 0.2)
    assert "floor" in said and "0.2" in said and "0.1" in said
