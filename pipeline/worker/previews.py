"""Makes what the gallery shows of a worker's pictures: copies of finished ones, and pictures in progress.

Owns when they are made, and that nothing which goes wrong with them reaches a picture. Their files are those of
:mod:`pipeline.images.previews`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from pipeline.engine.events import Finished, Preview
from pipeline.errors import StylewatchError
from pipeline.images import previews
from pipeline.images.decode import PixelArray
from pipeline.model import Artwork, Painting, PreviewOptions, PreviewSaved, Remark
from pipeline.worker.reading import Emit, LoadedTask

_Saved = TypeVar("_Saved")
SaveLive = Callable[[PreviewOptions, str, PixelArray], Path]

#: Saving a preview takes a fiftieth, at most, of the time until the next one.
_LEAST_SECONDS_PER_SECOND: Final = 50.0


class Previews:
    """Saves small copies below the folder of each assignment's ``previews``, for those that have one.

    ``emit`` gets a PreviewSaved for each new copy of a picture, and one remark, once, if any can't be saved.
    A painting is copied from its file, since the engine mostly has its cached targets only; each is looked at once.
    """

    def __init__(self, emit: Emit, clock: Callable[[], float], save_live: SaveLive = previews.save_live) -> None:
        self._emit = emit
        self._clock = clock
        self._write_live = save_live
        self._seconds_for_one = 0.0
        self._is_saving = False
        self._has_warned = False
        self._paintings_seen: set[str] = set()

    def begin(self, task: LoadedTask) -> None:
        """Record that work on a picture begins."""
        task.shown_at = self._clock()

    def wanted_pixels(self, task: LoadedTask, in_progress: int) -> int:
        """Return the long side of the preview that is due of one of so many pictures now, 0 if none is."""
        options = task.assignment.previews
        if options is None or not options.live_seconds or self._is_saving:
            return 0
        seconds = max(options.live_seconds, _LEAST_SECONDS_PER_SECOND * self._seconds_for_one * in_progress)
        return previews.live_pixels(options) if self._clock() - task.shown_at >= seconds else 0

    def prepare_save(self, task: LoadedTask, preview: Preview) -> Callable[[], None]:
        """Return a function for the writer's thread that saves the preview of a picture in progress."""
        self._is_saving = True
        task.shown_at = self._clock()

        def save() -> None:
            began = self._clock()
            try:
                self._save_live(task, preview)
            finally:
                self._seconds_for_one = self._clock() - began
                self._is_saving = False

        return save

    def finish(self, task: LoadedTask, finished: Finished, artwork: Artwork) -> None:
        """Make the copies of a picture that is written, of its photo and of its paintings."""
        assignment, options = task.assignment, task.assignment.previews
        if options is None:
            return
        photo, alpha = task.photo.pixels, task.photo.alpha
        path = self._attempt(
            options, lambda: previews.save_thumbnail(options, artwork.sha256, finished.pixels, alpha)
        )
        self._attempt(options, lambda: previews.save_photo_copies(options, assignment.photo_sha256, photo))
        for painting in (painting for style in assignment.style.painted() for painting in style.paintings):
            if painting.sha256 not in self._paintings_seen:
                self._paintings_seen.add(painting.sha256)
                self._attempt(options, partial(_copy_painting, options, painting))
        if path is not None:  # now the gallery can show all of them
            self._emit(PreviewSaved(artwork.token, path, finished=True))

    def remove_live(self, task: LoadedTask) -> None:
        """Remove the preview of a picture that is not in progress any more."""
        previews.remove_live(task.assignment.previews, task.assignment.token)

    def _save_live(self, task: LoadedTask, preview: Preview) -> None:
        options = task.assignment.previews
        if options is None:
            return
        path = self._attempt(options, lambda: self._replaced_live(options, preview))
        if path is not None:
            self._emit(PreviewSaved(preview.token, path))

    def _replaced_live(self, options: PreviewOptions, preview: Preview) -> Path | None:
        try:
            return self._write_live(options, preview.token, preview.pixels)
        except PermissionError:  # on Windows also while a browser reads the last one; the next one comes soon
            return None

    def _attempt(self, options: PreviewOptions, save: Callable[[], _Saved]) -> _Saved | None:
        """Save something that no picture depends on: None if that fails, for whatever reason."""
        try:
            return save()
        except OSError as error:
            reason = error.strerror or str(error)
        except MemoryError:
            reason = "there is too little memory"
        except Exception as error:  # a fault of ours or of an encoder must not end the work either
            reason = f"{type(error).__name__}: {error}"
        if not self._has_warned:
            self._has_warned = True
            text = f"small pictures for the gallery can't be saved in {options.folder}: {reason}"
            advice = "the pictures are made all the same; 'stylewatch gallery' makes what is missing"
            self._emit(Remark("", f"{text}; {advice}", warning=True))
        return None


def _copy_painting(options: PreviewOptions, painting: Painting) -> None:
    # One that was replaced or is gone since is the run's to report.
    with contextlib.suppress(StylewatchError, FileNotFoundError):
        previews.make_painting_copy_from_file(options, painting.sha256, painting.path)
