"""Turns events into calls of the user's commands. Owns their arguments and environment; does not run them.

Values are filled in once, each into the argument where its field stands: a value is never split, read as a field or
given to a shell. Files are absolute paths, so that no name is taken for an option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.model import (
    HookName,
    JobFailed,
    JobFinished,
    JobState,
    PhotoSetAside,
    RunEvent,
    RunFinished,
    WatchNotice,
)

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HookCall:
    """A command to run: its hook, its program and arguments, and what is added to its environment."""

    name: HookName
    arguments: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def is_after_run(self) -> bool:
        """Whether it comes after a run, so after the calls for the run's pictures."""
        return self.name == "after_run"

    def __str__(self) -> str:
        """Return ``after_picture: PROGRAM``."""
        return f"{self.name}: {self.arguments[0]}"


def build_call(name: HookName, command: tuple[str, ...], fields: Fields) -> HookCall:
    """Return the call of ``command``, with its ``{fields}`` replaced by these values."""
    program, *arguments = command
    return HookCall(
        name,
        (program, *(argument.format_map(fields) for argument in arguments)),
        {"STYLEWATCH_HOOK": name, **{f"STYLEWATCH_{field.upper()}": value for field, value in fields.items()}},
    )


@dataclass(frozen=True, slots=True)
class HookFolders:
    """The folders that paths in events are relative to."""

    photos: Path
    pictures: Path

    def call_for(self, event: RunEvent, report: Path | None) -> tuple[HookName, Fields] | None:
        """Return the name and the fields of the call for an event, None if there is none to make.

        ``report`` is the folder of the last run's report.
        """
        match event:
            case JobFinished():
                return "after_picture", self._picture_fields(event)
            case RunFinished():
                return "after_run", self._run_fields(event, report)
            case JobFailed(photo_set_aside=True):
                return None  # PhotoSetAside calls it, once for all pictures of the photo
            case JobFailed(state=JobState.FAILED | JobState.QUARANTINED):
                job = event.job
                return "on_failure", self.failure_fields(
                    event.reason, event.state.value, job.photo, job.style, job.recipe
                )
            case PhotoSetAside(kind="quarantined"):
                return "on_failure", self.failure_fields(event.reason, JobState.QUARANTINED.value, event.path)
            case WatchNotice(kind="paused" | "refused"):
                return "on_failure", self.failure_fields(event.text, event.kind)
            case _:
                return None

    def failure_fields(self, reason: str, state: str, photo: str = "", style: str = "", recipe: str = "") -> Fields:
        """Return the fields of ``on_failure``; ``photo`` is empty if no photo is to blame."""
        return {
            "photo": str(self.photos / photo) if photo else "",
            "style": style,
            "recipe": recipe,
            "state": state,
            "reason": reason,
            "output_folder": str(self.pictures),
        }

    def _picture_fields(self, event: JobFinished) -> Fields:
        seconds = event.artwork.seconds if event.artwork is not None else 0.0
        return {
            "picture": str(self.pictures / event.output),
            "photo": str(self.photos / event.job.photo),
            "style": event.job.style,
            "recipe": event.job.recipe,
            "seconds": f"{seconds:.1f}",
            "output_folder": str(self.pictures),
        }

    def _run_fields(self, event: RunFinished, report: Path | None) -> Fields:
        return {
            "finished": str(event.finished),
            "copied": str(event.copied),
            "failed": str(event.failed),
            "photos_set_aside": str(event.photos_set_aside),
            "left": str(event.left),
            "seconds": f"{event.seconds:.1f}",
            "reason": event.reason,
            "report": "" if report is None else str(report),
            "output_folder": str(self.pictures),
        }
