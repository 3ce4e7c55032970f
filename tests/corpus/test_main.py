from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tests.corpus.__main__ import files_in, judge, main, report_all
from tests.corpus.compare import Tolerance
from tests.corpus.metadata_readers import PillowMetadata
from tests.corpus.own_decoder import Limits
from tests.corpus.readers import Reader
from tests.corpus.readings import Reading
from tests.corpus.report import to_json


class Gray:
    """A decoder to which every picture is gray."""

    name = "gray"

    def read(self, path: Path) -> Reading:
        return Reading((40, 30), np.full((8, 8, 3), 128, np.float32))

    def close(self) -> None:
        pass


class Broken:
    """A decoder that doesn't keep its promise."""

    name = "broken"

    def read(self, path: Path) -> Reading:
        raise ValueError("not foreseen")

    def close(self) -> None:
        pass


def judged(path: Path, *readers: Reader) -> list[tuple[str, str]]:
    report = judge(path.parent, readers, PillowMetadata(), Limits(), Tolerance(), path)
    assert (report.path, report.format) == (path.name, "PNG")
    return [(one.kind, one.verdict) for one in report.findings]


def test_a_file_is_decoded_by_all_and_compared(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (128, 128, 128)).save(tmp_path / "gray.png")
    Image.new("RGB", (40, 30), (200, 10, 10)).save(tmp_path / "red.png")
    assert judged(tmp_path / "gray.png", Gray(), Gray()) == []
    assert judged(tmp_path / "red.png", Gray()) == [("colors", "perhaps we")]
    assert judged(tmp_path / "red.png", Broken()) == [("others refuse", "unknown")]


def test_others_are_not_asked_again_for_what_they_read_in_an_earlier_run(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (200, 10, 10)).save(tmp_path / "red.png")
    where = (PillowMetadata(), Limits(), Tolerance(), tmp_path / "red.png")
    first = judge(tmp_path, [Gray()], *where)
    second = judge(tmp_path, [Broken()], *where, known={"red.png": json.loads(to_json(first))})
    assert [one.detail for one in second.findings] == [one.detail for one in first.findings]


def test_what_is_found_is_written_as_it_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (40, 30), (200, 10, 10)).save(tmp_path / "red.png")
    report = judge(tmp_path, [Gray()], PillowMetadata(), Limits(), Tolerance(), tmp_path / "red.png")

    def interrupted():  # type: ignore[no-untyped-def]
        yield report
        assert json.loads((tmp_path / "all.json").read_text("utf-8"))["path"] == "red.png"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        report_all(interrupted(), tmp_path / "all.json")
    assert capsys.readouterr().out.startswith("red.png: colors (one decoder against us): gray: mean ours 200/10/10")


def test_files_of_all_folders_are_taken_and_too_large_ones_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name, size in (("a/1.png", 10), ("2", 11), ("a/3.jpg", 12)):
        (tmp_path / name).write_bytes(bytes(size))
    small, large = files_in(tmp_path, 11)
    assert (sorted(small), large) == ([tmp_path / "2", tmp_path / "a" / "1.png"], [tmp_path / "a" / "3.jpg"])


def test_files_come_in_an_order_of_chance_that_is_the_same_wherever_the_folder_is(tmp_path: Path) -> None:
    names = [f"{number:03}" for number in range(50)]
    orders = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        for name in names:
            (folder / name).touch()
        orders.append([path.name for path in files_in(folder, 0)[0]])
    assert orders[0] == orders[1] != names
    assert sorted(orders[0]) == names


def test_without_a_second_decoder_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "pyvips.py").write_text("raise ModuleNotFoundError('pyvips')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ended = CliRunner().invoke(main, [str(tmp_path), "--vips-python", sys.executable])
    assert ended.exit_code == 2
    assert "nothing to compare with: install ImageMagick" in ended.stderr
