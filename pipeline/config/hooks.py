"""The section ``hooks``: the user's own commands. Owns what a command may look like; never looks for the program."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, ValidationInfo

from pipeline.config import field_types as f
from pipeline.config.section import Section
from pipeline.config.templates import template_error
from pipeline.model import HOOK_FIELDS, HookName, HookSettings

_DEFAULT: Final = HookSettings()


def _check_fields(name: HookName) -> Callable[[str], str]:
    def check(argument: str) -> str:
        error = template_error(argument, HOOK_FIELDS[name])
        if error:
            raise ValueError(f"{error}; write {{{{ and }}}} for the braces themselves")
        return argument

    return check


def _reject_plain_text(value: Any) -> Any:
    if isinstance(value, str):
        example = '["notify-send", "{output_folder}"]'
        message = f"must be a list of a program and its arguments, like {example}, found {value!r}"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports only ValueError
    return value


def _check_program(command: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if not command:
        return command
    program, *arguments = command
    if not program.strip() or "{" in program:
        raise ValueError(f"must begin with the name or path of a program, without fields, found {program!r}")
    f.require_no_escapes(program)
    if program.lower().endswith((".bat", ".cmd")):
        raise ValueError(f"can't run batch files, to which file names are commands, found {program!r}")
    return (_resolve_program(program, f.validation_context(info).folder), *arguments)


def _resolve_program(program: str, folder: Path) -> str:
    """Return a path as an absolute one. Links are kept: some programs behave by the name they are called by."""
    if not program.startswith("~") and os.path.basename(program) == program:  # noqa: PTH119 - as the system splits it
        return program
    try:
        return str(folder / Path(program).expanduser())
    except RuntimeError as error:
        raise ValueError(f"must be a path of this machine, found {program!r} ({error})") from error


_LIST: Final = BeforeValidator(_reject_plain_text)
_PROGRAM: Final = AfterValidator(_check_program)

AfterPicture = Annotated[
    tuple[Annotated[StrictStr, AfterValidator(_check_fields("after_picture"))], ...], _PROGRAM, _LIST
]
AfterRun = Annotated[tuple[Annotated[StrictStr, AfterValidator(_check_fields("after_run"))], ...], _PROGRAM, _LIST]
OnFailure = Annotated[tuple[Annotated[StrictStr, AfterValidator(_check_fields("on_failure"))], ...], _PROGRAM, _LIST]


def _description(name: HookName, when: str) -> str:
    return f"Called {when}: a list of program and arguments, with {' '.join(f'{{{x}}}' for x in HOOK_FIELDS[name])}."


class HooksSection(Section):
    """Commands of the user's own, run without a shell."""

    after_picture: AfterPicture = Field((), description=_description("after_picture", "after each picture"))
    after_run: AfterRun = Field((), description=_description("after_run", "after each run"))
    on_failure: OnFailure = Field(
        (), description=_description("on_failure", "for each failed picture or photo, and when work can't continue")
    )
    timeout_seconds: f.Factor = Field(
        _DEFAULT.timeout_seconds, description="A call that takes longer is ended, with all it has started."
    )
    at_once: Annotated[f.PositiveInteger, Field(le=1000)] = Field(
        _DEFAULT.at_once, description="How many calls run side by side."
    )

    def settings(self) -> HookSettings:
        """Return the commands there are, and how they are run."""
        commands: dict[HookName, tuple[str, ...]] = {
            "after_picture": self.after_picture,
            "after_run": self.after_run,
            "on_failure": self.on_failure,
        }
        return HookSettings(
            commands={name: command for name, command in commands.items() if command},
            timeout_seconds=self.timeout_seconds,
            at_once=self.at_once,
        )
