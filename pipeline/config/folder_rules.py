"""Owns the rules about folders inside each other: what may not be, or be in, the photos' folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Tag, ValidationInfo, field_validator

from pipeline.config import field_types as f
from pipeline.config.ignore_patterns import is_ignored
from pipeline.config.section import Section


def require_outside_input(folder: Path, info: ValidationInfo, otherwise: str) -> Path:
    """Return ``folder`` if it neither holds the photos' folder nor lies in it, unless ignored; else ValueError."""
    context = f.validation_context(info)
    if context.input is None:
        return folder
    if context.input.is_relative_to(folder):
        raise ValueError(f"can't hold the photos' folder {context.input}; choose a folder beside it, found {folder}")
    if folder.is_relative_to(context.input):
        inside = folder.relative_to(context.input).as_posix() + "/"
        if not is_ignored(inside, context.ignore):
            raise f.RepeatedError(
                f"can't lie in the photos' folder, or {otherwise}; choose a folder beside it, "
                f"or add '/{inside}' to input.ignore, found {folder}",
                context.input,
            )
    return folder


def require_own_folder(folder: Path, info: ValidationInfo) -> Path:
    """Return the state's ``folder`` unless it is or holds the photos' or the pictures' folder: ValueError."""
    context = f.validation_context(info)
    for other, subject in ((context.input, "photos"), (context.output, "pictures")):
        if other is not None and other.is_relative_to(folder):
            raise ValueError(
                f"can't be or hold the {subject}' folder {other}; choose a folder of its own, found {folder}"
            )
    return folder


class MoveSection(Section):
    """Where photos go once all their pictures are made."""

    move: f.ResolvedPath = Field(description="The folder that a photo is moved to, sub-folders kept.")

    @field_validator("move")
    @classmethod
    def _outside_input(cls, folder: Path, info: ValidationInfo) -> Path:
        return require_outside_input(folder, info, "moved photos become new ones")


Originals = Annotated[
    Annotated[MoveSection, Tag(f.MAPPING_TAG)] | Annotated[Literal["keep"], Tag(f.PLAIN_TAG)],
    f.one_of_forms("keep, or move: FOLDER"),
]
