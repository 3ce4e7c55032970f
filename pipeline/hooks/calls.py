"""From an event to the command it calls for. Owns what is filled into arguments and environment; starts nothing.

Values are filled in once, each into the argument where its field stands: what is in them is never split, read as a
field or given to a shell. Files are absolute paths, so that no name is taken for an option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.model import (
    HookMoment,
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
    """A command as it is to be run: its program and arguments, and what is added to its environment."""

    moment: HookMoment
    arguments: tuple[str, ...]
    environment: Mapping[str, str]

    def __str__(self) -> str:
        """Return ``after_picture: PROGRAM``."""
        return f"{self.moment}: {self.arguments[0]}"


def build_call(moment: HookMoment, command: tuple[str, ...], fields: Fields) -> HookCall:
    """Return the call of ``command``, all ``{fields}`` of which are among these."""
    program, *arguments = command
    return HookCall(
        moment,
        (program, *(argument.format_map(fields) for argument in arguments)),
        {"STYLEWATCH_HOOK": moment, **{f"STYLEWATCH_{name.upper()}": value for name, value in fields.items()}},
    )


@dataclass(frozen=True, slots=True)
class HookFolders:
    """What paths in events are relative to."""

    photos: Path
    pictures: Path

    def call_for(self, event: RunEvent, report: Path | None) -> tuple[HookMoment, Fields] | None:
        """Return when an event calls for a command, and what that may be told; ``report`` is that of the last run."""
        match event:
            case JobFinished():
                return "after_picture", self._picture_fields(event)
            case RunFinished():
                return "after_run", self._run_fields(event, report)
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
        """Return what is told of a failure; without ``photo`` none is to blame."""
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
            "left": str(event.left),
            "seconds": f"{event.seconds:.1f}",
            "reason": event.reason,
            "report": "" if report is None else str(report),
            "output_folder": str(self.pictures),
        }
