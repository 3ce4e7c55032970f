from __future__ import annotations

from pathlib import Path

from pipeline.hashing import SettingsParts, masked_settings_sha256
from pipeline.ledger import Ledger, MaskedSettings, WantedJob
from pipeline.model import ChangeCause, Job, Photo

PHOTO = Photo("a.jpg", 1, 2, 3)
JOB = Job("a.jpg", "split", "default")
WHOLE, DIVIDED, OTHER = "whole", "divided", "other"
PARTS = {
    WHOLE: SettingsParts("p", "s", "r", "w"),
    DIVIDED: SettingsParts("p", "s with regions", "r", "w"),
    OTHER: SettingsParts("another", "s with other regions", "r", "w"),
}


def masked(settings: str, mask: str) -> MaskedSettings:
    return MaskedSettings(masked_settings_sha256(settings, mask), settings, mask)


def record(ledger: Ledger, settings: str | MaskedSettings) -> None:
    """Record that the picture is wanted with these settings."""
    if isinstance(settings, MaskedSettings):
        ledger.masks.record([settings])
        settings = settings.sha256
    ledger.jobs.record([WantedJob(JOB, settings, "a--split")], ".jpg")


def causes(ledger: Ledger, before: str | MaskedSettings, after: str | MaskedSettings) -> tuple[ChangeCause, ...]:
    """Make a picture with the first settings; return why it is made again with the others."""
    record(ledger, before)
    (claim,) = ledger.leases.claim(1, "name")
    ledger.leases.complete(claim.token, key="k", output=claim.output, picture_sha256="0", engine_version="1")
    record(ledger, after)
    (pending,) = ledger.changes.pending("1", "name", keep=False)
    return pending.causes


def a_ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger.open(tmp_path / "ledger.sqlite3", "in")
    ledger.photos.record([PHOTO], [PHOTO], [])
    ledger.changes.record_settings(PARTS)
    return ledger


def test_it_is_known_by_which_mask_a_picture_is_wanted(tmp_path: Path) -> None:
    with a_ledger(tmp_path) as ledger:
        assert ledger.masks.of_photo("a.jpg") == ""
        assert ledger.masks.of("whole") is None
        record(ledger, masked(DIVIDED, "m1"))
        record(ledger, masked(DIVIDED, "m2"))
        assert ledger.masks.of_photo("a.jpg") == "m2"
        assert ledger.masks.of(masked(DIVIDED, "m1").sha256) == masked(DIVIDED, "m1")
        assert ledger.masks.of("whole") is None


def test_of_pictures_made_by_masks_it_is_known_what_has_changed(tmp_path: Path) -> None:
    cases: list[tuple[str | MaskedSettings, str | MaskedSettings, tuple[ChangeCause, ...]]] = [
        (WHOLE, masked(DIVIDED, "m1"), ("mask",)),
        (masked(DIVIDED, "m1"), WHOLE, ("mask",)),
        (masked(DIVIDED, "m1"), masked(DIVIDED, "m2"), ("mask",)),
        (masked(DIVIDED, "m2"), masked(OTHER, "m2"), ("regions",)),
        (masked(OTHER, "m2"), masked(DIVIDED, "m1"), ("regions", "mask")),
        (masked(DIVIDED, "m1"), "unheard of", ("settings",)),
    ]
    with a_ledger(tmp_path) as ledger:
        for before, after, expected in cases:
            assert causes(ledger, before, after) == expected


def test_pictures_that_differ_by_their_masks_alone_are_counted_and_timed_together(tmp_path: Path) -> None:
    photos = [Photo(f"{number}.jpg", 1, 2, number) for number in range(4)]
    with Ledger.open(tmp_path / "ledger.sqlite3", "in") as ledger:
        ledger.photos.record(photos, photos, [])
        settings = [masked(DIVIDED, f"m{photo.path}") for photo in photos]
        ledger.masks.record(settings)
        ledger.jobs.record(
            [
                WantedJob(Job(photo.path, "split", "default"), each.sha256, photo.path)
                for photo, each in zip(photos, settings, strict=True)
            ],
            ".jpg",
        )
        for claim in ledger.leases.claim(3, "name"):
            ledger.leases.complete(
                claim.token,
                key=claim.job.photo,
                output=claim.output,
                picture_sha256="0",
                engine_version="1",
                seconds=2.0,
                pixel_evaluations=5.0,
            )
        assert [(row.settings_sha256, row.pictures) for row in ledger.queries.backlog()] == [(DIVIDED, 1)]
        assert ledger.queries.timings("1")[DIVIDED].pictures == 3
