from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.corpus.compare import Finding, compare
from tests.corpus.metadata_readers import FileMetadata
from tests.corpus.readings import OwnReading, Reading, Size

SIZE = (640, 480)
NO = Reading(refusal="no such thing")


def picture(top_left: float = 200.0, size: Size = SIZE, base: float = 100.0) -> Reading:
    """Return a reading of a picture with one corner of another shade."""
    grid = np.full((8, 8, 3), base, np.float32)
    grid[:2, :3] = top_left
    return Reading(size, grid)


PICTURE = picture()


def own(reading: Reading = PICTURE, **more: object) -> OwnReading:
    return OwnReading(reading.size, reading.grid, reading.refusal, **more)  # type: ignore[arg-type]


def kinds(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.kind, one.verdict) for one in found]


def turned(reading: Reading, times: int) -> Reading:
    assert reading.grid is not None
    assert reading.size is not None
    size = reading.size if times % 2 == 0 else reading.size[::-1]
    return replace(reading, size=size, grid=np.rot90(reading.grid, times))


def test_where_all_agree_nothing_is_found() -> None:
    others = {"a": picture(), "b": picture(base=101)}
    assert compare(own(), others, FileMetadata("PNG", SIZE)) == []


def test_what_nobody_reads_is_no_disagreement() -> None:
    assert compare(own(NO), {"a": NO, "b": NO}, None) == []


@pytest.mark.parametrize(
    ("others", "verdict"),
    [
        ({"a": picture(), "b": picture()}, "we"),
        ({"a": picture(), "b": picture(50)}, "we"),
        ({"a": picture(), "b": NO}, "perhaps we"),
        ({"a": picture(), "b": replace(picture(), complaint="cut short")}, "perhaps we"),
        ({"a": NO, "b": replace(picture(), complaint="cut short")}, "unknown"),
    ],
)
def test_what_we_refuse_and_others_read(others: dict[str, Reading], verdict: str) -> None:
    (found,) = compare(own(Reading(refusal="damaged")), others, None)
    assert (found.kind, found.verdict) == ("we refuse", verdict)
    assert found.detail.startswith("damaged | read by ")


def test_what_only_we_read() -> None:
    (found,) = compare(own(), {"a": NO, "b": NO}, None)
    assert found == Finding("others refuse", "unknown", "a: no such thing; b: no such thing")


@pytest.mark.parametrize(
    ("others", "verdict"),
    [
        ({"a": picture(50), "b": picture(50)}, "we"),
        ({"a": picture(50), "b": picture(255)}, "unknown"),
        ({"a": picture(50), "b": picture()}, "others"),
        ({"a": picture(50), "b": NO}, "perhaps we"),
        ({"a": picture(50), "b": replace(picture(), complaint="cut short")}, "perhaps we"),
    ],
)
def test_other_colors(others: dict[str, Reading], verdict: str) -> None:
    (found,) = compare(own(), others, None)
    assert (found.kind, found.verdict) == ("colors", verdict)
    assert "a: mean ours 109/109/109, there 95/95/95; most 150 in row 1, column 1 of 8" in found.detail


def test_colors_a_little_off_everywhere_are_a_disagreement_and_so_are_those_of_one_cell() -> None:
    assert kinds(compare(own(), {"a": picture(205, base=105)}, None)) == [("colors", "perhaps we")]
    one_cell = picture()
    assert one_cell.grid is not None
    one_cell.grid[5, 6, 2] += 13
    (found,) = compare(own(), {"a": one_cell}, None)
    assert found.detail.endswith("most 13 in row 6, column 7 of 8")


def test_a_complaint_is_passed_over_where_all_complain() -> None:
    others = {name: replace(picture(50), complaint="cut short") for name in "ab"}
    assert kinds(compare(own(), others, None)) == [("colors", "we")]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_picture_turned_otherwise_is_told_as_such(times: int) -> None:
    others = {name: turned(picture(), times) for name in "ab"}
    (found,) = compare(own(), others, None)
    assert (found.kind, found.verdict) == ("orientation", "we")
    words = {1: "turned by 90° to the left", 2: "turned by 180°", 3: "turned by 90° to the right"}
    assert words[times] in found.detail


def test_a_mirrored_picture_is_told_as_such() -> None:
    assert PICTURE.grid is not None
    (found,) = compare(own(), {"a": Reading(SIZE, PICTURE.grid[:, ::-1])}, None)
    assert (found.kind, found.detail) == ("orientation", "a: ours mirrored")


def test_another_size() -> None:
    others = {name: picture(size=(320, 240)) for name in "ab"}
    (found,) = compare(own(), others, FileMetadata("HEIC", (320, 240)))
    assert (found.kind, found.verdict) == ("size", "we")
    assert found.detail == "a: ours 640×480, there 320×240; b: ours 640×480, there 320×240"


def test_sides_exchanged_are_another_orientation() -> None:
    plain = picture(100)
    others = {"a": Reading(SIZE[::-1], plain.grid)}
    assert kinds(compare(own(plain), others, None)) == [("orientation", "perhaps we")]


@pytest.mark.parametrize(("others", "verdict"), [({"a": picture()}, "others"), ({"a": NO}, "perhaps we")])
def test_another_size_in_the_metadata(others: dict[str, Reading], verdict: str) -> None:
    found = compare(own(), others, FileMetadata("JPEG", (480, 640), orientation=6))
    assert kinds(found)[-1] == ("metadata", verdict)
    assert found[-1].detail == "ours 640×480, there 480×640, orientation 6"


def test_metadata_without_a_size_is_no_disagreement() -> None:
    assert compare(own(), {"a": picture()}, FileMetadata("JPEG")) == []


def test_what_is_called_incomplete_and_yet_read() -> None:
    reading = own(completeness="incomplete", incomplete_because="the GIF is incomplete: no trailer")
    (found,) = compare(reading, {"a": picture()}, None)
    assert found == Finding("incomplete, but read", "we", "the GIF is incomplete: no trailer")


@pytest.mark.parametrize("failure", ["crash", "time", "memory"])
def test_a_process_without_an_answer_is_our_fault_whoever_reads_the_file(failure: str) -> None:
    (found,) = compare(own(Reading(refusal="signal 11"), failure=failure), {"a": NO}, None)
    assert found == Finding(failure, "we", "signal 11")
