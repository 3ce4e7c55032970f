"""Which pictures a user means."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ledger import PictureRecord
from pipeline.model import Job, JobState
from pipeline.runner.corrections.named_pictures import NamedPictures

NAMES = [
    "a--night.jpg",
    "sub/a--wave.jpg",
    "sub/b--night.jpg",
    "sub/deep/b[1]--night.jpg",
    "caf\u00e9--night.jpg",
    "x\udcff.jpg",
]


def record(output: str) -> PictureRecord:
    photo = output.replace("--night.jpg", ".png").replace("--wave.jpg", ".png")
    job = Job(photo, "night", "default")
    return PictureRecord(
        job_id=NAMES.index(output),
        job=job,
        output=output,
        state=JobState.DONE,
        key="k",
        sha256="p",
        absence=None,
        problem=None,
        is_wanted=True,
        is_rejected=False,
    )


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out" / "sub" / "deep").mkdir(parents=True)
    return tmp_path / "out"


def names(out: Path, current: Path) -> NamedPictures:
    return NamedPictures([record(name) for name in NAMES], out, current)


def found(out: Path, named: str, current: Path | None = None) -> list[str]:
    return [picture.output for picture in names(out, current or out.parent).find(named)]


@pytest.mark.parametrize("output", NAMES)
def test_a_path_is_absolute_or_begins_at_the_current_or_the_output_folder(out: Path, output: str) -> None:
    assert found(out, str(out / output)) == [output]
    assert found(out, f"out/{output}") == [output]
    assert found(out, f"./out/sub/../{output}") == [output]
    assert found(out, output) == [output]
    assert found(out, output, out / "sub") == [output]


def test_a_path_in_the_current_folder_comes_first(out: Path) -> None:
    assert found(out, "b--night.jpg", out / "sub") == ["sub/b--night.jpg"]
    assert found(out, "../a--night.jpg", out / "sub") == ["a--night.jpg"]


def test_the_output_folder_may_be_reached_by_a_link(out: Path) -> None:
    (out.parent / "pictures").symlink_to(out)
    assert found(out, "pictures/a--night.jpg") == ["a--night.jpg"]
    assert found(out.parent / "pictures", str(out / "a--night.jpg")) == ["a--night.jpg"]


def test_accents_may_be_decomposed(out: Path) -> None:
    assert found(out, "cafe\u0301--night.jpg") == ["caf\u00e9--night.jpg"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a--*", ["a--night.jpg", "sub/a--wave.jpg"]),
        ("sub/*--night.jpg", ["sub/b--night.jpg"]),
        ("sub/**", ["sub/a--wave.jpg", "sub/b--night.jpg", "sub/deep/b[1]--night.jpg"]),
        ("sub/", ["sub/a--wave.jpg", "sub/b--night.jpg", "sub/deep/b[1]--night.jpg"]),
        ("out/sub/*wave*", ["sub/a--wave.jpg"]),
        ("**/b*", ["sub/b--night.jpg", "sub/deep/b[1]--night.jpg"]),
        ("?--night.jpg", ["a--night.jpg", "sub/b--night.jpg"]),
    ],
)
def test_a_pattern_is_as_in_pairing_rules(out: Path, pattern: str, expected: list[str]) -> None:
    assert found(out, pattern) == expected


def test_a_pattern_begins_at_the_current_folder_if_something_fits_there(out: Path) -> None:
    assert found(out, "*--night.jpg", out / "sub") == ["sub/b--night.jpg"]
    assert found(out, str(out / "sub" / "*.jpg")) == ["sub/a--wave.jpg", "sub/b--night.jpg"]


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("*--nigth.jpg", "fits no picture; a pattern without / is about the file's name"),
        ("b--night.jpg", "did you mean sub/b--night.jpg?"),
        ("sub/b.png", "is a photo; its pictures are sub/b--night.jpg"),
        ("sub", "is a folder; 'sub/**' stands for all pictures in it"),
        ("nowhere.jpg", "is no picture of this config; name it by its path in the output folder"),
        ("/elsewhere/a--night.jpg", "does not lie in the output folder, "),
    ],
)
def test_what_is_not_found_is_explained(out: Path, named: str, words: str) -> None:
    known = names(out, out.parent)
    assert known.find(named) == []
    assert words in known.why_not_found(named)
