"""Decides when checkpoints are saved. Owns the space they take; does not know what is in them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from pipeline.engine.events import CheckpointReady, Resumed
from pipeline.model import CheckpointRules, Failure, FailureKind, Remark
from pipeline.model.timelapse_files import frames_path
from pipeline.worker.reading import Emit, LoadedTask


class CheckpointPolicy:
    """Saves checkpoints at their assignments' ``checkpoint_path``, as far as ``checkpoint_rules`` allow.

    ``emit`` gets a remark for each picture that is resumed or requeued, and one for each reason why one can't be
    saved.
    """

    def __init__(self, checkpoint_rules: CheckpointRules, emit: Emit, clock: Callable[[], float]) -> None:
        self._checkpoint_rules = checkpoint_rules
        self._emit = emit
        self._clock = clock
        self._is_saving = False
        self._reasons_told: set[str] = set()

    def begin(self, task: LoadedTask) -> None:
        """Record that work on a picture begins."""
        task.saved_at = self._clock()

    def resume(self, task: LoadedTask, resumed: Resumed) -> None:
        """Record that a picture is resumed from its checkpoint."""
        task.seconds += resumed.seconds
        task.saved_evaluations = resumed.evaluations
        if task.timelapse is not None and task.assignment.checkpoint_path is not None:
            task.timelapse.resume(frames_path(task.assignment.checkpoint_path), resumed.evaluations)
        after = f"evaluation {resumed.iteration} of {resumed.iterations} at {resumed.size} px"
        self._emit(Remark(resumed.token, f"resumed from its checkpoint after {after}"))

    def is_due(self, task: LoadedTask, others: Iterable[LoadedTask] = ()) -> bool:
        """Return whether to save a checkpoint of this picture now; not while another one is still being written.

        Those of the ``others`` in progress that had to wait for that come first: where evaluations take longer than
        the interval, one of them would come too late again and again.
        """
        every_seconds = self._checkpoint_rules.every_seconds
        if task.assignment.checkpoint_path is None or not every_seconds:
            return False
        if self._clock() - task.saved_at < every_seconds:
            return False
        longer = (other for other in others if other.waits_to_be_saved and other.saved_at < task.saved_at)
        if self._is_saving or any(longer):
            task.waits_to_be_saved = True
            return False
        return True

    def prepare_save(self, task: LoadedTask, checkpoint: CheckpointReady) -> Callable[[], bool]:
        """Return a function, for any thread, that saves the checkpoint and returns whether it is saved."""
        self._is_saving = True
        task.saved_at, task.waits_to_be_saved = self._clock(), False
        seconds = task.seconds

        def save() -> bool:
            try:
                return self._save(task, checkpoint, seconds)
            finally:
                self._is_saving = False

        return save

    def requeue(self, task: LoadedTask, checkpoint: CheckpointReady, save: Callable[[], bool]) -> None:
        """Answer an assignment that was suspended, and report where it will be resumed."""
        if not checkpoint.evaluations:
            self._emit(
                Failure(
                    checkpoint.token, FailureKind.REQUEUED, "stopped before its first evaluation; it will start again"
                )
            )
            return
        if save():
            following = "it will be resumed there"
        elif _exists(task.assignment.checkpoint_path):
            following = "it will be resumed from its last checkpoint"
        else:
            following = "it will start again from the beginning"
        where = f"evaluation {checkpoint.iteration} of {checkpoint.iterations} at {checkpoint.size} px"
        text = f"stopped after {where}; {following}"
        self._emit(Remark(checkpoint.token, text))
        self._emit(Failure(checkpoint.token, FailureKind.REQUEUED, text))

    def discard(self, task: LoadedTask) -> None:
        """Remove the checkpoint of a picture that would only fail again from there."""
        path = task.assignment.checkpoint_path
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                frames_path(path).unlink(missing_ok=True)

    def _save(self, task: LoadedTask, checkpoint: CheckpointReady, seconds: float) -> bool:
        path = task.assignment.checkpoint_path
        if path is None or not self._checkpoint_rules.space_bytes:
            return False
        if task.saved_evaluations == checkpoint.evaluations:
            return True
        try:
            reason = self._reason_not_to_save(path, checkpoint.size_bytes)
            if not reason:
                checkpoint.save(path, seconds)
                task.saved_evaluations = checkpoint.evaluations
                if task.timelapse is not None:
                    task.timelapse.save(frames_path(path))
                return True
        except OSError as error:
            reason = f"{path.parent} can't be written ({error.strerror or error})"
        except MemoryError:
            reason = "there is too little memory"
        if reason not in self._reasons_told:
            self._reasons_told.add(reason)
            self._emit(Remark(checkpoint.token, f"a checkpoint can't be saved: {reason}", warning=True))
        return False

    def _reason_not_to_save(self, path: Path, size_bytes: int) -> str:
        """Return why a checkpoint of this size may not be saved at ``path``, "" if it may. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # The checkpoint that it replaces is not counted, though for a moment there are both.
        others = sum(_size_of(other) for other in path.parent.glob("*.safetensors") if other != path)
        space_bytes, least_free = self._checkpoint_rules.space_bytes, self._checkpoint_rules.min_free_bytes
        if others + size_bytes > space_bytes:
            taken = f", of which those of other pictures take {_gb(others)}" if others else ""
            return f"its {_gb(size_bytes)} do not fit into state.checkpoint_space ({_gb(space_bytes)}{taken})"
        if shutil.disk_usage(path.parent).free - size_bytes < least_free:
            return (
                f"the disk of {path.parent} would have less free space than output.min_free_disk ({_gb(least_free)})"
            )
        return ""


def _size_of(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _exists(path: Path | None) -> bool:
    with contextlib.suppress(OSError):
        return path is not None and path.exists()
    return False


def _gb(count: int) -> str:
    return f"{count / 1e9:.2f} GB"
