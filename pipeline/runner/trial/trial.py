"""Makes a try: the pictures of a plan, and their contact sheet. Owns where both go, and what the sheet is called."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.errors import StorageError
from pipeline.executors import Executor
from pipeline.model import PassSettings
from pipeline.model.gallery_files import GALLERY_FOLDER
from pipeline.model.trial import SheetPhoto
from pipeline.report.formatting import counted
from pipeline.report.gallery.folder import GalleryFolder
from pipeline.report.gallery.sheets import SHEETS_FOLDER, SheetFiles
from pipeline.runner.execution.outcomes import EmitRunEvent
from pipeline.runner.preparation import ResolvedConfig
from pipeline.runner.trial.names import TRIES_FOLDER, photo_folder, time_name
from pipeline.runner.trial.plan import TrialPicture, TrialPlan, contact_sheet
from pipeline.runner.trial.sheet import SheetRecorder
from pipeline.runner.trial.tryout import Tryout


@dataclass(frozen=True, slots=True)
class Trial:
    """Where the pictures of a try go (``folder``), and the name of its contact sheet among all.

    ``config_name``: the config's, for the sheet.
    """

    folder: Path
    sheet_id: str
    started: float
    config_name: str

    @classmethod
    def begin(
        cls,
        output_folder: Path,
        photos: tuple[SheetPhoto, ...],
        into: Path | None,
        config_name: str,
        now: Callable[[], float] = time.time,
    ) -> Trial:
        """Return where a try of these photos goes: of one into a folder of its name, of several of the time."""
        started = now()
        tries = output_folder / TRIES_FOLDER
        sheets = output_folder / GALLERY_FOLDER / SHEETS_FOLDER
        name = time_name(datetime.fromtimestamp(started).astimezone(), tries, (sheets,))
        return cls(
            into or tries / (photo_folder(photos[0].path) if len(photos) == 1 else name), name, started, config_name
        )

    def is_below(self, output_folder: Path) -> bool:
        """Tell whether the pictures lie in the output folder, so that the gallery can show them."""
        return self.folder.absolute().is_relative_to(output_folder.absolute())


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a try made: pictures, the files of their contact sheet, and the reasons of the pictures that failed."""

    pictures: tuple[Path, ...]
    sheets: tuple[Path, ...]
    failures: tuple[str, ...]


def run_trial(
    trial: Trial,
    plan: TrialPlan,
    settings: PassSettings,
    resolved: ResolvedConfig,
    executor: Executor,
    emit: EmitRunEvent,
    *,
    warn: Callable[[str], None],
) -> TrialResult:
    """Make the pictures, and a contact sheet of them if they are several.

    ``warn`` gets a sentence about a sheet that can't be written. Raises as :meth:`Tryout.run` does, the sheet being
    finished then, too.
    """
    has_gallery = trial.is_below(settings.folders.output) and settings.previews is not None
    tryout = Tryout(settings, resolved, executor, emit, with_previews=has_gallery)
    failures: list[str] = []
    if len(plan.pictures) == 1:
        made = tryout.run(plan, trial.folder, on_failed=lambda _picture, reason: failures.append(reason))
        return TrialResult(tuple(made), (), tuple(failures))
    sheet = contact_sheet(
        plan, sheet_id=trial.sheet_id, title=_title(plan), started=trial.started, config_name=trial.config_name
    )
    recorder = SheetRecorder(sheet, trial.folder, _files(settings, warn) if has_gallery else None, warn)

    def failed(picture: TrialPicture, reason: str) -> None:
        failures.append(reason)
        recorder.failed(picture, reason)

    try:
        made = tryout.run(plan, trial.folder, recorder.made, failed)
    finally:
        files = recorder.finish()
    return TrialResult(tuple(made), files, tuple(failures))


def _title(plan: TrialPlan) -> str:
    photos = plan.photos[0].name if len(plan.photos) == 1 else counted(len(plan.photos), "photo")
    settings = dict.fromkeys(setting for picture in plan.pictures for setting in picture.values)
    return f"{photos}: {', '.join(settings)}" if settings else photos


def _files(settings: PassSettings, warn: Callable[[str], None]) -> SheetFiles | None:
    previews = settings.previews
    assert previews is not None
    folder = GalleryFolder(previews.folder)
    try:
        folder.require_own()
    except StorageError as error:
        warn(str(error))
        return None
    return SheetFiles(folder, with_photos=previews.photo_pixels > 0)
