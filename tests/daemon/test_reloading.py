"""When a config file is read again, and what of it is taken over. A fake clock, real files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.daemon.reloading import Edition, Reloading
from pipeline.model import WatchNotice
from pipeline.runner.preparation import prepare
from tests.daemon.station import CONFIG
from tests.fakes import write_painting


class Desk:
    """A config file under an editor, and a daemon's eye on it."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.folder = folder
        self.file = folder / "stylewatch.yaml"
        self.told: list[WatchNotice] = []
        self.announced = 0
        write_painting(folder / "night.jpg")
        self.write(CONFIG)
        self.reloading = Reloading(self.file, clock=lambda: self.now)
        config = load_config(self.file)
        self.edition = Edition(config, prepare(config))

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text("utf-8")
        assert old in text
        self.write(text.replace(old, new))

    def after(self, seconds: float) -> Edition | None:
        self.now += seconds
        return self.reloading.next_edition(self.edition, self.told.append, self._announce)

    @contextmanager
    def _announce(self) -> Iterator[None]:
        self.announced += 1
        yield

    def words(self) -> list[tuple[str, str]]:
        return [(notice.kind, notice.text) for notice in self.told]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_changed_file_is_read_once_it_has_come_to_rest(desk: Desk) -> None:
    assert desk.after(5) is None
    desk.change("size: 48", "size: 64")
    assert desk.after(1) is None
    assert desk.after(0.5) is None
    edition = desk.after(0.6)
    assert edition is not None
    assert edition.resolved.recipes["default"].size == 64
    assert desk.words() == [("reloaded", "config reloaded: recipes changed")]
    assert desk.announced == 1


def test_a_file_being_written_is_no_mistake(desk: Desk) -> None:
    desk.write("styles: [{na")
    assert desk.after(1) is None
    desk.write(CONFIG.replace("size: 48", "size: 64"))
    assert desk.after(1) is None
    assert desk.after(1.1) is not None
    assert [kind for kind, _ in desk.words()] == ["reloaded"]


def test_a_file_that_is_put_in_its_place_may_be_missing_for_a_while(desk: Desk) -> None:
    checkpoint = desk.folder / "draft.yaml"
    checkpoint.write_text(CONFIG.replace("size: 48", "size: 64"))
    desk.file.unlink()
    for _ in range(60):
        assert desk.after(1.1) is None
    checkpoint.rename(desk.file)
    assert desk.after(1.1) is None
    assert desk.after(1.1) is not None
    assert [kind for kind, _ in desk.words()] == ["reloaded"]


def test_a_file_that_is_only_touched_is_nothing_to_speak_of(desk: Desk) -> None:
    desk.write(CONFIG + "# a remark\n")
    assert [desk.after(1.1) for _ in range(3)] == [None] * 3
    assert desk.told == []


def test_whoever_asks_is_answered_at_once_even_if_nothing_has_changed(desk: Desk) -> None:
    assert desk.after(1.1) is None
    desk.reloading.ask()
    assert desk.after(0.0) is None
    assert desk.words() == [("reloaded", "config reloaded: nothing that counts has changed")]
    assert desk.after(1.1) is None
    assert len(desk.told) == 1


def test_whoever_asks_while_the_file_is_away_is_told_so(desk: Desk) -> None:
    desk.file.unlink()
    desk.reloading.ask()
    assert desk.after(0.0) is None
    assert desk.told == []
    assert desk.after(1.1) is None
    ((kind, text),) = desk.words()
    assert kind == "refused"
    assert str(desk.file) in text


def test_a_bad_config_is_told_once_with_all_that_is_wrong(desk: Desk) -> None:
    desk.write("styles: [{name: night, painting: nowhere.jpg}]\nrecipes:\n  default: {sise: 256}\n")
    assert [desk.after(1.1) for _ in range(5)] == [None] * 5
    ((kind, text),) = desk.words()
    assert kind == "refused"
    assert text.startswith("the changed config is not taken over, the old one stays in force: ")
    assert f"{desk.file}:1: " in text
    assert f"; {desk.file}:3: " in text
    desk.write(CONFIG.replace("size: 48", "size: 64"))
    assert desk.after(1.1) is None
    assert desk.after(1.1) is not None


def test_a_painting_that_is_none_is_refused_before_it_can_do_harm(desk: Desk) -> None:
    (desk.folder / "letter.jpg").write_text("Dear Theo,")
    desk.change("painting: night.jpg", "painting: letter.jpg")
    assert [desk.after(1.1) for _ in range(2)] == [None] * 2
    ((kind, text),) = desk.words()
    assert kind == "refused"
    assert "letter.jpg" in text


