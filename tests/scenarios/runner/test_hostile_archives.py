from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pipeline.model import PhotoSetAside
from tests.fakes import COLORS
from tests.intake.cases import Case, write
from tests.intake.damaged import ALL_DAMAGED
from tests.intake.hostile import HOSTILE
from tests.intake.odd import ODD_BUT_FINE
from tests.workshop import CONFIG, Workshop

CASES = [*HOSTILE, *ALL_DAMAGED, *ODD_BUT_FINE]
SMALL = CONFIG.replace(
    "settle_seconds: 0",
    "settle_seconds: 0, archive_space: 4 MB, max_archive_size: 8 MB, max_archive_files: 100",
)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Return a workshop with folders of ours around it, for archives that want to get out."""
    return Workshop(tmp_path / "around" / "workshop")


def needs_limits(case: Case) -> bool:
    return "unpacks to more" in str(case.says) or "files" in case.id or "photo too large" in case.id


def workshop_for(case: Case, workshop: Workshop) -> Workshop:
    workshop.text = (SMALL if needs_limits(case) else CONFIG).replace("folder: out", "folder: out, format: png")
    write(case, workshop.folder / "in")
    workshop.photo("beside.png", shade=200)
    return workshop


def shades(workshop: Workshop) -> dict[str, int]:
    """Return which shade of the photo each picture shows: the fake engine inverts colors."""
    return {event.job.photo: shade_in(workshop.out / event.output) for event in workshop.finished()}


def shade_in(picture: Path) -> int:
    with Image.open(picture) as image:
        red, green, _ = image.convert("RGB").resize((1, 1)).getpixel((0, 0))
    base_red, base_green, _ = COLORS["fine"]
    return round((255 - red) - base_red) + 16 * round((255 - green) - base_green)


def untouched(workshop: Workshop) -> dict[str, bytes]:
    """Return every file around the output folder."""
    return {
        path.relative_to(workshop.folder.parents[1]).as_posix(): path.read_bytes()
        for path in workshop.folder.parents[1].rglob("*")
        if path.is_file() and not path.is_relative_to(workshop.out)
    }


def test_there_are_more_than_fifty_hostile_archives() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    assert len(HOSTILE) > 50


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_archive_gives_its_right_pictures_and_reasons_and_stops_nothing(case: Case, workshop: Workshop) -> None:
    workshop = workshop_for(case, workshop)
    workshop.config()
    before = untouched(workshop)
    finished = workshop.run()
    assert untouched(workshop) == before
    assert not (workshop.out / ".stylewatch" / "unpacked").exists()
    assert shades(workshop) == {"beside.png": 200, **case.pictures}
    told = [event for event in workshop.events if isinstance(event, PhotoSetAside)]
    assert [(event.path, event.kind) for event in told] == [(path, kind) for path, kind, _ in case.says]
    for event, (_, _, reason) in zip(told, case.says, strict=True):
        assert reason in event.reason
    assert finished.photos_set_aside == sum(kind == "quarantined" for _, kind, _ in case.says)
    # What only decoding finds out is told of the job, too.
    assert {failed.job.photo for failed in workshop.failed()} <= {path for path, _, _ in case.says}
