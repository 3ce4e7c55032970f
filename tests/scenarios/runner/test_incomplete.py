"""Files that look incomplete and stay as they are: what can be read whole is painted, nothing else."""

from __future__ import annotations

import pytest

from pipeline.model import JobState, PhotoSetAside
from tests.intake.packing import photo, tarred, zipped
from tests.workshop import Workshop

WAITED = "input: {folder: in, settle_seconds: 0, incomplete_seconds: 0}"
PATIENT = "input: {folder: in, settle_seconds: 0}"


def without_end(shade: int) -> bytes:
    """Return a whole picture in a PNG that lacks the chunk for its end."""
    return photo(shade)[:-12]


def half(shade: int) -> bytes:
    return photo(shade)[: len(photo(shade)) // 2]


def put(workshop: Workshop, name: str, data: bytes) -> None:
    (workshop.folder / "in" / name).write_bytes(data)


def waited(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace(PATIENT, WAITED)


def set_aside(workshop: Workshop) -> list[tuple[str, str]]:
    return [(event.path, event.kind) for event in workshop.events if isinstance(event, PhotoSetAside)]


def test_what_stays_as_it_is_is_tried_and_what_is_whole_is_painted(workshop: Workshop) -> None:
    put(workshop, "whole.png", without_end(1))
    put(workshop, "half.png", half(2))
    put(workshop, "empty.png", b"")
    finished = workshop.run()
    assert finished.finished == 0
    assert set_aside(workshop) == [(name, "incomplete") for name in ("empty.png", "half.png", "whole.png")]

    waited(workshop)
    finished = workshop.run()
    assert (finished.finished, finished.photos_set_aside) == (1, 2)
    assert workshop.pictures() == ["whole--night.jpg"]
    assert set_aside(workshop) == [("empty.png", "quarantined"), ("half.png", "quarantined")]
    (failed,) = workshop.failed()
    assert (failed.job.photo, failed.state) == ("half.png", JobState.QUARANTINED)
    assert failed.reason.startswith("the PNG is incomplete: it should have at least ")
    assert failed.reason.endswith(": copy it again from its source")

    finished = workshop.run()
    assert (finished.finished, finished.photos_set_aside) == (0, 0), "old failures are no news"


def test_an_attempt_does_not_count_against_the_file_when_it_has_grown(workshop: Workshop) -> None:
    waited(workshop)
    for lacking in (48, 44, 40, 36):  # more attempts than a photo has in all
        put(workshop, "a.png", photo(1)[:-lacking])
        assert workshop.run().finished == 0
        assert [failed.attempts for failed in workshop.failed()] == [1]
    put(workshop, "a.png", photo(1))
    assert workshop.run().finished == 1
    assert workshop.ledger().queries.photo_problems() == []


def test_a_picture_of_a_file_that_grows_is_made_again(workshop: Workshop) -> None:
    waited(workshop)
    put(workshop, "a.png", without_end(1))
    assert workshop.run().finished == 1
    put(workshop, "a.png", photo(1))
    assert workshop.run().finished == 1
    assert workshop.pictures() == ["a--night.jpg"]


@pytest.mark.parametrize("name", ["trip.zip", "trip.tar"])
def test_photos_in_archives_never_grow_so_they_are_tried_at_once(workshop: Workshop, name: str) -> None:
    members = ("whole.png", without_end(1)), ("half.png", half(2)), ("empty.png", b"")
    put(workshop, name, zipped(*members) if name.endswith("zip") else tarred(*members))
    finished = workshop.run()
    assert (finished.finished, finished.photos_set_aside) == (1, 2)
    assert workshop.pictures() == [f"{name}/whole--night.jpg"]
    assert [failed.job.photo for failed in workshop.failed()] == [f"{name}/half.png"]
    assert set_aside(workshop) == [(f"{name}/empty.png", "quarantined"), (f"{name}/half.png", "quarantined")]


def test_retry_tries_an_incomplete_photo_again(workshop: Workshop) -> None:
    waited(workshop)
    put(workshop, "half.png", half(2))
    workshop.run()
    with workshop.ledger() as ledger:
        ledger.jobs.retry(["half.png"])
    workshop.run()
    assert [failed.job.photo for failed in workshop.failed()] == ["half.png"]


@pytest.mark.parametrize(
    "reason",
    [
        "the PNG is incomplete: at byte 33 there is no chunk, and the file has not changed for 3,600 s",
        "the PNG is incomplete: it should have at least 175 bytes, but has 163",  # of a photo in an archive
        "not an image: it looks like a JPEG XL",
    ],
)
def test_what_earlier_versions_never_tried_is_tried(workshop: Workshop, reason: str) -> None:
    waited(workshop)
    put(workshop, "a.png", without_end(1))
    workshop.run(on_event=lambda the_pass, _: the_pass.stop())
    with workshop.ledger() as ledger:
        (claim,) = ledger.leases.claim(1, "name")
        ledger.leases.quarantine_photo(claim.token, reason)
    assert workshop.run().finished == 1
