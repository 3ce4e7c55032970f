"""Two machines on a share whose locks don't hold for both: nothing is lost, one of them ends in order."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from pathlib import Path

import pytest

from pipeline.config.settings import ingest_settings, pass_settings
from pipeline.errors import LeaseLostError, LockedError
from pipeline.model import ExecutorEvent, JobSource, JobStarted, RunEvent, RunFinished
from pipeline.report.heartbeat import FILE_NAME, Heartbeat
from pipeline.runner.execution.recovery import recover
from pipeline.runner.execution.single_pass import SinglePass
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.instance.lock import instance_lock
from pipeline.runner.preparation import resolve_config
from tests.workshop import InProcessExecutor, Workshop


def test_the_first_ends_with_one_sentence_and_leaves_nothing_behind(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.photo("b.png", shade=1)
    config = workshop.config()

    def begin_on_the_other_machine() -> None:
        sign = (config.state.folder / FILE_NAME).read_text().replace('"pid": ', '"pid": 9')
        (config.state.folder / FILE_NAME).write_text(sign)
        with workshop.ledger() as theirs:
            recover(theirs, workshop.out)

    def emit(event: RunEvent) -> None:
        workshop.events.append(event)
        if isinstance(event, JobStarted) and len(workshop.events) == 2:
            begin_on_the_other_machine()

    resolved = resolve_config(config)
    with (
        pytest.raises(LockedError, match="has taken over the work here"),
        instance_lock(config.state.folder, "stylewatch run mine.yaml"),
        Heartbeat(config.state.folder, "stylewatch run mine.yaml"),
        workshop.ledger() as ledger,
    ):
        SinglePass(pass_settings(config), resolved, ledger, InProcessExecutor(), emit).run(
            partial(ingest, ingest_settings(config), resolved, ledger)
        )
    last = workshop.events[-1]
    assert isinstance(last, RunFinished)
    assert "another stylewatch has taken over" in last.reason
    assert "token" not in last.reason
    assert workshop.pictures() == []
    assert workshop.run().finished == 2


def test_all_but_the_lost_jobs_are_put_back_and_no_temporary_file_stays(workshop: Workshop) -> None:
    for number in range(3):
        workshop.photo(f"{number}.png", shade=number)
    parts: list[Path] = []

    class InterruptedExecutor(InProcessExecutor):
        """Ends without an answer, after another instance took the second of three jobs over."""

        def run(self, source: JobSource) -> Generator[ExecutorEvent, None, None]:
            assignments = source(3)
            for assignment in assignments:
                parts.append(assignment.part_path)
                assignment.part_path.write_bytes(b"half a picture")
            with workshop.ledger() as theirs:
                theirs.leases.release(assignments[1].token)
            yield from ()

    with pytest.raises(LeaseLostError, match="has taken over"):
        workshop.run(executor=InterruptedExecutor())
    assert [part.exists() for part in parts] == [False, False, False]
    with workshop.ledger() as ledger:
        assert ledger.leases.all() == []
    assert workshop.run().finished == 3
