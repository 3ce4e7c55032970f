"""Commands that only look, and ``retry``, while a disk of state or pictures is missing: nothing is taken for new."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.invocation import Invoke, config_of
from tests.scenarios.runner.test_unmounted import put_back, taken_away
from tests.workshop import CONFIG, Workshop


@pytest.mark.parametrize(("name", "setting"), [("state", "state"), ("out", "output")])
def test_the_missing_disk_is_named_and_nothing_is_taken_for_new(
    invoke: Invoke, tmp_path: Path, name: str, setting: str
) -> None:
    workshop = Workshop(tmp_path, CONFIG + "state: {folder: state}\n")
    workshop.photo("a.png")
    workshop.run()
    disk, config = taken_away(tmp_path / name), config_of(workshop)
    told = invoke("status", config)
    assert told.code == 3
    assert f"\nwarning: {setting}.folder: {tmp_path / name} is " in told.out
    for command in (["plan"], ["retry", "--missing"]):
        refused = invoke(*command, config)
        assert (refused.code, refused.out) == (3, "")
        assert "mount its disk or share" in refused.err
    put_back(disk, tmp_path / name)
    assert invoke("status", config).code == 0


def test_an_emptied_folder_of_photos_is_no_alarm(invoke: Invoke, tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, CONFIG)
    photo = workshop.photo("a.png")
    workshop.run()
    photo.unlink()
    config = config_of(workshop)
    for command in ("plan", "run", "status"):
        told = invoke(command, config)
        assert (told.code, told.err) == (0, ""), command
