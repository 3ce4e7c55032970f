from __future__ import annotations

import shutil

import pytest

from pipeline.errors import StorageError
from pipeline.hashing import sha256_of_file
from pipeline.model import JobState
from tests.runner.cleaning.cleaned import DAY, NIGHT, TWO_STYLES, TwoStyles
from tests.workshop import CONFIG, Workshop

OTHER_STATE = "state: {folder: state}\nlog: {file: o.log, journal: o.jsonl, reports: o}\n"


def kept(workshop: TwoStyles) -> dict[str, int]:
    return dict(workshop.survey().kept)


def test_pictures_of_a_style_that_is_gone_from_the_config_may_go_before_any_run_knows(workshop: TwoStyles) -> None:
    workshop.make("a.png", "sub/b.png")
    assert workshop.found() == ["a--day.jpg", "sub/b--day.jpg"]
    with workshop.ledger() as ledger:
        assert ledger.queries.counts()[JobState.DONE] == 4  # a survey changes nothing


def test_they_may_go_after_a_run_as_well(workshop: TwoStyles) -> None:
    workshop.make("a.png")
    workshop.run()
    assert workshop.found() == ["a--day.jpg"]


def test_a_style_that_is_asked_for_again_stays_before_any_run_knows(workshop: TwoStyles) -> None:
    workshop.make("a.png")
    workshop.run()
    workshop.text = TWO_STYLES
    assert workshop.found() == []


def test_pictures_that_a_rule_no_longer_asks_for_may_go(workshop: TwoStyles) -> None:
    workshop.make("a.png", "sub/b.png")
    workshop.text = TWO_STYLES + 'pairing: {rules: [{match: "sub/", styles: []}]}\n'
    assert workshop.found() == ["sub/b--day.jpg", "sub/b--night.jpg"]


def test_pictures_of_photos_that_are_gone_stay_whatever_the_config_says(workshop: TwoStyles) -> None:
    workshop.make("a.png", "b.png")
    (workshop.folder / "in" / "a.png").unlink()
    assert workshop.found() == ["b--day.jpg"]
    workshop.run()
    assert workshop.found() == ["b--day.jpg"]


def test_an_outdated_picture_whose_photo_is_gone_stays_and_is_counted(workshop: TwoStyles) -> None:
    workshop.make("a.png")
    workshop.text = TWO_STYLES.replace("size: 48", "size: 32")
    with workshop.ledger() as ledger:
        workshop.ingest(ledger)
    (workshop.folder / "in" / "a.png").unlink()
    assert workshop.found() == []
    assert kept(workshop) == {"photo_gone": 2}


def test_a_picture_that_was_withdrawn_before_its_photo_went_stays_and_is_counted(workshop: TwoStyles) -> None:
    workshop.make("a.png")
    workshop.run()
    (workshop.folder / "in" / "a.png").unlink()
    assert workshop.found() == []
    assert kept(workshop) == {"photo_gone": 1}


def test_a_photo_that_can_t_be_used_keeps_the_pictures_that_are_asked_for(workshop: TwoStyles) -> None:
    workshop.make("a.png")
    workshop.run()
    workshop.text = TWO_STYLES
    (workshop.folder / "in" / "a.png").write_bytes(b"I am a letter now, not a photo.")
    assert workshop.found() == []
    assert kept(workshop) == {}


def test_an_emptied_folder_of_photos_makes_nothing_go(workshop: TwoStyles) -> None:
    workshop.make("a.png", "b.png")
    workshop.run()  # day is withdrawn on record,
    workshop.text = TWO_STYLES  # asked for again,
    for photo in (workshop.folder / "in").iterdir():
        photo.unlink()  # and its photos can't be seen
    assert workshop.found() == []
    assert kept(workshop) == {"photo_gone": 2}


def test_a_missing_folder_of_photos_is_refused(workshop: TwoStyles) -> None:
    workshop.make("a.png")
    shutil.move(workshop.folder / "in", workshop.folder / "away")
    with pytest.raises(StorageError, match="no photo is treated as deleted"):
        workshop.survey()


def test_photos_that_were_moved_after_their_pictures_were_made_keep_these(workshop: TwoStyles) -> None:
    workshop.make("a.png", text=TWO_STYLES.replace("settle_seconds: 0", "settle_seconds: 0, originals: {move: kept}"))
    assert not (workshop.folder / "in" / "a.png").exists()
    workshop.run()
    assert workshop.found() == []


def test_a_picture_that_was_edited_or_replaced_stays_and_is_counted(workshop: TwoStyles) -> None:
    workshop.make("a.png", "b.png", "c.png", "d.png")
    (workshop.out / "a--day.jpg").write_bytes(b"my retouched picture")
    (workshop.out / "b--day.jpg").unlink()
    (workshop.out / "c--day.jpg").unlink()
    (workshop.out / "c--day.jpg").symlink_to(workshop.out / "d--day.jpg")
    assert workshop.found() == ["d--day.jpg"]
    assert kept(workshop) == {"edited": 1}


def test_another_config_s_photos_keep_their_pictures(workshop: TwoStyles) -> None:
    other = Workshop(workshop.folder, TWO_STYLES.replace("folder: in,", "folder: other,"))
    (workshop.folder / "other").mkdir()
    shutil.copy(other.photo("x.png", shade=9), workshop.folder / "other" / "x.png")
    (workshop.folder / "in" / "x.png").unlink()
    other.run()
    workshop.make("a.png")
    assert workshop.found() == ["a--day.jpg"]


def test_a_picture_that_another_record_counts_as_its_own_stays(workshop: TwoStyles) -> None:
    workshop.make("a.png")
    # The same photos and pictures, with another state folder: its new ledger recognizes them by their metadata.
    workshop.text = TWO_STYLES + OTHER_STATE
    assert workshop.run().finished == 0
    workshop.text = workshop.text.replace(DAY, "")
    assert workshop.found() == []
    assert kept(workshop) == {"of_another_config": 1}
    other = TwoStyles(workshop.folder, TWO_STYLES.replace(NIGHT, ""))
    assert other.found() == []
    assert kept(other) == {"of_another_config": 1}


def test_jobs_in_progress_are_left_alone(workshop: TwoStyles) -> None:
    workshop.make("a.png")
    workshop.text = TWO_STYLES.replace("scale: 0.5", "scale: 0.6")
    with workshop.ledger() as ledger:
        workshop.ingest(ledger)
        assert [claim.job.style for claim in ledger.leases.claim(5, "name")] == ["day"]
    workshop.text = CONFIG
    assert workshop.found() == []


def test_without_a_ledger_only_tries_are_known(workshop: TwoStyles) -> None:
    workshop.make("a.png")
    workshop.try_out()
    shutil.rmtree(workshop.out / ".stylewatch")
    assert workshop.found() == ["try/sea/day.jpg", "try/sea/night.jpg"]


def test_pictures_on_record_are_never_tries_or_snapshots(workshop: TwoStyles) -> None:
    text = TWO_STYLES.replace("out, min", "out, name: '{folder}/{stem}/{variant}', min")
    workshop.make("try/a.png", text=text)
    assert sha256_of_file(workshop.out / "try" / "a" / "night.jpg")
    assert workshop.found() == ["try/a/day.jpg"]
    assert [file.path.name for file in workshop.survey().tries] == []
