"""What monitors are told: the judgment of 'status', and what is known when the ledger can't be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.config.settings import status_settings
from pipeline.errors import LedgerLockedError
from pipeline.model import JobState, StatusSettings
from pipeline.report.heartbeat import FILE_NAME, Heartbeat
from pipeline.runner.instance.lock import instance_lock
from pipeline.runner.status import Pictures, Status, collect_status
from pipeline.serving.monitoring import CurrentSettings, StateReader
from tests.workshop import Workshop


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path)
    workshop.photo("a.png")
    workshop.run()
    return workshop


def reader_of(workshop: Workshop, clock: Clock | None = None) -> StateReader:
    settings = status_settings(workshop.config())
    return StateReader(lambda: settings, clock=clock or Clock())


def ledger_of(workshop: Workshop) -> Path:
    return workshop.config().state.folder / "ledger.sqlite3"


def test_if_all_is_well_it_is_200(workshop: Workshop) -> None:
    answer = reader_of(workshop).health(in_full=True)
    assert (answer.status, answer.text) == (200, "0: all is well\n")


def test_before_the_first_run_all_is_well_too(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    reading = reader_of(workshop).read()
    assert (reading.exit_code, reading.is_complete) == (0, True)
    assert not workshop.out.exists()


def test_a_photo_set_aside_is_503_and_its_details_are_for_those_who_may_know(workshop: Workshop) -> None:
    (workshop.folder / "in" / "letter.jpg").write_text("no photo")
    workshop.run()
    reader = reader_of(workshop)
    full, short = reader.health(in_full=True), reader.health(in_full=False)
    assert (full.status, full.text) == (503, "1: 1 photo set aside in the last 24 hours\n")
    assert (short.status, short.text) == (
        503,
        "1: pictures were given up or photos set aside in the last 24 hours\n",
    )


def test_a_killed_program_is_503_in_one_line_without_its_command_for_everybody(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    with instance_lock(state, "stylewatch watch /home/me/my\nphotos.yaml"):
        heartbeat = Heartbeat(state, "stylewatch watch /home/me/my\nphotos.yaml")
        left = (state / FILE_NAME).read_bytes()
        heartbeat.remove()
    (state / FILE_NAME).write_bytes(left)
    reader = reader_of(workshop)
    full, short = reader.health(in_full=True), reader.health(in_full=False)
    assert isinstance(full.text, str)
    assert full.status == short.status == 503
    assert full.text.startswith("3: 'stylewatch watch /home/me/my")
    assert "was killed, or the machine lost power" in full.text
    assert full.text.count("\n") == 1
    assert short.text == "3: no pictures can be made; 'stylewatch status' says why\n"


def test_a_damaged_ledger_is_said_and_the_rest_is_known(workshop: Workshop) -> None:
    file = ledger_of(workshop)
    file.write_bytes(b"x" * file.stat().st_size)
    with instance_lock(file.parent, "a test"), Heartbeat(file.parent, "a test"):
        reader = reader_of(workshop)
        reading, health = reader.read(), reader.health(in_full=True)
    assert (reading.exit_code, reading.is_complete) == (3, False)
    assert reading.status is not None
    assert reading.status.process_state == "running"
    assert (health.status, "the ledger is damaged" in str(health.text)) == (503, True)


def test_a_locked_ledger_is_said_and_the_rest_is_known(workshop: Workshop) -> None:
    settings = status_settings(workshop.config())

    def collect(settings: StatusSettings, pictures: Pictures | None = None) -> Status:
        if pictures is None:
            raise LedgerLockedError("another process keeps the ledger locked")
        return collect_status(settings, pictures=pictures)

    reader = StateReader(lambda: settings, collect=collect, clock=Clock())
    reading, health = reader.read(), reader.health(in_full=True)
    assert (reading.exit_code, reading.is_complete) == (3, False)
    assert reading.status is not None
    assert (health.status, health.text) == (503, "3: another process keeps the ledger locked\n")


def test_a_bug_is_no_reason_to_say_nothing(workshop: Workshop) -> None:
    settings = status_settings(workshop.config())

    def collect(_settings: StatusSettings, pictures: Pictures | None = None) -> Status:
        raise RuntimeError("a bug")

    reader = StateReader(lambda: settings, collect=collect, clock=Clock())
    answer = reader.health(in_full=True)
    assert (answer.status, answer.text) == (503, "3: unexpected RuntimeError: a bug\n")
    assert reader.read().status is None


def test_many_who_ask_at_once_cost_one_reading(workshop: Workshop) -> None:
    clock = Clock()
    reader = reader_of(workshop, clock)
    first = reader.read()
    workshop.photo("b.png")
    workshop.run()
    clock.now = 1.9
    assert reader.read() is first
    clock.now = 2.1
    status = reader.read().status
    assert status is not None
    assert status.pictures.counts[JobState.DONE] == 2


def test_while_another_thread_reads_the_latest_is_served(workshop: Workshop) -> None:
    clock = Clock()
    settings = status_settings(workshop.config())
    inner: list[object] = []

    def asks_again() -> object:
        if clock.now:
            inner.append(reader.read())
        return settings

    reader = StateReader(asks_again, clock=clock)  # type: ignore[arg-type]
    first = reader.read()
    clock.now = 10
    assert reader.read() is not first
    assert inner == [first]


def test_the_settings_follow_the_config_but_the_folders_stay(workshop: Workshop) -> None:
    file = workshop.folder / "stylewatch.yaml"
    current = CurrentSettings(file, workshop.config())
    before = current()
    assert current() is before
    file.write_text(file.read_text().replace("folder: out", "folder: elsewhere") + "  fast: {size: 64}\n")
    changed = current()
    assert list(changed.recipes) == ["default", "fast"]
    assert changed.folders == before.folders
    file.write_text("styles: [")
    assert current() is changed
    file.unlink()
    assert current() is changed


def test_the_settings_follow_the_files_that_the_config_imports(workshop: Workshop) -> None:
    config, imported = workshop.folder / "stylewatch.yaml", workshop.folder / "more.yaml"
    imported.write_text("fine: {size: 64}\n")
    workshop.text = workshop.text.replace("recipes:", "recipes:\n  import: more.yaml")
    current = CurrentSettings(config, workshop.config())
    assert current().recipes["fine"].size == 64
    imported.write_text("fine: {size: 128}\n")
    assert current().recipes["fine"].size == 128


def test_the_exit_code_is_the_one_that_status_has(workshop: Workshop) -> None:
    state = workshop.config().state.folder
    with instance_lock(state, "a test"), Heartbeat(state, "a test"):
        file = state / FILE_NAME
        file.write_text(json.dumps(json.loads(file.read_text()) | {"paused": "the disk is full"}))
        reading = reader_of(workshop).read()
    assert reading.status is not None
    assert reading.exit_code == reading.status.exit_code() == 3
