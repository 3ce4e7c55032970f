"""Which checkpoints are saved: in time, in their space, and never at the cost of a picture."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pipeline.engine.events import CheckpointReady, Resumed
from pipeline.model import CheckpointRules, ExecutorEvent, Failure, FailureKind, Remark
from pipeline.worker.checkpoint_policy import CheckpointPolicy
from pipeline.worker.reading import LoadedTask
from tests.worker.test_writing import loaded_task


def a_checkpoint(evaluations: int = 3, size_bytes: int = 100, trouble: OSError | None = None) -> CheckpointReady:
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
class Bench:
    """A policy and one picture in progress."""

    folder: Path
    now: float = 0.0
    told: list[ExecutorEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.task: LoadedTask = loaded_task(self.folder, "t")
        self.path = self.folder / "checkpoints" / "k.safetensors"
        self.point_to(self.path)
        self.rule(every_seconds=60.0)

    def point_to(self, path: Path | None) -> None:
        self.task.assignment = replace(self.task.assignment, checkpoint_path=path)

    def rule(self, every_seconds: float = 60.0, space_bytes: int = 1000, min_free_bytes: int = 0) -> None:
        rules = CheckpointRules(every_seconds=every_seconds, space_bytes=space_bytes, min_free_bytes=min_free_bytes)
        self.policy = CheckpointPolicy(rules, self.told.append, lambda: self.now)
        self.policy.begin(self.task)

    def save(self, checkpoint: CheckpointReady) -> bool:
        return self.policy.prepare_save(self.task, checkpoint)()

    def requeue(self, checkpoint: CheckpointReady) -> str:
        self.policy.requeue(self.task, checkpoint, self.policy.prepare_save(self.task, checkpoint))
        failure = self.told.pop()
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.REQUEUED
        return failure.reason


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_picture_is_due_every_so_many_seconds(bench: Bench) -> None:
    due = []
    for now in (0, 59, 60, 61, 119, 120, 180):
        bench.now = now
        due.append(bench.policy.is_due(bench.task))
        if due[-1]:
            assert bench.save(a_checkpoint(now))
    assert due == [False, False, True, False, False, True, True]


def test_none_is_due_while_one_is_being_kept(bench: Bench) -> None:
    bench.now = 60
    save = bench.policy.prepare_save(bench.task, a_checkpoint())
    bench.now = 500
    assert not bench.policy.is_due(bench.task)
    save()
    assert bench.policy.is_due(bench.task)


def test_none_is_ever_due_without_a_place_or_an_interval(bench: Bench) -> None:
    bench.now = 1e9
    bench.rule(every_seconds=0)
    assert not bench.policy.is_due(bench.task)
    bench.rule()
    bench.now = 2e9
    assert bench.policy.is_due(bench.task)
    bench.point_to(None)
    assert not bench.policy.is_due(bench.task)
    assert not bench.save(a_checkpoint())


def test_the_seconds_spent_are_kept_with_it(bench: Bench) -> None:
    bench.task.seconds = 41.0
    save = bench.policy.prepare_save(bench.task, a_checkpoint(5))
    bench.task.seconds = 99.0  # on the next evaluation, meanwhile
    assert save()
    assert bench.path.read_bytes().split() == [b"5", b"41"]


def test_going_on_takes_the_seconds_over_and_is_told(bench: Bench) -> None:
    bench.task.seconds = 1.0
    resumed = Resumed(token="t", size=256, iteration=4, iterations=90, evaluations=31, seconds=50.0)
    bench.policy.resume(bench.task, resumed)
    assert bench.task.seconds == 51.0
    assert bench.told == [Remark("t", "resumed from its checkpoint after evaluation 4 of 90 at 256 px")]


def test_what_is_kept_already_is_not_written_again(bench: Bench) -> None:
    assert bench.save(a_checkpoint(3))
    assert bench.save(a_checkpoint(3, trouble=OSError(5, "not to be called")))
    assert not bench.save(a_checkpoint(4, trouble=OSError(5, "broken disk")))


def test_a_picture_put_back_says_where_it_will_be_resumed(bench: Bench) -> None:
    text = "stopped after evaluation 3 of 10 at 48 px; it will be resumed there"
    assert bench.requeue(a_checkpoint()) == text
    assert bench.told == [Remark("t", text)]


def test_one_put_back_before_it_began_is_nobodys_news(bench: Bench) -> None:
    assert bench.requeue(a_checkpoint(0)) == "stopped before its first evaluation; it will start again"
    assert bench.told == []
    assert not bench.path.exists()


def test_what_can_not_be_saved_is_resumed_from_the_checkpoint_before(bench: Bench) -> None:
    assert bench.save(a_checkpoint(3))
    assert bench.requeue(a_checkpoint(7, size_bytes=1001)).endswith("px; it will be resumed from its last checkpoint")
    assert bench.path.read_bytes().split()[0] == b"3"


def test_what_was_never_kept_begins_anew(bench: Bench) -> None:
    bench.point_to(None)
    assert bench.requeue(a_checkpoint()).endswith("px; it will start again from the beginning")
    bench.point_to(bench.path)
    bench.rule(space_bytes=0)
    assert bench.requeue(a_checkpoint()).endswith("px; it will start again from the beginning")
    assert [type(event) for event in bench.told] == [Remark, Remark]
    assert not any(isinstance(event, Remark) and event.warning for event in bench.told)


def test_all_checkpoints_together_stay_within_their_space(bench: Bench) -> None:
    bench.path.parent.mkdir()
    (bench.path.parent / "other.safetensors").write_bytes(bytes(600))
    assert bench.save(a_checkpoint(3, size_bytes=400))
    assert bench.save(a_checkpoint(4, size_bytes=400))  # in place of the former
    assert not bench.save(a_checkpoint(5, size_bytes=401))
    assert not bench.save(a_checkpoint(6, size_bytes=401))
    assert bench.told == [
        Remark(
            "t",
            "a checkpoint can't be saved: its 0.00 GB do not fit into state.checkpoint_space "
            "(0.00 GB, of which those of other pictures take 0.00 GB)",
            warning=True,
        )
    ]


def test_each_reason_is_told_once(bench: Bench) -> None:
    for size_bytes in (1001, 1002, 20_000_000_000, 20_000_000_000):
        assert not bench.save(a_checkpoint(size_bytes=size_bytes, evaluations=size_bytes))
    assert [event.text for event in bench.told if isinstance(event, Remark)] == [
        "a checkpoint can't be saved: its 0.00 GB do not fit into state.checkpoint_space (0.00 GB)",
        "a checkpoint can't be saved: its 20.00 GB do not fit into state.checkpoint_space (0.00 GB)",
    ]


def test_whose_turn_was_missed_comes_first_the_next_time(bench: Bench) -> None:
    first, second, third = bench.task, *(loaded_task(bench.folder, token) for token in ("u", "v"))
    tasks = {"t": first, "u": second, "v": third}
    for token, task in tasks.items():
        task.assignment = replace(task.assignment, checkpoint_path=bench.folder / token / "k.safetensors")
        bench.policy.begin(task)
    saved = []
    for bench.now in (100, 200, 300, 400, 500, 600):  # evaluations that take longer than the interval, all at once
        saves = []
        for token, task in tasks.items():
            if bench.policy.is_due(task, tasks.values()):
                saved.append(token)
                saves.append(bench.policy.prepare_save(task, a_checkpoint()))
        assert len(saves) == 1
        saves[0]()
    assert saved == ["t", "u", "v", "t", "u", "v"]


def test_none_is_written_to_a_disk_that_is_nearly_full(bench: Bench) -> None:
    bench.rule(min_free_bytes=2 * shutil.disk_usage(bench.folder).total)
    assert not bench.save(a_checkpoint())
    (remark,) = bench.told
    assert isinstance(remark, Remark)
    assert "output.min_free_disk" in remark.text
    assert not bench.path.exists()


@pytest.mark.parametrize(
    ("trouble", "said"), [(OSError(28, "No space left on device"), "No space left"), (OSError("odd"), "odd")]
)
def test_a_disk_that_fails_costs_the_checkpoint_only(bench: Bench, trouble: OSError, said: str) -> None:
    assert not bench.save(a_checkpoint(trouble=trouble))
    (remark,) = bench.told
    assert isinstance(remark, Remark)
    assert (said in remark.text, remark.warning) == (True, True)
    bench.now = 60
    assert bench.policy.is_due(bench.task)


def test_a_file_in_the_place_of_the_folder_costs_the_checkpoint_only(bench: Bench) -> None:
    bench.path.parent.write_text("in the way")
    assert not bench.save(a_checkpoint())
    assert isinstance(bench.told[0], Remark)
    bench.policy.discard(bench.task)


def test_a_picture_that_failed_leaves_no_checkpoint(bench: Bench) -> None:
    assert bench.save(a_checkpoint())
    bench.policy.discard(bench.task)
    assert not bench.path.exists()
    bench.policy.discard(bench.task)
    bench.point_to(None)
    bench.policy.discard(bench.task)
