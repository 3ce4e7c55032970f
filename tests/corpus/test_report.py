from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.corpus.compare import Finding
from tests.corpus.metadata_readers import FileMetadata
from tests.corpus.readings import OwnReading, Reading
from tests.corpus.report import (
    FileReport,
    changes,
    is_probably_wrong,
    lines_of,
    read_json,
    readings_of_others,
    summary,
    to_json,
)

GRID = np.full((8, 8, 3), 99.6, np.float32)
READ = Reading((40, 30), GRID)
OURS = OwnReading((40, 30), GRID, seconds=0.5, peak_bytes=40_000_000)
REFUSED = OwnReading(refusal="damaged")
WE_REFUSE = Finding("we refuse", "we", "damaged | read by a")
COLORS = Finding("colors", "others", "a: mean ...")


def report(path: str = "x/y.png", own: OwnReading = OURS, *findings: Finding, kind: str = "PNG") -> FileReport:
    return FileReport(path, kind, own, {"a": READ}, FileMetadata(kind, (40, 30)), findings)


def test_each_disagreement_is_a_line() -> None:
    assert lines_of(report("x/y.png", REFUSED, WE_REFUSE)) == [
        "x/y.png: we refuse (we are probably wrong): damaged | read by a"
    ]
    assert lines_of(report()) == []


@pytest.mark.parametrize(("seconds", "peak_bytes"), [(5.1, 0), (0.1, 2_100_000_000)])
def test_a_file_that_takes_too_much_is_a_line_too(seconds: float, peak_bytes: int) -> None:
    (line,) = lines_of(report("x/y.png", OwnReading(OURS.size, GRID, seconds=seconds, peak_bytes=peak_bytes)))
    assert line == f"x/y.png: takes {seconds} seconds and {peak_bytes / 1e6:,.0f} MB"


def test_files_are_counted_by_format_and_disagreements_by_kind_and_verdict() -> None:
    console = Console(width=160)
    reports = [
        report("1", REFUSED, WE_REFUSE),
        report("2", OURS, COLORS),
        report("3", OURS),
        report("4", REFUSED, WE_REFUSE, kind="TIFF"),
        FileReport("5", "TIFF", REFUSED, {"a": Reading(refusal="no")}, None),
    ]
    with console.capture() as captured:
        for table in summary(reports):
            console.print(table)
    rows = [[cell.strip() for cell in line.split("│")] for line in captured.get().splitlines() if "│" in line]
    assert rows == [
        ["PNG", "3", "2", "3", "0", "2", "1"],
        ["TIFF", "2", "0", "1", "1", "1", "1"],
        ["all", "5", "2", "4", "1", "3", "2"],
        ["we refuse", "2", "0", "0", "0"],
        ["colors", "0", "0", "0", "1"],
    ]


def test_only_where_we_are_probably_wrong_the_run_fails() -> None:
    assert is_probably_wrong(report("1", REFUSED, WE_REFUSE))
    assert not is_probably_wrong(report("2", OURS, COLORS))


def test_json_holds_all_that_was_read() -> None:
    line = to_json(report("ä.png", OURS, COLORS))
    assert "\n" not in line
    known = json.loads(line)
    assert known["own"]["mean"] == [99.6, 99.6, 99.6]
    assert (known["own"]["size"], known["own"]["peak_bytes"]) == ([40, 30], 40_000_000)
    assert np.shape(known["others"]["a"]["grid"]) == (8, 8, 3)
    assert known["findings"] == [{"kind": "colors", "verdict": "others", "detail": "a: mean ..."}]
    assert known["metadata"] == {"format": "PNG", "size": [40, 30], "orientation": 1}


def test_what_is_judged_otherwise_than_before_is_told(tmp_path: Path) -> None:
    before = [report("1", REFUSED, WE_REFUSE), report("2"), report("3", OURS, COLORS), report("gone")]
    (tmp_path / "before.json").write_text("".join(f"{to_json(one)}\n" for one in before), "utf-8")
    now = [report("1"), report("2", REFUSED, WE_REFUSE), report("3", OURS, COLORS), report("new", REFUSED, WE_REFUSE)]
    assert changes(read_json(tmp_path / "before.json"), now) == [
        "1: we refuse (we are probably wrong) → right",
        "2: right → we refuse (we are probably wrong)",
    ]


def test_what_others_read_is_read_again_from_an_earlier_run(tmp_path: Path) -> None:
    others = {"a": Reading((40, 30), GRID, complaint="cut short"), "b": Reading(refusal="no")}
    written = to_json(FileReport("x/y.png", "PNG", OURS, others, None))
    (tmp_path / "before.json").write_text(written, "utf-8")
    again = readings_of_others(read_json(tmp_path / "before.json")["x/y.png"])
    assert {name: (one.size, one.refusal, one.complaint) for name, one in again.items()} == {
        "a": ((40, 30), "", "cut short"),
        "b": (None, "no", ""),
    }
    assert again["a"].grid is not None
    np.testing.assert_array_equal(again["a"].grid, np.full((8, 8, 3), 100))
    assert again["b"].grid is None
