"""Which drafts are kept: in time, in their space, and never at the cost of a picture."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pipeline.engine.events import CheckpointReady, Resumed
from pipeline.model import CheckpointRules, ExecutorEvent, Failure, FailureKind, Remark
from pipeline.worker.checkpoint_policy import CheckpointPolicy
from pipeline.worker.reading import LoadedTask
from tests.worker.test_writing import task as sitting_of


def a_draft(evaluations: int = 3, size_bytes: int = 100, trouble: OSError | None = None) -> CheckpointReady:
    def save(path: Path, seconds: float) -> None:
        if trouble is not None:
            raise trouble
        path.write_bytes((b"%d %d" % (evaluations, seconds)).ljust(size_bytes))

    return CheckpointReady(
        token="t",
        size=48,
        iteration=evaluations,
        iterations=10,
        evaluations=evaluations,
        size_bytes=size_bytes,
        save=save,
        last=True,
    )


@dataclass
class Desk:
    """A keeper at work on one picture."""

    folder: Path
    now: float = 0.0
    told: list[ExecutorEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.task: LoadedTask = sitting_of(self.folder, "t")
        self.path = self.folder / "checkpoints" / "k.safetensors"
        self.point_to(self.path)
        self.rule(every_seconds=60.0)

    def point_to(self, path: Path | None) -> None:
        self.task.assignment = replace(self.task.assignment, checkpoint_path=path)

    def rule(self, every_seconds: float = 60.0, space_bytes: int = 1000, min_free_bytes: int = 0) -> None:
        rules = CheckpointRules(every_seconds=every_seconds, space_bytes=space_bytes, min_free_bytes=min_free_bytes)
        self.policy = CheckpointPolicy(rules, self.told.append, lambda: self.now)
        self.policy.begin(self.task)

    def keep(self, checkpoint: CheckpointReady) -> bool:
        return self.policy.task(self.task, checkpoint)()

    def put_back(self, checkpoint: CheckpointReady) -> str:
        self.policy.put_back(self.task, checkpoint, self.policy.task(self.task, checkpoint))
        failure = self.told.pop()
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.RETURNED
        return failure.reason


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_picture_is_due_every_so_many_seconds(desk: Desk) -> None:
    due = []
    for now in (0, 59, 60, 61, 119, 120, 180):
        desk.now = now
        due.append(desk.policy.is_due(desk.task))
        if due[-1]:
            assert desk.keep(a_draft(now))
    assert due == [False, False, True, False, False, True, True]


def test_none_is_due_while_one_is_being_kept(desk: Desk) -> None:
    desk.now = 60
    task = desk.policy.task(desk.task, a_draft())
    desk.now = 500
    assert not desk.policy.is_due(desk.task)
    task()
    assert desk.policy.is_due(desk.task)


def test_none_is_ever_due_without_a_place_or_an_interval(desk: Desk) -> None:
    desk.now = 1e9
    desk.rule(every_seconds=0)
    assert not desk.policy.is_due(desk.task)
    desk.rule()
    desk.now = 2e9
    assert desk.policy.is_due(desk.task)
    desk.point_to(None)
    assert not desk.policy.is_due(desk.task)
    assert not desk.keep(a_draft())


def test_the_seconds_spent_are_kept_with_it(desk: Desk) -> None:
    desk.task.seconds = 41.0
    task = desk.policy.task(desk.task, a_draft(5))
    desk.task.seconds = 99.0  # on the next evaluation, meanwhile
    assert task()
    assert desk.path.read_bytes().split() == [b"5", b"41"]


def test_going_on_takes_the_seconds_over_and_is_told(desk: Desk) -> None:
    desk.task.seconds = 1.0
    resumed = Resumed(token="t", size=256, iteration=4, iterations=90, evaluations=31, seconds=50.0)
    desk.policy.resume(desk.task, resumed)
    assert desk.task.seconds == 51.0
    assert desk.told == [Remark("t", "goes on after evaluation 4 of 90 at 256 px, where it was left off")]


def test_what_is_kept_already_is_not_written_again(desk: Desk) -> None:
    assert desk.keep(a_draft(3))
    assert desk.keep(a_draft(3, trouble=OSError(5, "not to be called")))
    assert not desk.keep(a_draft(4, trouble=OSError(5, "broken disk")))


def test_a_picture_put_back_tells_where_it_goes_on(desk: Desk) -> None:
    text = "put back after evaluation 3 of 10 at 48 px; goes on there next time"
    assert desk.put_back(a_draft()) == text
    assert desk.told == [Remark("t", text)]


def test_one_put_back_before_it_began_is_nobodys_news(desk: Desk) -> None:
    assert desk.put_back(a_draft(0)) == "put back before its first evaluation"
    assert desk.told == []
    assert not desk.path.exists()


def test_what_can_not_be_kept_goes_on_from_what_was_kept_before(desk: Desk) -> None:
    assert desk.keep(a_draft(3))
    assert desk.put_back(a_draft(7, size_bytes=1001)).endswith("px; goes on from its last checkpoint next time")
    assert desk.path.read_bytes().split()[0] == b"3"


def test_what_was_never_kept_begins_anew(desk: Desk) -> None:
    desk.point_to(None)
    assert desk.put_back(a_draft()).endswith("px; begins anew next time")
    desk.point_to(desk.path)
    desk.rule(space_bytes=0)
    assert desk.put_back(a_draft()).endswith("px; begins anew next time")
    assert [type(event) for event in desk.told] == [Remark, Remark]
    assert not any(isinstance(event, Remark) and event.warning for event in desk.told)


def test_all_checkpoints_together_stay_within_their_space(desk: Desk) -> None:
    desk.path.parent.mkdir()
    (desk.path.parent / "other.safetensors").write_bytes(bytes(600))
    assert desk.keep(a_draft(3, size_bytes=400))
    assert desk.keep(a_draft(4, size_bytes=400))  # in place of the former
    assert not desk.keep(a_draft(5, size_bytes=401))
    assert not desk.keep(a_draft(6, size_bytes=401))
    assert desk.told == [
        Remark(
            "t",
            "what is made of pictures can't be kept: a checkpoint of 0.00 GB does not fit into "
            "state.checkpoint_space (0.00 GB)",
            warning=True,
        )
    ]


def test_none_is_written_to_a_disk_that_is_nearly_full(desk: Desk) -> None:
    desk.rule(min_free_bytes=2 * shutil.disk_usage(desk.folder).total)
    assert not desk.keep(a_draft())
    (remark,) = desk.told
    assert isinstance(remark, Remark)
    assert "output.min_free_disk" in remark.text
    assert not desk.path.exists()


@pytest.mark.parametrize(
    ("trouble", "said"), [(OSError(28, "No space left on device"), "No space left"), (OSError("odd"), "odd")]
)
def test_a_disk_that_fails_costs_the_checkpoint_only(desk: Desk, trouble: OSError, said: str) -> None:
    assert not desk.keep(a_draft(trouble=trouble))
    (remark,) = desk.told
    assert isinstance(remark, Remark)
    assert (said in remark.text, remark.warning) == (True, True)
    desk.now = 60
    assert desk.policy.is_due(desk.task)


def test_a_file_in_the_place_of_the_folder_costs_the_checkpoint_only(desk: Desk) -> None:
    desk.path.parent.write_text("in the way")
    assert not desk.keep(a_draft())
    assert isinstance(desk.told[0], Remark)
    desk.policy.discard(desk.task)


def test_a_picture_that_failed_leaves_no_checkpoint(desk: Desk) -> None:
    assert desk.keep(a_draft())
    desk.policy.discard(desk.task)
    assert not desk.path.exists()
    desk.policy.discard(desk.task)
    desk.point_to(None)
    desk.policy.discard(desk.task)
