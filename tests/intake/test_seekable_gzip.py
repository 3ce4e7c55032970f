from __future__ import annotations

import gzip
import io
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.intake.format_parsers import Incomplete
from pipeline.intake.members import RefusedError
from pipeline.intake.seekable_gzip import SeekableGzip

WORDS = random.Random(7)
DATA = b"".join(WORDS.randbytes(50) + bytes(WORDS.randrange(200)) for _ in range(3000))


class _CountingFile(io.BytesIO):
    """Counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


def everything(stream: SeekableGzip) -> bytes:
    data = b""
    while piece := stream.read(10_000):
        data += piece
    return data


def nothing(count: int) -> None:
    pass


@given(
    spacing=st.integers(1000, 10**6),
    cuts=st.lists(st.integers(0, len(DATA)), max_size=3),
    reads=st.lists(st.tuples(st.integers(0, len(DATA) + 10), st.integers(1, 50_000)), max_size=8),
)
def test_any_piece_can_be_read_in_any_order(spacing: int, cuts: list[int], reads: list[tuple[int, int]]) -> None:
    edges = [0, *sorted(cuts), len(DATA)]
    packed = b"".join(gzip.compress(DATA[a:b], 1) for a, b in pairwise(edges))
    stream = SeekableGzip(io.BytesIO(packed), nothing, spacing)
    for position, count in reads:
        stream.seek(position)
        piece = b""
        while len(piece) < count and (more := stream.read(count - len(piece))):
            piece += more
        assert piece == DATA[position : position + count]
    stream.seek(0)
    assert everything(stream) == DATA


def test_only_what_is_unpacked_for_the_first_time_is_charged() -> None:
    counted: list[int] = []
    stream = SeekableGzip(io.BytesIO(gzip.compress(DATA)), counted.append, 100_000)
    for position in (0, len(DATA) // 2, 5, len(DATA), 0):
        stream.seek(position)
        stream.read(1000)
    everything(stream)
    assert sum(counted) == len(DATA)


def test_going_back_does_not_begin_at_the_beginning() -> None:
    noise = random.Random(1).randbytes(4_000_000)
    file = _CountingFile(gzip.compress(noise, 1))
    stream = SeekableGzip(file, nothing, 200_000)
    assert everything(stream) == noise
    file.count = 0
    stream.seek(3_500_000)
    assert stream.read(100) == noise[3_500_000:3_500_100]
    # Places lie where a piece of packed data ends, and a piece unpacks to up to a megabyte.
    assert file.count <= 1_400_000


def test_zeros_after_the_end_are_padding() -> None:
    stream = SeekableGzip(io.BytesIO(gzip.compress(b"tape") + bytes(200_000)), nothing)
    assert everything(stream) == b"tape"
    assert stream.read(1) == b""


@pytest.mark.parametrize("end", [0, 5, 30, -9, -1])
def test_a_stream_that_is_cut_is_incomplete(end: int) -> None:
    with pytest.raises(Incomplete, match="in the middle of its packed data"):
        everything(SeekableGzip(io.BytesIO(gzip.compress(DATA)[:end]), nothing))


def test_a_wrong_check_sum_is_damage() -> None:
    packed = bytearray(gzip.compress(DATA))
    packed[-6] ^= 1
    with pytest.raises(RefusedError, match="damaged"):
        everything(SeekableGzip(io.BytesIO(packed), nothing))
