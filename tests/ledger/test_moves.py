"""Which originals may leave the input folder, and the record of their moves."""

from __future__ import annotations

from pipeline.ledger import Claim


def with_content(house, path: str = "a.jpg", sha256: str = "sha-a") -> None:
    house.ledger.photos.note_sha256(path, sha256)


def test_a_photo_may_go_when_all_that_is_wanted_of_it_is_done(house) -> None:
    house.scan(house.photo("a.jpg"), house.photo("b.jpg"))
    house.want(house.wanted("a.jpg"), house.wanted("a.jpg", "day"))
    with_content(house)
    house.finish(house.claim())
    assert house.ledger.moves.movable() == []
    house.finish(house.claim())
    (original,) = house.ledger.moves.movable()
    assert (original.photo, original.sha256) == (house.photo("a.jpg"), "sha-a")
    assert house.ledger.moves.movable("a.jpg") == [original]
    assert house.ledger.moves.movable("b.jpg") == [], "nothing was ever made of it"


def test_originals_that_were_moved_from_beside_a_file_are_found_by_its_name(house) -> None:
    names = ("a/1.jpg", "a/1.edit.png", "a/11.jpg", "a/2.jpg", "b/1.jpg")
    house.done(*names)
    assert not house.ledger.moves.has_any()
    for name in (*names[:3], names[4]):
        house.ledger.moves.begin(name, f"/elsewhere/{name}")
    house.ledger.moves.end("a/1.jpg")
    assert house.ledger.moves.moved_beside("a/1.CR2") == ["a/1.edit.png", "a/1.jpg"]
    assert house.ledger.moves.moved_beside("a/2.CR2") == []
    assert house.ledger.moves.has_any()
    assert house.ledger.moves.moved() == ["a/1.edit.png", "a/1.jpg", "a/11.jpg", "b/1.jpg"]
    assert house.ledger.moves.moved_beside("a/not\udcffutf8.CR2") == []


def test_a_withdrawn_job_keeps_no_photo(house) -> None:
    house.scan(house.photo("a.jpg"))
    house.want(house.wanted("a.jpg"), house.wanted("a.jpg", "day"))
    with_content(house)
    for _ in range(2):
        claim = house.claim()
        if claim.job.style == "night":
            house.finish(claim)
    house.want(house.wanted("a.jpg"))
    house.ledger.leases.release(house.ledger.leases.all()[0].token)
    assert len(house.ledger.moves.movable()) == 1


def test_photos_that_failed_changed_or_are_gone_stay(house) -> None:
    house.done("a.jpg", "b.jpg", "c.jpg")
    for path in ("a.jpg", "b.jpg", "c.jpg"):
        with_content(house, path)
    house.ledger.jobs.redo([house.wanted("a.jpg").job])
    house.ledger.leases.quarantine_photo(house.claim().token, "truncated")
    house.ledger.photos.record([house.photo("a.jpg"), house.photo("b.jpg", version=1)], [], [])
    assert house.ledger.moves.movable() == []


def test_a_moved_photo_is_gone_and_its_jobs_stay_done_over_scans(house) -> None:
    house.done("a.jpg")
    with_content(house)
    house.ledger.moves.begin("a.jpg", "/kept/a.jpg")
    (move,) = house.ledger.moves.begun()
    assert (move.target, move.original.sha256) == ("/kept/a.jpg", "sha-a")
    house.ledger.moves.end("a.jpg")
    house.reopen()
    house.scan()
    house.want()
    assert house.ledger.moves.begun() == []
    assert house.ledger.moves.movable() == []
    assert house.states() == {"done": 1}


def test_an_abandoned_move_is_forgotten(house) -> None:
    house.done("a.jpg")
    with_content(house)
    house.ledger.moves.begin("a.jpg", "/kept/caf\udce9.jpg")
    assert house.ledger.moves.begun()[0].target == "/kept/caf\udce9.jpg"
    house.ledger.moves.abandon("a.jpg")
    assert house.ledger.moves.begun() == []
    assert len(house.ledger.moves.movable()) == 1


def moved_then_another(house, version: int = 1) -> Claim:
    house.done("a.jpg")
    with_content(house)
    house.ledger.moves.begin("a.jpg", "/kept/a.jpg")
    house.ledger.moves.end("a.jpg")
    house.scan(house.photo("a.jpg", version=version))
    return house.claim()


def test_the_next_photo_of_the_name_is_told_apart(house) -> None:
    claim = moved_then_another(house)
    assert (claim.original_sha256, claim.published_key) == ("sha-a", "k1")
    house.ledger.leases.rename_output(claim.token)
    house.ledger.leases.release(claim.token)
    claim = house.claim()
    assert (claim.original_sha256, claim.published_key, claim.output) == (None, None, "a--night-2.jpg")


def test_once_its_picture_is_made_it_is_a_photo_like_any_other(house) -> None:
    house.finish(moved_then_another(house), key="k2")
    house.scan(house.photo("a.jpg", version=2))
    assert house.claim().original_sha256 is None


def test_a_photo_that_was_moved_back_is_there_again(house) -> None:
    house.done("a.jpg")
    with_content(house)
    house.ledger.moves.begin("a.jpg", "/kept/a.jpg")
    house.ledger.moves.end("a.jpg")
    house.scan(house.photo("a.jpg"))
    assert house.ledger.moves.begun() == []
    assert len(house.ledger.moves.movable()) == 1
