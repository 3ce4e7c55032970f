"""Which drafts become checkpoints, and when. Owns the space they take; refuses to know what is in them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.engine.events import CheckpointReady, Resumed
from pipeline.model import CheckpointRules, Failure, FailureKind, Remark
from pipeline.worker.reading import Emit, LoadedTask


class CheckpointPolicy:
    """Keeps drafts at their assignments' ``checkpoint_path``, as far as ``rules`` allow.

    ``emit`` hears of those that go on and of those put back, and once why a draft can't be kept.
    """

    def __init__(self, rules: CheckpointRules, emit: Emit, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._emit = emit
        self._clock = clock
        self._is_saving = False
        self._has_warned = False

    def begin(self, task: LoadedTask) -> None:
        """Take note that work on a picture begins."""
        task.saved_at = self._clock()

    def resume(self, task: LoadedTask, resumed: Resumed) -> None:
        """Take note that a picture goes on from its checkpoint."""
        task.seconds += resumed.seconds
        task.saved_evaluations = resumed.evaluations
        after = f"evaluation {resumed.iteration} of {resumed.iterations} at {resumed.size} px"
        self._emit(Remark(resumed.token, f"goes on after {after}, where it was left off"))

    def is_due(self, task: LoadedTask) -> bool:
        """Tell whether a picture is to be kept now; not while another one still is: disks take their time."""
        every_seconds = self._rules.every_seconds
        if task.assignment.checkpoint_path is None or not every_seconds or self._is_saving:
            return False
        return self._clock() - task.saved_at >= every_seconds

    def prepare_save(self, task: LoadedTask, checkpoint: CheckpointReady) -> Callable[[], bool]:
        """Return what keeps a draft, for any thread to call; it returns whether this very draft is kept."""
        self._is_saving = True
        task.saved_at = self._clock()
        seconds = task.seconds

        def save() -> bool:
            try:
                return self._save(task, checkpoint, seconds)
            finally:
                self._is_saving = False

        return save

    def put_back(self, task: LoadedTask, checkpoint: CheckpointReady, save: Callable[[], bool]) -> None:
        """Answer an assignment that was suspended, and tell where it goes on."""
        if not checkpoint.evaluations:
            self._emit(Failure(checkpoint.token, FailureKind.RETURNED, "put back before its first evaluation"))
            return
        if save():
            following = "goes on there next time"
        elif _exists(task.assignment.checkpoint_path):
            following = "goes on from its last checkpoint next time"
        else:
            following = "begins anew next time"
        where = f"evaluation {checkpoint.iteration} of {checkpoint.iterations} at {checkpoint.size} px"
        text = f"put back after {where}; {following}"
        self._emit(Remark(checkpoint.token, text))
        self._emit(Failure(checkpoint.token, FailureKind.RETURNED, text))

    def discard(self, task: LoadedTask) -> None:
        """Remove the checkpoint of a picture that would only fail again from there."""
        path = task.assignment.checkpoint_path
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _save(self, task: LoadedTask, checkpoint: CheckpointReady, seconds: float) -> bool:
        path = task.assignment.checkpoint_path
        if path is None or not self._rules.space_bytes:
            return False
        if task.saved_evaluations == checkpoint.evaluations:
            return True
        try:
            reason = self._reason_not_to_save(path, checkpoint.size_bytes)
            if not reason:
                checkpoint.save(path, seconds)
                task.saved_evaluations = checkpoint.evaluations
                return True
        except OSError as error:
            reason = f"{path.parent} can't be written ({error.strerror or error})"
        except MemoryError:
            reason = "there is too little memory"
        if not self._has_warned:
            self._has_warned = True
            self._emit(Remark(checkpoint.token, f"what is made of pictures can't be kept: {reason}", warning=True))
        return False

    def _reason_not_to_save(self, path: Path, size_bytes: int) -> str:
        """Return why there is no room for a file of this size at ``path``, "" if there is. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # What it replaces is not counted, though both are there for a moment.
        others = sum(_size_of(other) for other in path.parent.glob("*.safetensors") if other != path)
        space_bytes, least_free = self._rules.space_bytes, self._rules.min_free_bytes
        if others + size_bytes > space_bytes:
            return f"a checkpoint of {_gb(size_bytes)} does not fit into state.checkpoint_space ({_gb(space_bytes)})"
        if shutil.disk_usage(path.parent).free - size_bytes < least_free:
            return f"the disk of {path.parent} would have less free than output.min_free_disk ({_gb(least_free)})"
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
