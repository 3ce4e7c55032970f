"""Which jobs are handed out, which wait, and what is left when a pass gives up its leases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from pipeline.config.settings import pass_settings
from pipeline.ledger import Ledger
from pipeline.model import Assignment, JobFailed, JobState, RunEvent
from pipeline.runner.execution.claims import Claims
from pipeline.runner.execution.outcomes import Outcomes
from pipeline.runner.execution.session import Session
from pipeline.runner.preparation import resolve_config
from tests.runner.execution.claimed import ingest_all
from tests.workshop import Workshop


class Desk:
    """The claims of one pass over a workshop's photos."""

    def __init__(self, workshop: Workshop, ledger: Ledger, limit: int | None) -> None:
        config = workshop.config()
        settings = pass_settings(config)
        session = Session.begin(settings)
        root = session.input_root(settings.folders.input)
        self.events: list[RunEvent] = []
        outcomes = Outcomes(ledger, self.events.append, settings.retries)
        self.ledger = ledger
        self.claims = Claims(ledger, resolve_config(config), settings, session, root, outcomes, limit)

    def names(self, count: int) -> list[str]:
        return sorted(assignment.job.photo for assignment in self.claims.claim(count))

    def counts(self) -> dict[JobState, int]:
        return {state: count for state, count in self.ledger.queries.counts().items() if count}


@contextmanager
def desk(workshop: Workshop, limit: int | None = None) -> Iterator[Desk]:
    with closing(workshop.ledger()) as ledger:
        ingest_all(workshop, ledger)
        yield Desk(workshop, ledger, limit)


def photos(workshop: Workshop, *names: str) -> None:
    for shade, name in enumerate(names):
        workshop.photo(name, shade=shade)


def test_no_more_is_handed_out_than_asked_for_and_than_the_limit(workshop: Workshop) -> None:
    photos(workshop, "a.png", "b.png", "c.png")
    with desk(workshop, limit=2) as one:
        assert len(one.names(1)) == 1
        assert len(one.names(9)) == 1
        assert one.names(9) == []
        token = next(iter(one.claims.assigned))
        one.claims.finish(token, requeued=True)
        assert len(one.names(9)) == 1, "a job that returned to the queue does not count"


def test_nothing_is_leased_once_the_pass_is_stopped(workshop: Workshop) -> None:
    photos(workshop, "a.png")
    with desk(workshop) as one:
        assert one.claims.claim(1, lambda: True) == []
        assert one.counts() == {JobState.PENDING: 1}


def test_a_job_of_the_same_key_waits_until_the_first_is_closed(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("copy.png")
    with desk(workshop) as one:
        (first,) = one.claims.claim(9)
        assert one.counts() == {JobState.LEASED: 2}
        job = one.claims.finish(first.token)
        assert job.assignment == first
        one.ledger.leases.release(first.token)
        assert one.counts() == {JobState.PENDING: 2}


def test_a_photo_that_is_gone_fails_alone(workshop: Workshop) -> None:
    photos(workshop, "a.png", "b.png")
    with desk(workshop) as one:
        (workshop.folder / "in" / "a.png").unlink()
        assert one.names(9) == ["b.png"]
        assert [(type(event), event.reason) for event in one.events if isinstance(event, JobFailed)] == [
            (JobFailed, "the photo is gone")
        ]


def test_released_jobs_are_pending_again_and_leave_no_temporary_file(workshop: Workshop) -> None:
    photos(workshop, "a.png", "b.png")
    with desk(workshop) as one:
        assignments: list[Assignment] = one.claims.claim(9)
        for assignment in assignments:
            assignment.part_path.write_bytes(b"half")
        one.claims.release_all()
        assert one.claims.assigned == {}
        assert one.counts() == {JobState.PENDING: 2}
        assert workshop.pictures() == []


def test_a_job_whose_picture_is_on_record_stays_leased_for_recovery(workshop: Workshop) -> None:
    photos(workshop, "a.png")
    with desk(workshop) as one:
        (assignment,) = one.claims.claim(9)
        assignment.part_path.write_bytes(b"a finished picture")
        one.ledger.leases.record_artwork(assignment.token, "0" * 64)
        one.claims.release_all()
        assert one.counts() == {JobState.LEASED: 1}
        assert assignment.part_path.exists()
