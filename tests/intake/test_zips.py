"""Members of ZIP archives. Hostile ones are tried on a whole pass in tests/runner/test_hostile_archives.py."""

from __future__ import annotations

import io
import stat

import pytest

from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import Limits, Member, MemberError, RefusedError, UnpackBudget
from pipeline.intake.zips import members
from tests.intake.cases import good_zip
from tests.intake.packing import _info, encrypted, overlapping, photo, replaced, zip64, zipped


def read(data: bytes, budget: UnpackBudget | None = None) -> list[Member]:
    return list(members(io.BytesIO(data), len(data), budget or UnpackBudget()))


def content(member: Member) -> bytes:
    sink = io.BytesIO()
    member.copy(sink)
    return sink.getvalue()


@pytest.mark.parametrize("data", [good_zip(), zip64(good_zip())], ids=["zip", "zip64"])
def test_members_come_in_order_and_are_copied_in_any(data: bytes) -> None:
    file = io.BytesIO(data)
    found = list(members(file, len(data), UnpackBudget()))
    assert [(member.name, member.problem, member.special_kind) for member in found] == [
        ("good.png", "", ""),
        ("beach/also.png", "", ""),
    ]
    assert [content(member) for member in reversed(found)] == [photo(5), photo(3)]


def test_what_is_neither_file_nor_folder_is_named() -> None:
    link, pipe = (_info(name, mode | 0o644) for name, mode in (("a.png", stat.S_IFLNK), ("b.png", stat.S_IFIFO)))
    assert [member.special_kind for member in read(zipped((link, b"to"), (pipe, b"")))] == [
        "a link",
        "a device or pipe",
    ]


def test_an_encrypted_member_is_a_problem_of_its_own() -> None:
    first, _ = read(encrypted(good_zip(), 1))
    assert first.problem == "it is encrypted"


@pytest.mark.parametrize("cut", [1, 21, 100])
def test_an_archive_that_is_cut_is_incomplete(cut: int) -> None:
    with pytest.raises(Incomplete, match="table of contents"):
        read(good_zip()[:-cut])


def test_damage_is_found_when_a_member_is_copied() -> None:
    data = zipped(("a.txt", b"some bytes that are stored"), method=0)
    (member,) = read(replaced(data, b"some bytes", b"same bytes", 1))
    with pytest.raises(MemberError, match="it is damaged"):
        content(member)


def test_overlapping_members_and_too_many_are_refused() -> None:
    with pytest.raises(RefusedError, match="overlap"):
        read(overlapping())
    with pytest.raises(RefusedError, match="max_archive_files"):
        read(good_zip(), UnpackBudget(Limits(files=1, bytes=10**9, photo_bytes=10**9)))
