"""The user's commands as a config writes them. Owns what a command may look like; looks for no program."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, ValidationInfo

from pipeline.config import fields as f
from pipeline.config.recipes import Section
from pipeline.config.templates import field_fault
from pipeline.model import HOOK_FIELDS, HookMoment, HookSettings

_DEFAULT: Final = HookSettings()


def _knows_its_fields(moment: HookMoment) -> Callable[[str], str]:
    def check(argument: str) -> str:
        fault = field_fault(argument, HOOK_FIELDS[moment])
        if fault:
            raise ValueError(f"{fault}; write {{{{ and }}}} for the signs themselves")
        return argument

    return check


def _is_no_line(value: Any) -> Any:
    if isinstance(value, str):
        example = '["notify-send", "{output_folder}"]'
        message = f"must be a list of a program and its arguments, like {example}, found {value!r}"
        raise ValueError(message)  # noqa: TRY004 - what pydantic takes for the user's mistake
    return value


def _has_a_program(command: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if not command:
        return command
    program, *arguments = command
    if not program.strip() or "{" in program:
        raise ValueError(f"must begin with the name or path of a program, without fields, found {program!r}")
    if program.lower().endswith((".bat", ".cmd")):
        raise ValueError(f"can't run batch files, to which file names are commands, found {program!r}")
    return (_located(program, f.surroundings(info).folder), *arguments)


def _located(program: str, folder: Path) -> str:
    """Return a path as an absolute one. Links stay: some programs do what their name says."""
    if not program.startswith("~") and os.path.basename(program) == program:  # noqa: PTH119 - as the system splits it
        return program
    try:
        return str(folder / Path(program).expanduser())
    except RuntimeError as error:
        raise ValueError(f"must be a path of this machine, found {program!r} ({error})") from error


_LIST: Final = BeforeValidator(_is_no_line)
_PROGRAM: Final = AfterValidator(_has_a_program)

AfterPicture = Annotated[
    tuple[Annotated[StrictStr, AfterValidator(_knows_its_fields("after_picture"))], ...], _PROGRAM, _LIST
]
AfterRun = Annotated[
    tuple[Annotated[StrictStr, AfterValidator(_knows_its_fields("after_run"))], ...], _PROGRAM, _LIST
]
OnFailure = Annotated[
    tuple[Annotated[StrictStr, AfterValidator(_knows_its_fields("on_failure"))], ...], _PROGRAM, _LIST
]


def _described(moment: HookMoment, when: str) -> str:
    return (
        f"Called {when}: a list of program and arguments, with {' '.join(f'{{{x}}}' for x in HOOK_FIELDS[moment])}."
    )


class HooksSection(Section):
    """Commands of the user's own, run without a shell."""

    after_picture: AfterPicture = Field((), description=_described("after_picture", "after each picture"))
    after_run: AfterRun = Field((), description=_described("after_run", "after each run"))
    on_failure: OnFailure = Field(
        (), description=_described("on_failure", "for each failed picture or photo, and when no work can go on")
    )
    timeout_seconds: f.Factor = Field(
        _DEFAULT.timeout_seconds, description="A call that takes longer is ended, with all it has started."
    )
    at_once: Annotated[f.Positive, Field(le=1000)] = Field(
        _DEFAULT.at_once, description="How many calls run side by side."
    )

    def settings(self) -> HookSettings:
        """Return the commands there are, and how they are run."""
        commands: dict[HookMoment, tuple[str, ...]] = {
            "after_picture": self.after_picture,
            "after_run": self.after_run,
            "on_failure": self.on_failure,
        }
        return HookSettings(
            commands={moment: command for moment, command in commands.items() if command},
            timeout_seconds=self.timeout_seconds,
            at_once=self.at_once,
        )
