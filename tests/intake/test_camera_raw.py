import io
import struct
from collections.abc import Callable

import pytest

from pipeline.intake.camera_raw import check_crw, check_mrw, check_raf, check_x3f
from pipeline.intake.containers import ContainerCheck, examine_open
from pipeline.intake.format_parsers import Incomplete, SizedFile


def raf() -> bytes:
    head = b"FUJIFILMCCD-RAW 0201".ljust(84, b"\0")
    return (head + struct.pack(">6I", 108, 50, 158, 10, 168, 32)).ljust(200, b"x")


def mrw() -> bytes:
    return b"\0MRM" + struct.pack(">I", 40) + b"x" * 41


def x3f() -> bytes:
    return b"FOVb" + b"x" * 60 + b"SECd" + b"x" * 20 + struct.pack("<I", 64)


def crw() -> bytes:
    return b"II\x1a\0\0\0HEAPCCDR" + b"x" * 60 + struct.pack("<I", 30)


def judge(data: bytes) -> ContainerCheck:
    return examine_open(io.BytesIO(data), len(data))


@pytest.mark.parametrize("build", [raf, mrw, x3f, crw])
def test_it_is_known_by_its_first_bytes_and_complete_at_its_last(build: Callable[[], bytes]) -> None:
    assert judge(build()) == ContainerCheck("complete")
    cut = judge(build()[:-1])
    assert (cut.kind, cut.has_format) == ("incomplete", True)
    assert cut.reason.startswith("the camera raw is incomplete: ")


@pytest.mark.parametrize("check", [check_raf, check_mrw, check_x3f, check_crw])
def test_a_file_of_zeros_or_nothing_is_incomplete(check: Callable[[SizedFile], None]) -> None:
    for data in (b"", bytes(3)):
        with pytest.raises(Incomplete):
            check(SizedFile(io.BytesIO(data), len(data)))


def test_a_header_without_places_is_not_written_yet() -> None:
    data = bytes(200)
    with pytest.raises(Incomplete, match="not written yet"):
        check_raf(SizedFile(io.BytesIO(data), len(data)))


def test_canon_cr3_is_known_by_its_brand() -> None:
    boxes = b"\0\0\0\x08moov" + struct.pack(">I", 58) + b"mdat" + b"x" * 50
    data = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + boxes
    assert judge(data) == ContainerCheck("complete")
    assert judge(data[:-1]).reason.startswith("the camera raw is incomplete: it should have at least")
