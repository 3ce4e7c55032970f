"""How a picture was made is on record as long as it is the job's picture, and no longer."""

from __future__ import annotations

import random
import zlib
from itertools import pairwise

import pytest

from pipeline.ledger import PictureFacts, WithdrawnPicture
from pipeline.ledger.picture_facts import packed, unpacked
from pipeline.ledger.schema import SCHEMA_VERSION
from pipeline.model import Job, Losses, LossHistory, LossPoint
from tests.ledger.facts import facts, history

A = WithdrawnPicture(Job("a.jpg", "night", "default"), "a--night.jpg", "p1", photo_is_there=True)


def made(house, photo: str = "a.jpg", sha256: str = "p1", key: str = "k1", **changes) -> PictureFacts:
    """Make the picture of a pending job, with these facts."""
    claim, known = house.claim(), facts(**changes)
    assert claim.job.photo == photo
    house.ledger.leases.record_artwork(claim.token, sha256, known)
    house.finish(claim, key, sha256=sha256)
    return known


def known(house, photo: str = "a.jpg") -> PictureFacts | None:
    job_id = house.ledger.gallery.id_of(Job(photo, "night", "default"))
    details = house.ledger.gallery.details(job_id)
    return details.facts if details else None


def test_facts_come_back_as_they_were(house) -> None:
    house.pending("a.jpg")
    there = made(house, history=LossHistory(("style relu1_1",), (LossPoint(1, 0, 0.75, 0.25, (0.5,)),)))
    house.reopen()
    assert known(house) == there


def test_facts_are_recorded_in_a_table_to_which_a_later_version_has_added_a_column(house) -> None:
    house.pending("a.jpg", "b.jpg")
    made(house)
    with house.ledger._store.writing() as connection:
        connection.execute("ALTER TABLE picture_facts ADD COLUMN later TEXT NOT NULL DEFAULT ''")
    house.ledger.jobs.redo([A.job])
    assert made(house, seconds=3.0) == known(house)
    copy = house.claim()
    house.ledger.leases.record_artwork(copy.token, "p1", copied_key="k1")
    house.finish(copy, "k1", sha256="p1")
    assert known(house, "b.jpg") == known(house)
    house.want(house.wanted("b.jpg"))
    house.ledger.cleanup.put_back(house.ledger.cleanup.forget([A]))
    assert known(house) == facts(seconds=3.0)


def test_facts_are_on_record_before_the_picture_is_published(house) -> None:
    """So that a program that is killed in between loses nothing."""
    house.pending("a.jpg")
    claim = house.claim()
    house.ledger.leases.record_artwork(claim.token, "p1", facts())
    assert known(house) is None
    house.reopen()
    house.ledger.leases.record_artwork(claim.token, "p1")  # the recovery, which does not know them
    house.finish(claim)
    assert known(house) == facts()


def test_facts_go_when_their_picture_is_made_again_even_by_a_version_that_knows_none(house) -> None:
    house.pending("a.jpg")
    made(house)
    house.ledger.jobs.redo([A.job])
    claim = house.claim()
    assert known(house) == facts()  # of the picture that is there until then
    house.ledger.leases.record_artwork(claim.token, "p2")
    house.finish(claim, "k2", sha256="p2")
    assert known(house) is None


def test_facts_go_with_a_picture_that_is_deleted_and_come_back_if_it_could_not_be(house) -> None:
    house.pending("a.jpg")
    made(house)
    house.want()
    lost = house.ledger.cleanup.forget([A])
    query = "SELECT count(*) FROM picture_facts"
    assert house.ledger._store.connection.execute(query).fetchone() == (0,)
    house.ledger.cleanup.put_back(lost)
    assert known(house) == facts()


def test_facts_of_a_renamed_picture_stay(house) -> None:
    """As when its own name is taken by a file of the user's just then."""
    house.pending("a.jpg")
    claim = house.claim()
    house.ledger.leases.record_artwork(claim.token, "p1", facts())
    output = house.ledger.leases.rename_output(claim.token)
    house.ledger.leases.complete(claim.token, key="k1", output=output, picture_sha256="p1", engine_version="1")
    assert known(house) == facts()


