"""Combinations of the values that one recipe or style lists. Owns what is wrong with them, and how many may be."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from pipeline.config.document import Document, Location
from pipeline.config.error_messages import explain, format_value, is_redundant, location_of
from pipeline.config.mistakes import MakeContext, Mistake, mistake_at
from pipeline.config.recipes import RecipeSection, value_of
from pipeline.config.styles import StyleSection
from pipeline.config.used_settings import without_unused
from pipeline.config.written_values import flow_text

#: So many combinations of one recipe can be told apart by nobody.
MAX_COMBINATIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Axis:
    """A setting that lists values: its place in the file, its line, and the values as they are written there.

    ``file``: an imported one, None for the config.
    """

    location: Location
    line: int
    values: tuple[Any, ...]
    file: Path | None = None

    @property
    def setting(self) -> str:
        """The setting's name."""
        return str(self.location[-1])


class Combinations:
    """The values that one recipe or style lists, and what is wrong with them."""

    def __init__(self, document: Document, owner: Location, axes: Sequence[Axis], make_context: MakeContext) -> None:
        self._document, self._owner, self._axes = document, owner, axes
        self._make_context = make_context
        self._data: Mapping[str, Any] = value_at(document.data, owner)
        self._model: type[BaseModel] = RecipeSection if owner[0] == "recipes" else StyleSection

    def all(self) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
        """Yield the section's data with each combination of values, and these values as text by setting."""
        for choice in self._choices():
            chosen = {axis.setting: axis.values[index] for axis, index in zip(self._axes, choice, strict=True)}
            yield self._with(chosen), {setting: flow_text(value) for setting, value in chosen.items()}

    def _with(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        changed = {**self._data, **chosen}
        return without_unused(changed, self._data)

    def mistakes(self, known: set[Location]) -> list[Mistake]:
        """Return the mistakes in values but the first ones, and in combinations; ``known`` are reported already."""
        found: dict[Location, Mistake] = {}
        for number, axis in enumerate(self._axes):
            for index in range(1, len(axis.values)):
                choice = [0] * len(self._axes)
                choice[number] = index
                for mistake in self._wrong_with(choice):
                    if mistake.location[: len(axis.location) + 1] == (*axis.location, index):
                        found.setdefault(mistake.location, mistake)
            for mistake in self._repeated(axis):
                found.setdefault(mistake.location, mistake)
        if (number_of := math.prod(len(axis.values) for axis in self._axes)) > MAX_COMBINATIONS:
            message = f"lists values that make {number_of:,} combinations, at most {MAX_COMBINATIONS:,} can be tried"
            return [*found.values(), mistake_at(self._owner, message, self._document)]
        return list(found.values()) or self._wrong_together(known)

    def _wrong_together(self, known: set[Location]) -> list[Mistake]:
        """Return what is wrong with combinations of values that are right by themselves."""
        found: dict[Location, Mistake] = {}
        if any(location[: len(self._owner)] == self._owner for location in known):
            return []
        for choice in self._choices():
            chosen = ", ".join(
                f"{axis.setting}: {flow_text(axis.values[index])}"
                for axis, index in zip(self._axes, choice, strict=True)
            )
            for mistake in self._wrong_with(choice):
                message = f"{mistake.message} (in the combination {chosen})"
                found.setdefault(mistake.location, dataclasses.replace(mistake, message=message))
        return list(found.values())

    def _choices(self) -> Iterator[Sequence[int]]:
        return iter(product(*(range(len(axis.values)) for axis in self._axes)))

    def _wrong_with(self, choice: Sequence[int]) -> list[Mistake]:
        chosen = {axis.location: index for axis, index in zip(self._axes, choice, strict=True)}
        values = {axis.setting: axis.values[index] for axis, index in zip(self._axes, choice, strict=True)}
        try:
            self._model.model_validate(self._with(values), context=self._make_context(self._document.data))
        except ValidationError as error:
            faults = [fault for fault in error.errors(include_url=False) if not is_redundant(fault)]
            locations = [(*self._owner, *location_of(fault)) for fault in faults]
            return [
                placed(mistake_at(location, explain(fault, location), self._document), chosen, self._document)
                for fault, location in zip(faults, locations, strict=True)
            ]
        return []

    def _repeated(self, axis: Axis) -> Iterator[Mistake]:
        """Yield a mistake for each value that means the same as one before it."""
        seen: list[Any] = []
        for index, value in enumerate(axis.values):
            meaning = self._meaning(axis.setting, value)
            if meaning is not None and meaning in seen:
                message = f"must differ from the other values, found {format_value(value)} again"
                yield mistake_at((*axis.location, index), message, self._document)
            seen.append(meaning)

    def _meaning(self, setting: str, value: Any) -> Any:
        try:
            section = self._model.model_validate(
                self._with({**{axis.setting: axis.values[0] for axis in self._axes}, setting: value}),
                context=self._make_context(self._document.data),
            )
        except ValidationError:
            return None
        if not isinstance(section, RecipeSection):
            return getattr(section, setting)
        recipe = section.recipe("")
        return recipe if setting in ("quality", "max_size") else value_of(setting, recipe)


def placed(mistake: Mistake, chosen: Mapping[Location, int], document: Document) -> Mistake:
    """Return a mistake at its place in the file: below a setting that lists values, in the chosen one."""
    for axis, index in chosen.items():
        if mistake.location[: len(axis)] == axis:
            location = (*axis, index, *mistake.location[len(axis) :])
            position, file = document.position(location), document.file(location)
            return dataclasses.replace(mistake, location=location, position=position, file=file)
    return mistake


def value_at(data: Any, location: Location) -> Any:
    """Return what lies at a location of a document's data."""
    for part in location:
        data = data[part]
    return data
