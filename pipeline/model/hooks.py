"""Names, fields and settings of hooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

HookName = Literal["after_picture", "after_run", "on_failure"]

#: The fields that the arguments of each command may hold in braces. All paths are absolute.
HOOK_FIELDS: Final[Mapping[HookName, tuple[str, ...]]] = {
    "after_picture": ("picture", "photo", "style", "recipe", "seconds", "output_folder"),
    "after_run": (
        "finished",
        "copied",
        "failed",
        "photos_set_aside",
        "left",
        "seconds",
        "reason",
        "report",
        "output_folder",
    ),
    "on_failure": ("photo", "style", "recipe", "state", "reason", "output_folder"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """The program and arguments of each configured command, with ``{fields}``.

    Each call may take ``timeout_seconds``; ``at_once`` of them run at the same time.
    """

    commands: Mapping[HookName, tuple[str, ...]] = field(default_factory=dict)
    timeout_seconds: float = 60.0
    at_once: int = 2
