"""When a config file is read again, and which of its changes apply. A fake clock, real files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.daemon.config_reloader import ConfigReloader, ConfigVersion
from pipeline.model import WatchNotice
from pipeline.runner.preparation import resolve_config
from tests.daemon.harness import CONFIG
from tests.fakes import write_painting


class ReloaderHarness:
    """A config file that tests edit, and the daemon's reloader of it."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.folder = folder
        self.file = folder / "stylewatch.yaml"
        self.notices: list[WatchNotice] = []
        self.reloads = 0
        write_painting(folder / "night.jpg")
        self.write(CONFIG)
        self.reloader = ConfigReloader(self.file, clock=lambda: self.now)
        config = load_config(self.file)
        self.version = ConfigVersion(config, resolve_config(config))

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text("utf-8")
        assert old in text
        self.write(text.replace(old, new))

    def after(self, seconds: float) -> ConfigVersion | None:
        self.now += seconds
        return self.reloader.next_version(self.version, self.notices.append, self._while_reloading)

    @contextmanager
    def _while_reloading(self) -> Iterator[None]:
        self.reloads += 1
        yield

    def words(self) -> list[tuple[str, str]]:
        return [(notice.kind, notice.text) for notice in self.notices]


@pytest.fixture
def harness(tmp_path: Path) -> ReloaderHarness:
    return ReloaderHarness(tmp_path)


def test_a_changed_file_is_read_once_it_has_come_to_rest(harness: ReloaderHarness) -> None:
    assert harness.after(5) is None
    harness.change("size: 48", "size: 64")
    assert harness.after(1) is None
    assert harness.after(0.5) is None
    version = harness.after(0.6)
    assert version is not None
    assert version.resolved.recipes["default"].size == 64
    assert harness.words() == [("reloaded", "config reloaded: recipes changed")]
    assert harness.reloads == 1


def test_a_file_being_written_is_no_mistake(harness: ReloaderHarness) -> None:
    harness.write("styles: [{na")
    assert harness.after(1) is None
    harness.write(CONFIG.replace("size: 48", "size: 64"))
    assert harness.after(1) is None
    assert harness.after(1.1) is not None
    assert [kind for kind, _ in harness.words()] == ["reloaded"]


def test_a_file_that_is_put_in_its_place_may_be_missing_for_a_while(harness: ReloaderHarness) -> None:
    checkpoint = harness.folder / "draft.yaml"
    checkpoint.write_text(CONFIG.replace("size: 48", "size: 64"))
    harness.file.unlink()
    for _ in range(60):
        assert harness.after(1.1) is None
    checkpoint.rename(harness.file)
    assert harness.after(1.1) is None
    assert harness.after(1.1) is not None
    assert [kind for kind, _ in harness.words()] == ["reloaded"]


def test_a_file_that_is_only_touched_is_nothing_to_speak_of(harness: ReloaderHarness) -> None:
    harness.write(CONFIG + "# a remark\n")
    assert [harness.after(1.1) for _ in range(3)] == [None] * 3
    assert harness.notices == []


def test_whoever_asks_is_answered_at_once_even_if_nothing_has_changed(harness: ReloaderHarness) -> None:
    assert harness.after(1.1) is None
    harness.reloader.request_reload()
    assert harness.after(0.0) is None
    assert harness.words() == [("reloaded", "config reloaded: no effective change")]
    assert harness.after(1.1) is None
    assert len(harness.notices) == 1


def test_whoever_asks_while_the_file_is_away_is_told_so(harness: ReloaderHarness) -> None:
    harness.file.unlink()
    harness.reloader.request_reload()
    assert harness.after(0.0) is None
    assert harness.notices == []
    assert harness.after(1.1) is None
    ((kind, text),) = harness.words()
    assert kind == "refused"
    assert str(harness.file) in text


def test_a_bad_config_is_told_once_with_all_that_is_wrong(harness: ReloaderHarness) -> None:
    harness.write("styles: [{name: night, painting: nowhere.jpg}]\nrecipes:\n  default: {sise: 256}\n")
    assert [harness.after(1.1) for _ in range(5)] == [None] * 5
    ((kind, text),) = harness.words()
    assert kind == "refused"
    assert text.startswith("the changed config is not applied, the old one stays in force: ")
    assert f"{harness.file}:1: " in text
    assert f"; {harness.file}:3: " in text
    harness.write(CONFIG.replace("size: 48", "size: 64"))
    assert harness.after(1.1) is None
    assert harness.after(1.1) is not None