def test_a_copy_takes_over_the_facts_of_its_source(house) -> None:
    house.pending("a.jpg", "b.jpg")
    made(house)
    claim = house.claim()
    house.ledger.leases.record_artwork(claim.token, "p1", copied_key="k1")
    house.finish(claim)
    assert known(house, "b.jpg") == facts()
    first, copy = (house.ledger.gallery.details(row.id) for row in house.ledger.gallery.rows(1, 2))
    assert (first.copied, copy.copied) == (False, True)
    assert (copy.row.width, copy.row.height, copy.row.style_loss) == (512, 384, 0.125)


def test_a_copy_of_a_picture_of_which_nothing_is_known_is_a_copy(house) -> None:
    house.done("a.jpg")
    house.pending("a.jpg", "b.jpg")
    claim = house.claim()
    house.ledger.leases.record_artwork(claim.token, "p1", copied_key="k1")
    house.finish(claim)
    (copy,) = (house.ledger.gallery.details(row.id) for row in house.ledger.gallery.rows(2, 2))
    assert (copy.copied, copy.facts, copy.row.width) == (True, None, 0)


def test_without_facts_the_ledger_is_as_an_older_program_made_it(house) -> None:
    """So that it stays one that such a program may open, too."""
    house.done("a.jpg")
    house.want()
    house.ledger.cleanup.put_back(house.ledger.cleanup.forget([]))
    assert house.ledger.cleanup.forget([A])
    house.ledger.gallery.latest(1)
    query = "SELECT name FROM sqlite_master WHERE name IN ('picture_facts', 'jobs_by_change', 'undated_pictures')"
    assert house.ledger._store.connection.execute(query).fetchall() == []
    house.pending("a.jpg")
    made(house)
    assert len(house.ledger._store.connection.execute(query).fetchall()) == 3
    assert house.ledger._store.connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    house.reopen()
    assert known(house) == facts()


@pytest.mark.parametrize(("scales", "layers"), [(3, 6), (1, 6), (6, 16), (12, 32), (30, 1)])
def test_facts_are_small_whatever_a_recipe_has(scales: int, layers: int) -> None:
    chance = random.Random(0)
    series = tuple(f"style relu{layer}_1" for layer in range(layers))
    points = tuple(
        LossPoint(40 * scale + place + 1, scale, chance.random(), 0.0, tuple(chance.random() for _ in series))
        for scale in range(scales)
        for place in range(40)
    )
    data = packed(facts(history=LossHistory(series, points)))
    assert len(data) < (2000 if layers < 16 else 4000)
    found = unpacked(data)
    assert found is not None
    assert found.history is not None
    for scale in range(scales):
        kept = [point.evaluation for point in found.history.points if point.scale_index == scale]
        assert (kept[0], kept[-1]) == (40 * scale + 1, 40 * scale + 40)
        steps = {following - before for before, following in pairwise(kept)}
        assert max(steps) - min(steps) <= 1


def test_numbers_have_four_digits_and_a_total_is_the_sum_of_its_parts() -> None:
    point = LossPoint(1, 0, 0.123456789 + 2e-5 + 0.5, 0.5, (0.123456789, 2.00004e-5))
    found = unpacked(packed(facts(history=LossHistory(("a", "b"), (point,)), last=Losses(1 / 3, 2 / 3, 1e9 / 7))))
    assert found is not None
    assert found.history == LossHistory(("a", "b"), (LossPoint(1, 0, 0.6235, 0.5, (0.1235, 2e-5)),))
    assert found.last == Losses(0.3333, 0.6667, 142900000.0)


def test_settings_and_notes_as_no_config_has_them_are_left_out() -> None:
    names = [random.Random(number).randbytes(40).hex() for number in range(1000)]
    found = unpacked(packed(facts(settings={"paintings": names}, notes=tuple(names))))
    assert found is not None
    assert (found.settings, found.notes, found.width) == (None, (), 512)
    assert len(packed(facts(settings={"paintings": names}))) < 4000


def test_what_a_later_version_adds_is_ignored_and_what_it_changes_is_not_known(house) -> None:
    text = zlib.decompress(packed(facts(history=history(1))))
    assert unpacked(zlib.compress(text[:-1] + b',"mood":"calm"}')) == facts(history=history(1))
    for changed in (b"{}", b"[]", text[:-1], text.replace(b'"first":[', b'"first":[1,')):
        assert unpacked(zlib.compress(changed)) is None
    assert unpacked(b"not packed") is None


def test_a_note_about_a_name_that_is_no_text_is_kept() -> None:
    found = unpacked(packed(facts(notes=("caf\udce9.jpg",))))
    assert found is not None
    assert found.notes == ("caf\udce9.jpg",)
