"""Members of tar archives. Hostile ones are tried on a whole pass in tests/runner/test_hostile_archives.py."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import Limits, Member, RefusedError, UnpackBudget
from pipeline.intake.tars import begins_tar, members
from tests.intake.cases import good_tar
from tests.intake.packing import one, photo, special, tarred


def read(data: bytes, budget: UnpackBudget | None = None) -> list[Member]:
    return list(members(io.BytesIO(data), len(data), budget or UnpackBudget()))


def content(member: Member) -> bytes:
    sink = io.BytesIO()
    member.copy(sink)
    return sink.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_members_come_in_order_and_are_copied_in_any(pack: type[bytes]) -> None:
    data = pack(good_tar())
    file = io.BytesIO(data)
    found = list(members(file, len(data), UnpackBudget()))
    assert [member.name for member in found] == ["good.png", "beach/also.png"]
    assert [content(member) for member in reversed(found)] == [photo(5), photo(3)]


def test_only_packed_members_are_cheaper_to_copy_at_once() -> None:
    assert not any(member.is_sequential for member in read(good_tar()))
    assert all(member.is_sequential for member in read(gzip.compress(good_tar())))


@pytest.mark.parametrize(
    ("kind", "words"),
    [(tarfile.SYMTYPE, "a link"), (tarfile.LNKTYPE, "a link"), (tarfile.FIFOTYPE, "a device or pipe")],
)
def test_what_is_neither_file_nor_folder_is_named(kind: bytes, words: str) -> None:
    (member,) = read(tarred((special("a.png", kind, "target"), b"")))
    assert member.special_kind == words


def test_a_plain_tar_that_is_cut_may_still_be_completed_a_packed_one_not() -> None:
    half = one("good.png", 3) + one("also.png", 5)[:300]
    with pytest.raises(Incomplete, match="it ends in the middle of a header"):
        read(half)
    with pytest.raises(RefusedError, match="the tar in it ends in the middle of a header"):
        read(gzip.compress(half))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_tar_is_whole_with_the_last_byte_of_its_last_file(pack: type[bytes]) -> None:
    end = len(one("good.png", 3)) + 512 + len(photo(5))
    for more in (0, 1, -end % 512, -end % 512 + 512):
        found = read(pack(good_tar()[: end + more]))
        assert [member.name for member in found] == ["good.png", "beach/also.png"], more
    with pytest.raises((Incomplete, RefusedError), match="ends in the middle of a file"):
        read(pack(good_tar()[: end - 1]))


def test_a_tar_is_known_by_its_first_block() -> None:
    assert begins_tar(good_tar()[:512])
    assert begins_tar(gzip.compress(good_tar())[:512])
    assert not begins_tar(b"MZ" + bytes(510))


def test_a_preallocated_gzip_is_incomplete() -> None:
    with pytest.raises(Incomplete, match="zeros"):
        read(gzip.compress(good_tar())[:-8] + bytes(8))


def test_each_member_and_each_byte_is_counted() -> None:
    with pytest.raises(RefusedError, match="more than 1 files"):
        read(good_tar(), UnpackBudget(Limits(files=1, bytes=10**9, photo_bytes=10**9)))
    with pytest.raises(RefusedError, match="max_archive_size"):
        read(gzip.compress(good_tar()), UnpackBudget(Limits(files=10, bytes=1000, photo_bytes=10**9)))