def test_after_a_refusal_it_is_said_that_all_is_well_again_even_if_nothing_has_changed(
    harness: ReloaderHarness,
) -> None:
    painting = (harness.folder / "night.jpg").read_bytes()
    (harness.folder / "night.jpg").write_bytes(b"half a pain")
    harness.reloader.check_paintings()
    assert [harness.after(1.1) for _ in range(2)] == [None, None]
    (harness.folder / "night.jpg").write_bytes(painting)
    harness.reloader.check_paintings()
    assert [harness.after(1.1) for _ in range(2)] == [None, None]
    assert [kind for kind, _ in harness.words()] == ["refused", "reloaded"]
    assert harness.words()[-1][1] == "config reloaded: no effective change"


def test_a_painting_that_is_none_is_refused_before_it_can_do_harm(harness: ReloaderHarness) -> None:
    (harness.folder / "letter.jpg").write_text("Dear Theo,")
    harness.change("painting: night.jpg", "painting: letter.jpg")
    assert [harness.after(1.1) for _ in range(2)] == [None] * 2
    ((kind, text),) = harness.words()
    assert kind == "refused"
    assert "letter.jpg" in text


def test_a_size_that_no_machine_can_make_is_refused(harness: ReloaderHarness) -> None:
    harness.change("{size: 48, scales: 1}", "{size: 65000}\nengine: {device: cpu}")
    assert harness.after(0) is None
    assert harness.after(2) is None
    ((kind, text),) = harness.words()
    assert kind == "refused"
    assert "recipes.default.size: even a picture of 65000 × 6500 pixels takes about" in text


def test_another_painting_under_the_same_name_counts_when_asked(harness: ReloaderHarness) -> None:
    write_painting(harness.folder / "night.jpg", (10, 10, 200))
    harness.reloader.request_reload()
    version = harness.after(1.1)
    assert version is not None
    assert version.resolved != harness.version.resolved
    assert harness.words() == [("reloaded", "config reloaded: the paintings changed")]


def test_a_painting_that_was_replaced_is_taken_over_once_it_has_come_to_rest(harness: ReloaderHarness) -> None:
    assert harness.after(1.1) is None
    write_painting(harness.folder / "night.jpg", (10, 10, 200))
    assert [harness.after(1.1) for _ in range(8)] == [None] * 8
    versions = [harness.after(1.1) for _ in range(4)]
    (version,) = filter(None, versions)
    assert version.resolved != harness.version.resolved
    assert harness.words() == [("reloaded", "config reloaded: the paintings changed")]


def test_a_painting_that_is_only_touched_or_away_for_a_while_is_nothing_to_speak_of(harness: ReloaderHarness) -> None:
    painting = harness.folder / "night.jpg"
    assert harness.after(1.1) is None
    os.utime(painting, (1, 1))
    assert [harness.after(11) for _ in range(3)] == [None] * 3
    painting.rename(harness.folder / "away.jpg")
    assert [harness.after(11) for _ in range(3)] == [None] * 3
    (harness.folder / "away.jpg").rename(painting)
    assert [harness.after(11) for _ in range(3)] == [None] * 3
    assert harness.notices == []


def test_a_painting_that_a_worker_doubts_is_looked_at_at_once(harness: ReloaderHarness) -> None:
    assert harness.after(1.1) is None
    write_painting(harness.folder / "night.jpg", (10, 10, 200))
    harness.reloader.check_paintings()
    assert harness.after(0.0) is None
    assert harness.after(1.1) is not None
    harness.reloader.check_paintings()
    assert harness.after(1.1) is not None, "the desk's edition is still the former one"


def test_an_image_to_start_from_is_watched_as_paintings_are(harness: ReloaderHarness) -> None:
    start = write_painting(harness.folder / "start.jpg")
    harness.change("size: 48", "init: image, init_image: start.jpg, size: 48")
    harness.after(1)
    version = harness.after(1.5)
    assert version is not None
    harness.version = version
    assert harness.after(11) is None
    write_painting(start, (10, 10, 200))
    harness.reloader.check_paintings()
    assert harness.after(0) is None
    assert harness.after(1.1) is not None
    assert harness.words()[-1] == ("reloaded", "config reloaded: the image to start from changed")
    start.write_text("a letter")
    harness.reloader.check_paintings()
    assert [harness.after(seconds) for seconds in (0, 1.1)] == [None, None]
    assert "start.jpg can't be used" in harness.words()[-1][1]


