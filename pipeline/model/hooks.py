"""The user's own commands: when they are called, and what can be filled into their arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

HookMoment = Literal["after_picture", "after_run", "on_failure"]

#: What can stand in braces in the arguments of each command. All paths are absolute.
HOOK_FIELDS: Final[Mapping[HookMoment, tuple[str, ...]]] = {
    "after_picture": ("picture", "photo", "style", "recipe", "seconds", "output_folder"),
    "after_run": ("finished", "copied", "failed", "left", "seconds", "reason", "report", "output_folder"),
    "on_failure": ("photo", "style", "recipe", "state", "reason", "output_folder"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """Program and arguments of each command there is, with ``{fields}``.

    Each call may take ``timeout_seconds``; so many as ``at_once`` run side by side.
    """

    commands: Mapping[HookMoment, tuple[str, ...]] = field(default_factory=dict)
    timeout_seconds: float = 60.0
    at_once: int = 2
