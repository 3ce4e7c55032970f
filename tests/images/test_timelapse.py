import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.images.encode import read_provenance
from pipeline.images.previews import encode_webp
from pipeline.images.timelapse import FrameEncoder, animation, size_of_frame, timelapse_key

KEY = "c" * 64


def flat(level: int) -> np.ndarray:
    return np.full((15, 21, 3), level, np.uint8)


def frames_of(*levels: int) -> list[bytes]:
    return [FrameEncoder().encode(flat(level)) for level in levels]


def test_a_file_plays_all_frames_for_six_seconds_at_most_and_holds_the_last(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(animation(frames_of(*range(0, 244, 4)), KEY))
    with Image.open(path) as image:
        assert (image.format, image.size, image.n_frames, image.info["loop"]) == ("WEBP", (21, 15), 61, 0)
        durations = []
        for number in range(image.n_frames):
            image.seek(number)
            assert abs(image.convert("RGB").getpixel((10, 7))[0] - 4 * number) <= 2
            durations.append(image.info["duration"])
    assert durations == [100] * 60 + [2000]


def test_few_frames_do_not_stand_still_for_seconds(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(animation(frames_of(10, 20), KEY))
    with Image.open(path) as image:
        image.load()
        assert image.info["duration"] == 250


def test_noise_is_brought_below_the_bytes_that_a_frame_may_have() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    encoder = FrameEncoder()
    assert len(encode_webp(noise, 76)) > 150_000
    assert len(encoder.encode(noise)) <= 80_000
    assert size_of_frame(encoder.encode(noise)) == (640, 480)


def test_quality_comes_back_after_a_noisy_beginning() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    smooth = np.linspace(0, 255, 640 * 3).astype(np.uint8).reshape(1, 640, 3).repeat(480, axis=0)
    encoder = FrameEncoder()
    encoder.encode(noise)
    assert encoder.encode(smooth) != encode_webp(smooth, 76)
    for _ in range(6):
        encoder.encode(smooth)
    assert encoder.encode(smooth) == encode_webp(smooth, 76)


def test_a_file_is_known_by_its_content_as_long_as_nobody_changes_it(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    data = animation(frames_of(10, 20), KEY)
    path.write_bytes(data)
    assert timelapse_key(path) == KEY
    assert read_provenance(path) is None
    link = tmp_path / "link.webp"
    link.symlink_to(path)
    assert timelapse_key(link) is None
    for changed in (
        data[:-30],
        data[:200] + bytes([data[200] ^ 1]) + data[201:],
        b"",
        data[:12],
        encode_webp(flat(3), 50),
    ):
        path.write_bytes(changed)
        assert timelapse_key(path) is None
    with Image.open(tmp_path / "link.webp") as other:
        other.save(tmp_path / "saved.webp")
    assert timelapse_key(tmp_path / "saved.webp") is None
    assert timelapse_key(tmp_path / "nowhere.webp") is None
    assert timelapse_key(tmp_path) is None


@pytest.mark.parametrize("record", [b"STWL\0\0\0\0", b"STWL\0\0\0\0[]", b'STWL\0\0\0\0{"sha256": 1}', b"STWL"])
def test_no_record_misleads(tmp_path: Path, record: bytes) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(b"RIFF\0\0\0\0WEBP" + record)
    assert timelapse_key(path) is None


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(animation(frames_of(10), KEY))
    os.truncate(path, 20_000_000)
    assert timelapse_key(path) is None
