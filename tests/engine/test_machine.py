from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.engine.machine import circumstances, keep_measured, processor, read_measured


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "measured.json"
    keep_measured(path, {"seconds": 1.5})
    keep_measured(path, {"seconds": 2.5})
    assert read_measured(path) == {"seconds": 2.5}
    assert [found.name for found in path.parent.iterdir()] == ["measured.json"]


def test_what_is_not_there_or_damaged_is_none(tmp_path: Path) -> None:
    assert read_measured(tmp_path / "nothing.json") is None
    (tmp_path / "half.json").write_text('{"seconds":')
    assert read_measured(tmp_path / "half.json") is None


def test_a_number_of_threads_set_from_outside_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = circumstances()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert circumstances() != alone
    assert alone["processor"] == processor() != ""
