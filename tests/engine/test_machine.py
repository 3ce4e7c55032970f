from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.engine.machine import (
    gpu_memory_bytes,
    gpu_names,
    performance_factors,
    processor_name,
    read_measured,
    store_measurement,
)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "measured.json"
    store_measurement(path, {"seconds": 1.5})
    store_measurement(path, {"seconds": 2.5})
    assert read_measured(path) == {"seconds": 2.5}
    assert [found.name for found in path.parent.iterdir()] == ["measured.json"]


def test_what_is_not_there_or_damaged_is_none(tmp_path: Path) -> None:
    assert read_measured(tmp_path / "nothing.json") is None
    (tmp_path / "half.json").write_text('{"seconds":')
    assert read_measured(tmp_path / "half.json") is None


def test_a_number_of_threads_set_from_outside_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = performance_factors()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert performance_factors() != alone
    assert alone["processor"] == processor_name() != ""


def test_gpus_are_known_by_their_names_without_torch(tmp_path: Path) -> None:
    for number, model in enumerate(["NVIDIA T4", "NVIDIA H100 80GB HBM3"]):
        folder = tmp_path / f"0000:0{number}:00.0"
        folder.mkdir()
        (folder / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 10\n", encoding="ascii")
    assert gpu_names(tmp_path) == ("NVIDIA T4", "NVIDIA H100 80GB HBM3")
    assert gpu_names(tmp_path / "nothing") == ()


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("print('15360\\n143771')", 143771 * 1024**2),
        ("print('No devices were found')", None),
        ("print('')", None),
        ("raise SystemExit(9)", None),
    ],
)
def test_the_memory_of_the_largest_gpu_is_what_its_driver_tells(script: str, found: int | None) -> None:
    assert gpu_memory_bytes([sys.executable, "-c", script]) == found
    assert gpu_memory_bytes(["no-such-program"]) is None
