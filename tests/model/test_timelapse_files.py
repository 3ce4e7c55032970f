from pathlib import Path

import pytest

from pipeline.model.timelapse_files import frames_path, timelapse_name, timelapse_part


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("a--night.jpg", "a--night.timelapse.webp"),
        ("sub.d/a.b--night.webp", "sub.d/a.b--night.timelapse.webp"),
        ("sub.d/a", "sub.d/a.timelapse.webp"),
        ("\udcff--night.png", "\udcff--night.timelapse.webp"),
    ],
)
def test_a_time_lapse_has_its_pictures_name(output, expected):
    assert timelapse_name(output) == expected


def test_its_part_file_and_its_frames_lie_beside_those_of_the_picture():
    assert timelapse_part(Path("out/.stylewatch-01ab.part")) == Path("out/.stylewatch-01ab.timelapse.part")
    assert frames_path(Path("checkpoints/01ab.safetensors")) == Path("checkpoints/01ab.frames")
