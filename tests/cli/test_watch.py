"""What 'watch' does before there is a daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cli.watch import wait_for_folders
from pipeline.daemon.notify import Notifier
from pipeline.errors import UsageError
from tests.workshop import CONFIG, Workshop


class RecordingNotifier(Notifier):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def __call__(self, *assignments: str) -> None:
        self.sent += assignments


def test_a_disk_that_is_not_mounted_is_waited_for_and_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop = Workshop(tmp_path, CONFIG + "state: {folder: state}\n")
    workshop.photo("a.png")
    workshop.run()
    config, disk = workshop.config(), tmp_path / "disk"
    workshop.out.rename(disk)
    sleeps: list[float] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 3:
            disk.rename(workshop.out)

    notify = RecordingNotifier()
    wait_for_folders(config, notify, sleep=sleep)
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "waiting: output.folder" in printed
    assert notify.sent.count("READY=1") == 1
    assert notify.sent.count("WATCHDOG=1") == 3
    assert not workshop.out.with_name("out disk").exists()


def test_a_config_that_is_wrong_is_not_waited_for(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, CONFIG + "state: {folder: mine}\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    with pytest.raises(UsageError):
        wait_for_folders(workshop.config(), RecordingNotifier(), sleep=lambda _: None)
