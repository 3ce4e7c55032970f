"""What a limit of the program refused comes back by itself when the limit is another one."""

from __future__ import annotations

import pytest

from pipeline.model import JobState, PhotoSetAside
from tests.intake.packing import photo, zipped
from tests.workshop import Workshop


def with_input(workshop: Workshop, settings: str) -> None:
    first, _, rest = workshop.text.strip().partition("\n")
    workshop.text = f"input: {{folder: in, settle_seconds: 0{settings}}}\n{rest}\n"
    assert first.startswith("input:")


def test_a_photo_too_large_comes_back_when_more_pixels_are_allowed(workshop: Workshop) -> None:
    workshop.photo("a.png")  # 1536 pixels
    with_input(workshop, ", max_megapixels: 0.001")
    workshop.run()
    assert [(event.state, "raise input.max_megapixels" in event.reason) for event in workshop.failed()] == [
        (JobState.QUARANTINED, True)
    ]
    again = workshop.run()
    assert (again.failed, again.finished, workshop.failed()) == (0, 0, []), "nothing new is nothing to tell"
    with_input(workshop, ", max_megapixels: 0.002")
    assert len(workshop.plan(lambda _: None).jobs) == 1
    assert workshop.run().finished == 1


def test_a_photo_still_too_large_is_refused_again_in_todays_words(workshop: Workshop) -> None:
    workshop.photo("a.png")
    with_input(workshop, ", max_megapixels: 0.001")
    workshop.run()
    with_input(workshop, ", max_megapixels: 0.0015")
    workshop.run()
    (failed,) = workshop.failed()
    assert "more than the allowed 1500" in failed.reason


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (", max_archive_files: 1", ", max_archive_files: 2"),
        (", max_archive_size: 100", ", max_archive_size: 5000000"),
        (", archive_space: 20", ", archive_space: 5000000"),
    ],
)
def test_archives_and_their_photos_come_back_with_their_limits(workshop: Workshop, low: str, high: str) -> None:
    archive = workshop.folder / "in" / "trip.zip"
    archive.write_bytes(zipped(("a.png", photo(1)), ("b.png", photo(2))))
    with_input(workshop, low)
    assert workshop.run().finished == 0
    assert [event.kind for event in workshop.events if isinstance(event, PhotoSetAside)] == ["quarantined"]
    with_input(workshop, high)
    assert workshop.run().finished == 2


@pytest.mark.parametrize(
    "reason",
    [
        "the file is HEIC: install stylewatch[heic] to read it, or convert it to JPEG",
        "the picture is damaged or cut short (Unsupported BMP bitfields layout): copy it again from its source",
        "the file is an animation: save the frame you want as a separate picture",
        "the file is damaged or a kind of TIFF that can't be read: save it as RGB or gray with 8 or 16 bits",
        "the file is damaged or a kind of TIFF that can't be read: save it as RGB or grey with 8 or 16 bits",
        "the file is not a JPEG, PNG, WebP, AVIF, TIFF, BMP, GIF or HEIC picture, or its beginning is damaged",
    ],
)
def test_photos_that_earlier_versions_could_not_read_come_back(workshop: Workshop, reason: str) -> None:
    workshop.photo("a.png")
    workshop.run(on_event=lambda the_pass, _: the_pass.stop())
    with workshop.ledger() as ledger:
        (claim,) = ledger.leases.claim(1, "name")
        ledger.leases.quarantine_photo(claim.token, reason)
    assert workshop.run().finished == 1


def test_what_today_s_decoders_refuse_stays_refused(workshop: Workshop) -> None:
    data = photo(1)
    (workshop.folder / "in" / "damaged.png").write_bytes(data[:50] + b"?" + data[51:])
    assert workshop.run().photos_set_aside == 1
    workshop.run()
    assert [event for event in workshop.events if isinstance(event, PhotoSetAside)] == []


def test_other_photos_stay_where_they_are(workshop: Workshop) -> None:
    (workshop.folder / "in" / "text.png").write_text("no image")
    workshop.run()
    workshop.run()
    assert [event for event in workshop.events if isinstance(event, PhotoSetAside)] == []