def test_another_painting_under_the_same_name_counts_when_asked(desk: Desk) -> None:
    write_painting(desk.folder / "night.jpg", (10, 10, 200))
    desk.reloading.ask()
    edition = desk.after(1.1)
    assert edition is not None
    assert edition.resolved != desk.edition.resolved
    assert desk.words() == [("reloaded", "config reloaded: the paintings changed")]


def test_a_painting_that_was_replaced_is_taken_over_once_it_has_come_to_rest(desk: Desk) -> None:
    assert desk.after(1.1) is None
    write_painting(desk.folder / "night.jpg", (10, 10, 200))
    assert [desk.after(1.1) for _ in range(8)] == [None] * 8
    editions = [desk.after(1.1) for _ in range(4)]
    (edition,) = filter(None, editions)
    assert edition.resolved != desk.edition.resolved
    assert desk.words() == [("reloaded", "config reloaded: the paintings changed")]


def test_a_painting_that_is_only_touched_or_away_for_a_while_is_nothing_to_speak_of(desk: Desk) -> None:
    painting = desk.folder / "night.jpg"
    assert desk.after(1.1) is None
    os.utime(painting, (1, 1))
    assert [desk.after(11) for _ in range(3)] == [None] * 3
    painting.rename(desk.folder / "away.jpg")
    assert [desk.after(11) for _ in range(3)] == [None] * 3
    (desk.folder / "away.jpg").rename(painting)
    assert [desk.after(11) for _ in range(3)] == [None] * 3
    assert desk.told == []


def test_a_painting_that_a_worker_doubts_is_looked_at_at_once(desk: Desk) -> None:
    assert desk.after(1.1) is None
    write_painting(desk.folder / "night.jpg", (10, 10, 200))
    desk.reloading.doubt()
    assert desk.after(0.0) is None
    assert desk.after(1.1) is not None
    desk.reloading.doubt()
    assert desk.after(1.1) is not None, "the desk's edition is still the former one"


def test_a_doubt_without_reason_is_not_told_and_a_bad_painting_only_once(desk: Desk) -> None:
    desk.reloading.doubt()
    assert desk.after(1.1) is None
    assert desk.told == []
    (desk.folder / "night.jpg").write_bytes(b"half a pain")
    for _ in range(3):
        desk.reloading.doubt()
        assert [desk.after(1.1) for _ in range(2)] == [None, None]
    ((kind, text),) = desk.words()
    assert kind == "refused"
    assert "night.jpg" in text


def test_what_needs_a_restart_is_named_and_the_rest_is_taken_over(desk: Desk) -> None:
    desk.change("size: 48", "size: 64")
    desk.write(desk.file.read_text() + "log: {level: debug, max_megabytes: 3}\n")
    desk.after(1.1)
    edition = desk.after(1.1)
    assert edition is not None
    assert edition.config.log == desk.edition.config.log
    assert edition.resolved.recipes["default"].size == 64
    assert desk.words() == [
        (
            "reloaded",
            "config reloaded: recipes changed; log.level, log.max_megabytes need a restart and stay as before",
        )
    ]


def test_a_device_is_not_tried_out_by_a_daemon_at_work(desk: Desk) -> None:
    desk.write(desk.file.read_text() + "engine: {device: cuda, threads: 1}\n")
    desk.after(1.1)
    edition = desk.after(1.1)
    assert edition is not None
    assert (edition.config.engine.device, edition.config.engine.threads) == ("auto", 1)
    assert desk.words() == [
        ("reloaded", "config reloaded: engine changed; engine.device needs a restart and stays as before")
    ]


def test_with_another_output_folder_all_that_lies_in_it_stays_where_it_is(desk: Desk) -> None:
    desk.change("folder: out, min_free_disk: 0", "folder: elsewhere, quality: 50, min_free_disk: 0")
    desk.after(1.1)
    edition = desk.after(1.1)
    assert edition is not None
    old, new = desk.edition.config, edition.config
    assert (new.output.folder, new.state, new.cache, new.log) == (old.output.folder, old.state, old.cache, old.log)
    assert new.output.quality == 50
    assert desk.told[0].text == ("config reloaded: output changed; output.folder needs a restart and stays as before")


def test_with_another_input_folder_the_whole_section_waits(desk: Desk) -> None:
    # The old folder could hold the one that photos are moved to.
    desk.change("folder: in, settle_seconds: 0.3", "folder: other, originals: {move: in/done}, settle_seconds: 9")
    desk.after(1.1)
    assert desk.after(1.1) is None
    assert desk.told[0].text == (
        "config reloaded: nothing that counts has changed; input.folder needs a restart and stays as before"
    )
