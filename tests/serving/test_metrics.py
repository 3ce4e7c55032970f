"""The numbers for Prometheus, read by its own parsers, and by the conventions for their names."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from pipeline import __version__
from pipeline.config.settings import status_settings
from pipeline.ledger import SecondsHistogram, Totals
from pipeline.model import EngineSettings, FailureKind, FolderSettings, StatusSettings
from pipeline.report.heartbeat import Heartbeat
from pipeline.runner.instance.lock import instance_lock
from pipeline.serving.metrics import StateCollector, metrics_answer
from pipeline.serving.monitoring import Reading, StateReader
from tests.workshop import Workshop, know_the_machine

ROOT = Path(__file__).parents[2]
SETTINGS = StatusSettings(
    folders=FolderSettings(input=ROOT, output=ROOT, state=ROOT), recipes={}, engine=EngineSettings()
)
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    know_the_machine()
    workshop = Workshop(tmp_path)
    workshop.photo("a.png")
    workshop.photo("b.png", shade=1)
    (workshop.folder / "in" / "letter.jpg").write_text("no photo")
    workshop.run()
    return workshop


def scrape(workshop: Workshop, accept: str = "") -> tuple[str, str]:
    settings = status_settings(workshop.config())
    answer = metrics_answer(StateReader(lambda: settings), accept)
    assert isinstance(answer.text, bytes)
    return answer.text.decode(), answer.media_type


def families(workshop: Workshop) -> dict[str, Metric]:
    return {family.name: family for family in parse_text(scrape(workshop)[0])}


def values(family: Metric) -> dict[str, float]:
    """Return values by what the labels say."""
    return {" ".join(sample.labels.values()): sample.value for sample in family.samples}


def test_pictures_photos_and_backlog_are_those_of_the_ledger(workshop: Workshop) -> None:
    found = families(workshop)
    assert values(found["stylewatch_pictures"]) == {
        "pending": 0,
        "leased": 0,
        "done": 2,
        "failed": 0,
        "quarantined": 1,
        "withdrawn": 0,
        "rejected": 0,
    }
    assert values(found["stylewatch_photos_set_aside"]) == {"": 1}
    assert values(found["stylewatch_backlog_pictures"]) == {"": 0}
    assert values(found["stylewatch_backlog_seconds"]) == {"": 0}
    assert values(found["stylewatch_status_exit_code"]) == {"": 1}
    assert values(found["stylewatch_ledger_up"]) == {"": 1}
    assert set(values(found["stylewatch_disk_free_bytes"])) == {"output", "state"}
    assert found["stylewatch_build_info"].samples[0].labels["version"] == __version__
    assert values(found["stylewatch_process_state"])["not running"] == 1
    assert "stylewatch_last_heartbeat_timestamp_seconds" not in found


def test_a_program_at_work_gives_a_sign_of_life(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    with instance_lock(state, "a test"), Heartbeat(state, "a test", now=lambda: 1.7e9):
        found = families(workshop)
    assert values(found["stylewatch_last_heartbeat_timestamp_seconds"]) == {"": 1.7e9}
    assert values(found["stylewatch_process_state"]) == {"running": 1, "hung": 0, "died": 0, "not running": 0}


def test_before_the_first_run_there_are_zeros_and_no_photos(tmp_path: Path) -> None:
    found = families(Workshop(tmp_path))
    assert sum(values(found["stylewatch_pictures"]).values()) == 0
    assert values(found["stylewatch_pictures_made"]) == {"": 0}
    assert "stylewatch_photos" not in found


def test_what_was_made_copied_and_failed_is_counted(workshop: Workshop) -> None:
    shutil.copy(workshop.folder / "in" / "a.png", workshop.folder / "in" / "copy.png")
    workshop.photo("c.png", "diverges")
    workshop.run()
    found = families(workshop)
    assert values(found["stylewatch_pictures_made"]) == {"": 2}
    assert values(found["stylewatch_pictures_copied"]) == {"": 1}
    failures = values(found["stylewatch_failures"])
    assert set(failures) == {kind.value for kind in FailureKind}, "each kind begins at 0, so that its rate is known"
    assert (failures["engine"], failures["crash"]) == (1, 0)


def test_the_time_of_pictures_is_a_histogram_by_device(workshop: Workshop) -> None:
    family = families(workshop)["stylewatch_picture_duration_seconds"]
    (device,) = {sample.labels["device"] for sample in family.samples}
    assert device
    by_name = {
        name: [sample for sample in family.samples if sample.name.endswith(name)]
        for name in ("_bucket", "_count", "_sum")
    }
    buckets = [(float(sample.labels["le"]), sample.value) for sample in by_name["_bucket"]]
    assert buckets == sorted(buckets)
    assert [count for _, count in buckets] == sorted(count for _, count in buckets)
    (count,), (total,) = by_name["_count"], by_name["_sum"]
    assert buckets[-1] == (math.inf, count.value) == (math.inf, 2)
    assert total.value >= 0


def scrape_totals(totals: Totals) -> dict[str, Metric]:
    reading = Reading(settings=SETTINGS, status=None, exit_code=0, totals=totals)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StateCollector(lambda: reading))
    return {family.name: family for family in parse_text(generate_latest(registry).decode())}


def test_a_hostile_device_name_stays_one_label() -> None:
    name = 'a "b"\\\n,le="0"'
    found = scrape_totals(Totals(1, 0, {"of a newer version": 3}, {name: SecondsHistogram(((math.inf, 1),), 2.5)}))
    (device,) = {sample.labels["device"] for sample in found["stylewatch_picture_duration_seconds"].samples}
    assert device == name
    assert values(found["stylewatch_failures"])["of a newer version"] == 3


def test_a_device_is_one_whatever_its_algorithms_and_the_buckets_of_a_version() -> None:
    histograms = {
        "cpu (2 threads, float32), winograd 144970eb": SecondsHistogram(((1.0, 1), (5.0, 3), (math.inf, 4)), 20.0),
        "cpu (2 threads, float32), winograd ffffffff": SecondsHistogram(((2.0, 10), (math.inf, 20)), 100.0),
        "cuda:0 (H200)": SecondsHistogram(((math.inf, 1),), 0.5),
    }
    family = scrape_totals(Totals(25, 0, {}, histograms))["stylewatch_picture_duration_seconds"]
    cpu = [sample for sample in family.samples if sample.labels["device"] == "cpu (2 threads, float32)"]
    counts = {sample.labels["le"]: sample.value for sample in cpu if "le" in sample.labels}
    assert counts == {"1.0": 1, "2.0": 11, "5.0": 13, "+Inf": 24}
    assert [sample.value for sample in cpu if "le" not in sample.labels] == [24, 120]
    assert {sample.labels["device"] for sample in family.samples} == {"cpu (2 threads, float32)", "cuda:0 (H200)"}


def test_of_a_damaged_ledger_nothing_is_said_but_that_and_what_else_is_known(workshop: Workshop) -> None:
    file = workshop.config().state.folder / "ledger.sqlite3"
    file.write_bytes(b"x" * 100_000)
    found = families(workshop)
    assert values(found["stylewatch_ledger_up"]) == {"": 0}
    assert values(found["stylewatch_status_exit_code"]) == {"": 3}
    assert "stylewatch_disk_free_bytes" in found
    assert "stylewatch_process_state" in found
    assert not {"stylewatch_pictures", "stylewatch_backlog_pictures", "stylewatch_pictures_made"} & set(found)


@pytest.mark.parametrize(
    ("accept", "media_type", "parse"),
    [
        ("", "text/plain", parse_text),
        ("*/*", "text/plain", parse_text),
        ("application/openmetrics-text; version=x", "text/plain", parse_text),
        (OPENMETRICS, "application/openmetrics-text", parse_openmetrics),
    ],
)
def test_both_formats_are_what_their_parsers_read(
    workshop: Workshop, accept: str, media_type: str, parse: Callable[[str], Iterable[Metric]]
) -> None:
    text, given = scrape(workshop, accept)
    assert given.startswith(media_type)
    names = {family.name for family in parse(text)}
    assert {"stylewatch_pictures", "stylewatch_disk_free_bytes"} <= names


def test_names_follow_the_conventions(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    with instance_lock(state, "a test"), Heartbeat(state, "a test"):
        text, _ = scrape(workshop, OPENMETRICS)
    for family in parse_openmetrics(text):
        assert re.fullmatch(r"stylewatch_[a-z]+(_[a-z]+)*", family.name)
        assert family.documentation.endswith("."), family.name
        assert family.type in ("gauge", "counter", "histogram", "info"), family.name
        assert not re.search(r"_(count|sum|bucket|total)$", family.name), family.name
        assert not re.search(r"(milli|kilo|mega|giga|minutes|hours|days|percent)", family.name), family.name
        if family.name.endswith(("_seconds", "_bytes")):
            assert family.unit == family.name.rpartition("_")[2]
        for sample in family.samples:
            assert (family.type == "counter") == sample.name.endswith("_total"), sample.name
            assert not {"le", "quantile"} & set(sample.labels) or family.type == "histogram"


def test_the_manual_lists_every_metric_and_no_other(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    with instance_lock(state, "a test"), Heartbeat(state, "a test"):
        text, _ = scrape(workshop)
    made = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    assert {name for name in made if "failures" in name} == {"stylewatch_failures_total"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(stylewatch_\w+)[`{]", readme.partition("## Over the network")[2])) == made
