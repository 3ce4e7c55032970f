"""A picture is published, and then its end can't be recorded: it is not made a second time under another name."""

from __future__ import annotations

import pytest

from pipeline.errors import LedgerLockedError, StorageError
from pipeline.failpoints import failpoint_listener
from pipeline.model import JobState
from tests.workshop import Workshop


@pytest.mark.parametrize("error", [StorageError("the disk is full"), LedgerLockedError("somebody has it")])
@pytest.mark.parametrize("passage", [1, 2])
def test_a_published_picture_whose_end_is_not_on_record_is_there_once(
    workshop: Workshop, passage: int, error: Exception
) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png")  # of the same content: its picture is a copy
    passages = 0

    def fail(name: str) -> None:
        nonlocal passages
        passages += name == "picture-published"
        if name == "picture-published" and passages == passage:
            raise error

    with failpoint_listener(fail), pytest.raises(type(error)):
        workshop.run()
    workshop.run()
    assert workshop.pictures() == ["a--night.jpg", "b--night.jpg"]
    with workshop.ledger() as ledger:
        assert ledger.leases.all() == []
        assert ledger.queries.counts()[JobState.DONE] == 2
