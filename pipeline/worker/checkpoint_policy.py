"""Which drafts become checkpoints, and when. Owns the space they take; refuses to know what is in them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.engine.events import Draft, Resumed
from pipeline.model import CheckpointRules, Failure, FailureKind, Remark
from pipeline.worker.reading import Sitting, Tell


class Keeper:
    """Keeps drafts at their assignments' ``checkpoint_path``, as far as ``rules`` allow.

    ``tell`` hears of those that go on and of those put back, and once why a draft can't be kept.
    """

    def __init__(self, rules: CheckpointRules, tell: Tell, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._tell = tell
        self._clock = clock
        self._at_work = False
        self._has_complained = False

    def begin(self, sitting: Sitting) -> None:
        """Take note that work on a picture begins."""
        sitting.kept_at = self._clock()

    def resume(self, sitting: Sitting, resumed: Resumed) -> None:
        """Take note that a picture goes on from its checkpoint."""
        sitting.seconds += resumed.seconds
        sitting.kept_evaluations = resumed.evaluations
        after = f"evaluation {resumed.iteration} of {resumed.iterations} at {resumed.size} px"
        self._tell(Remark(resumed.token, f"goes on after {after}, where it was left off"))

    def is_due(self, sitting: Sitting) -> bool:
        """Tell whether a picture is to be kept now; not while another one still is: disks take their time."""
        every_seconds = self._rules.every_seconds
        if sitting.assignment.checkpoint_path is None or not every_seconds or self._at_work:
            return False
        return self._clock() - sitting.kept_at >= every_seconds

    def task(self, sitting: Sitting, draft: Draft) -> Callable[[], bool]:
        """Return what keeps a draft, for any thread to call; it returns whether this very draft is kept."""
        self._at_work = True
        sitting.kept_at = self._clock()
        seconds = sitting.seconds

        def keep() -> bool:
            try:
                return self._keep(sitting, draft, seconds)
            finally:
                self._at_work = False

        return keep

    def put_back(self, sitting: Sitting, draft: Draft, keep: Callable[[], bool]) -> None:
        """Answer an assignment that was suspended, and tell where it goes on."""
        if not draft.evaluations:
            self._tell(Failure(draft.token, FailureKind.RETURNED, "put back before its first evaluation"))
            return
        if keep():
            following = "goes on there next time"
        elif _is_there(sitting.assignment.checkpoint_path):
            following = "goes on from its last checkpoint next time"
        else:
            following = "begins anew next time"
        where = f"evaluation {draft.iteration} of {draft.iterations} at {draft.size} px"
        text = f"put back after {where}; {following}"
        self._tell(Remark(draft.token, text))
        self._tell(Failure(draft.token, FailureKind.RETURNED, text))

    def discard(self, sitting: Sitting) -> None:
        """Remove the checkpoint of a picture that would only fail again from there."""
        path = sitting.assignment.checkpoint_path
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _keep(self, sitting: Sitting, draft: Draft, seconds: float) -> bool:
        path = sitting.assignment.checkpoint_path
        if path is None or not self._rules.space_bytes:
            return False
        if sitting.kept_evaluations == draft.evaluations:
            return True
        try:
            obstacle = self._obstacle(path, draft.size_bytes)
            if not obstacle:
                draft.save(path, seconds)
                sitting.kept_evaluations = draft.evaluations
                return True
        except OSError as error:
            obstacle = f"{path.parent} can't be written ({error.strerror or error})"
        except MemoryError:
            obstacle = "there is too little memory"
        if not self._has_complained:
            self._has_complained = True
            self._tell(Remark(draft.token, f"what is made of pictures can't be kept: {obstacle}", warning=True))
        return False

    def _obstacle(self, path: Path, size_bytes: int) -> str:
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


def _is_there(path: Path | None) -> bool:
    with contextlib.suppress(OSError):
        return path is not None and path.exists()
    return False


def _gb(count: int) -> str:
    return f"{count / 1e9:.2f} GB"
