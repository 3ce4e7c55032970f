"""The numbers for Prometheus, read by its own parsers, and by the conventions for their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from prometheus_client import openmetrics
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from pipeline import __version__
from pipeline.config.settings import status_settings
from pipeline.report.heartbeat import Heartbeat
from pipeline.runner.instance.lock import instance_lock
from pipeline.serving.metrics import metrics_answer
from pipeline.serving.monitoring import StateReader
from tests.workshop import Workshop, know_the_machine

ROOT = Path(__file__).parents[2]
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
    assert "stylewatch_photos" not in found


def test_of_a_damaged_ledger_nothing_is_said_but_that_and_what_else_is_known(workshop: Workshop) -> None:
    file = workshop.config().state.folder / "ledger.sqlite3"
    file.write_bytes(b"x" * 100_000)
    found = families(workshop)
    assert values(found["stylewatch_ledger_up"]) == {"": 0}
    assert values(found["stylewatch_status_exit_code"]) == {"": 3}
    assert "stylewatch_disk_free_bytes" in found
    assert "stylewatch_process_state" in found
    assert not {"stylewatch_pictures", "stylewatch_backlog_pictures"} & set(found)


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
    assert openmetrics is not None


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
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(stylewatch_\w+)[`{]", readme.partition("## Over the network")[2])) == made