def test_a_doubt_without_reason_is_not_told_and_a_bad_painting_only_once(harness: ReloaderHarness) -> None:
    harness.reloader.check_paintings()
    assert harness.after(1.1) is None
    assert harness.notices == []
    (harness.folder / "night.jpg").write_bytes(b"half a pain")
    for _ in range(3):
        harness.reloader.check_paintings()
        assert [harness.after(1.1) for _ in range(2)] == [None, None]
    ((kind, text),) = harness.words()
    assert kind == "refused"
    assert "night.jpg" in text


def test_what_needs_a_restart_is_named_and_the_rest_is_taken_over(harness: ReloaderHarness) -> None:
    harness.change("size: 48", "size: 64")
    harness.write(harness.file.read_text() + "log: {level: debug, max_megabytes: 3}\n")
    harness.after(1.1)
    version = harness.after(1.1)
    assert version is not None
    assert version.config.log == harness.version.config.log
    assert version.resolved.recipes["default"].size == 64
    assert harness.words() == [
        (
            "reloaded",
            "config reloaded: recipes changed; log.level, log.max_megabytes need a restart and stay as before",
        )
    ]


def test_a_device_is_not_tried_out_by_a_daemon_at_work(harness: ReloaderHarness) -> None:
    harness.write(harness.file.read_text() + "engine: {device: cuda, threads: 1}\n")
    harness.after(1.1)
    version = harness.after(1.1)
    assert version is not None
    assert (version.config.engine.device, version.config.engine.threads) == ("auto", 1)
    assert harness.words() == [
        ("reloaded", "config reloaded: engine changed; engine.device needs a restart and stays as before")
    ]


def test_with_another_output_folder_all_that_lies_in_it_stays_where_it_is(harness: ReloaderHarness) -> None:
    harness.change("folder: out, min_free_disk: 0", "folder: elsewhere, quality: 50, min_free_disk: 0")
    harness.after(1.1)
    version = harness.after(1.1)
    assert version is not None
    old, new = harness.version.config, version.config
    assert (new.output.folder, new.state, new.cache, new.log) == (old.output.folder, old.state, old.cache, old.log)
    assert new.output.quality == 50
    assert harness.notices[0].text == (
        "config reloaded: output changed; output.folder needs a restart and stays as before"
    )


def test_with_another_input_folder_the_whole_section_waits(harness: ReloaderHarness) -> None:
    # The old folder could hold the one that photos are moved to.
    harness.change("folder: in, settle_seconds: 0.3", "folder: other, originals: {move: in/done}, settle_seconds: 9")
    harness.after(1.1)
    assert harness.after(1.1) is None
    assert harness.notices[0].text == (
        "config reloaded: no effective change; input.folder needs a restart and stays as before"
    )


def test_who_follows_the_config_gets_each_one_that_comes_into_use(harness: ReloaderHarness) -> None:
    sizes: list[int] = []
    harness.reloader.on_change = lambda config: sizes.append(config.recipes_by_name()["default"].size)
    for old, new in (("size: 48", "size: 64"), ("size: 64", "size: many")):
        harness.change(old, new)
        harness.after(2)
        harness.version = harness.after(2) or harness.version

    assert sizes == [64]


def test_a_changed_file_that_the_config_imports_is_read_again(harness: ReloaderHarness) -> None:
    imported = harness.folder / "more.yaml"
    harness.change("recipes:", "recipes:\n  import: more.yaml")
    assert harness.after(2.1) is None
    assert harness.after(2.1) is None
    assert [kind for kind, _ in harness.words()] == ["refused"]
    assert "more.yaml doesn't exist" in harness.words()[0][1]

    imported.write_text("fine: {size: 32}\n", encoding="utf-8")  # which the refused config waits for
    assert harness.after(1) is None
    version = harness.after(1.1)
    assert version is not None
    assert version.resolved.recipes["fine"].size == 32

    harness.version = version
    imported.write_text("fine: {size: 320}\n", encoding="utf-8")
    assert harness.after(1) is None
    version = harness.after(1.1)
    assert version is not None
    assert version.resolved.recipes["fine"].size == 320

    harness.version = version
    imported.write_text("fine: {size: 3}\n", encoding="utf-8")
    assert harness.after(1) is None
    assert harness.after(1.1) is None
    assert f"{imported}:1: fine.size: must be at least 16, found 3" in harness.words()[-1][1]
