"""A bundle is taken back without a request lost, and Prometheus understands what is counted."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import yaml
from running import Inside, recalibrate
from shop import PATIENCE, Service, free_port, purchase, until

from coupon_rec.monitoring import Registry, RegistryError
from coupon_rec.serving.bundle.manifest import BundleError

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COUNTED = "count_over_time(coupon_rec_score_count[5m])"
PURCHASES = 'rate(coupon_rec_events_total{kind="purchase"}[1m])'


def test_the_way_back_never_leads_to_what_was_taken_out(
    bundle: Path, trial: Path, folder: Path, tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "registry")
    versions = [registry.add(each) for each in (bundle, trial, recalibrate(folder, 0.5))]
    for version in versions:
        registry.promote(version)
    assert [registry.roll_back(), registry.roll_back()] == [versions[1], versions[0]]
    with pytest.raises(RegistryError, match="nothing was in service before"):
        registry.roll_back()


def test_a_bundle_that_the_service_refuses_is_taken_out_again(
    bundle: Path, trial: Path, tmp_path: Path, serve: Callable[..., Service]
) -> None:
    registry = Registry(tmp_path / "registry")
    first, second = registry.add(bundle), registry.add(trial)
    registry.promote(first)
    service = serve(folder=registry.live)
    registry.services = (f"http://127.0.0.1:{service.port}",)
    (tmp_path / "registry" / "versions" / second / "model.onnx").write_bytes(b"rotten")
    with pytest.raises(RegistryError, match="does not take"):
        registry.promote(second)
    assert registry.version == first == service.ask(1)["bundle"]
    assert len(registry.history) == 1


def test_what_is_no_bundle_and_what_is_not_there_is_refused(bundle: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry", ["http://127.0.0.1:9"])
    with pytest.raises(BundleError):
        registry.add(tmp_path)
    with pytest.raises(RegistryError, match="there is no version 'lost'"):
        registry.promote("lost")
    version = registry.add(bundle)
    with pytest.raises(RegistryError, match="cannot be asked"):
        registry.promote(version)
    assert registry.history == []


def test_the_score_of_each_answer_is_counted_once(service: Inside) -> None:
    before = service.metric("coupon_rec_score_count"), service.metric("coupon_rec_score_sum")
    best = [
        max((c["probability"] for c in service.ask(user)["coupons"]), default=0.0)
        for user in (1, 2, 1)
    ]
    assert service.metric("coupon_rec_score_count") == before[0] + 3
    assert service.metric("coupon_rec_score_sum") == pytest.approx(before[1] + sum(best))


# Prometheus


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    return list(group["rules"])


def shown() -> list[str]:
    panels = json.loads((DEPLOY / "dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.fixture(scope="module")
def process(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A process with a canary: the same bundle, on trial."""
    folder = tmp_path_factory.mktemp("process")
    trial = ("--trial", str(bundle), "--canary", "0.5")
    running = Service(bundle, folder, *trial)
    yield running
    running.process.kill()
    running.client.close()


@pytest.fixture(scope="module")
def scraped(
    process: Service,
    tmp_path_factory: pytest.TempPathFactory,
    unavailable: Callable[[str], NoReturn],
) -> Iterator[httpx.Client]:
    """A Prometheus that has asked the service several times while it answered."""
    for program in ("prometheus", "promtool"):
        if not shutil.which(program):
            unavailable(f"no {program}: on Debian, `apt-get install prometheus`")
    folder = tmp_path_factory.mktemp("prometheus")
    shutil.copy(DEPLOY / "alerts.yml", folder)
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{process.port}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    subprocess.run(["promtool", "check", "config", folder / "prometheus.yml"], check=True)
    words, port = folder / "words", free_port()
    with words.open("wb") as sink:
        running = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=sink,
            stderr=sink,
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE)

    def asked() -> float:
        process.ask(1)
        process.send(purchase(time.monotonic_ns(), 1))
        try:
            answer = client.get("/api/v1/query", params={"query": COUNTED}).json()
        except (httpx.HTTPError, ValueError):  # it is not ready yet
            assert running.poll() is None, words.read_text()
            return 0
        found = answer.get("data", {}).get("result")
        return float(found[0]["value"][1]) if found else 0

    try:
        until(lambda: asked() >= 6)
        yield client
    finally:
        client.close()
        running.terminate()
        running.wait(PATIENCE)


@pytest.mark.slow
def test_each_query_is_answered_from_what_the_service_counts(scraped: httpx.Client) -> None:
    def found(query: str) -> list[dict[str, Any]]:
        answer = scraped.get("/api/v1/query", params={"query": query}).json()
        assert answer["status"] == "success", answer
        return list(answer["data"]["result"])

    queries = shown() + [rule["expr"] for rule in rules()]
    named = {name for query in queries for name in re.findall(r"coupon_rec_\w+", query)}
    there = set(scraped.get("/api/v1/label/__name__/values").json()["data"])
    assert named <= there
    for query in queries:
        found(query)
    failed = 'status=~"5.."'  # nothing has failed, so that panel alone is empty
    for query in shown():
        assert bool(found(query)) == (failed not in query)
    for query in ("rate(coupon_rec_score_count[1m])", PURCHASES):
        (line,) = found(query)
        assert float(line["value"][1]) > 0


@pytest.mark.slow
def test_each_alarm_rings_when_it_should_and_not_when_nothing_is_wrong(
    unavailable: Callable[[str], NoReturn],
) -> None:
    if not shutil.which("promtool"):
        unavailable("no promtool: on Debian, `apt-get install prometheus`")
    cases = yaml.safe_load((DEPLOY / "alerts.test.yml").read_text())["tests"]
    checks = [check for case in cases for check in case["alert_rule_test"]]
    names = {rule["alert"] for rule in rules()}
    assert {check["alertname"] for check in checks if check["exp_alerts"]} == names
    assert {check["alertname"] for check in checks if not check["exp_alerts"]} == names
    told = subprocess.run(
        ["promtool", "test", "rules", DEPLOY / "alerts.test.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.slow
def test_a_service_in_good_health_fires_no_alarm(scraped: httpx.Client) -> None:
    known = scraped.get("/api/v1/rules").json()["data"]["groups"][0]["rules"]
    assert {rule["name"] for rule in known} == {rule["alert"] for rule in rules()}
    assert {rule["health"] for rule in known} <= {"ok", "unknown"}
    firing = [rule["name"] for rule in known if rule["state"] == "firing"]
    assert firing == []
