"""Validates a config: one problem for each mistake. Owns which errors only follow from others.

A misspelled key is noted, and then counts as the key that was meant: else that one would be missing as well, and all
that refers to what is below it would be unknown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pipeline.config.document import Document, Location, Problem
from pipeline.config.error_messages import explain, format_location, is_redundant, known_keys, location_of
from pipeline.config.field_types import RepeatedError, UnknownNameError, ValidationContext, closest
from pipeline.config.models import Config
from pipeline.config.recipes import IMPORT

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: Returns what settings may refer to, from data that is not validated yet.
MakeContext = Callable[[Mapping[str, Any]], ValidationContext]


@dataclass(frozen=True)
class Mistake:
    """A mistake, and the place of what is wrong in the file; ``file``: the imported one, None for the config."""

    location: Location
    position: tuple[int, int]
    message: str
    file: Path | None = None


def mistake_at(location: Location, message: str, document: Document) -> Mistake:
    """Return a mistake at the place of a value in a document, or of the nearest mapping or list around it."""
    file = document.file(location)
    if file is not None and document.file(location[:2]) is None:
        message += "; the config changes this recipe, and can set it, too"
    return Mistake(location, document.position(location), message, file)


@dataclass(frozen=True)
class _Fault:
    """An error of pydantic, and its location in the file."""

    location: Location
    error: ErrorDetails

    @property
    def cause(self) -> object:
        """The exception that a validator of this package raised; None for pydantic's own errors."""
        return self.error.get("ctx", {}).get("error")

    @property
    def is_about_absent_key(self) -> bool:
        return self.error["type"] == "missing" or (
            self.error["type"] == "value_error" and self.error["input"] is None
        )

    @property
    def mapping(self) -> Location:
        """The location of the mapping in which a key is absent or unknown."""
        return self.location if self.error["type"] == "value_error" else self.location[:-1]


def validate(document: Document, make_context: MakeContext) -> tuple[Config | None, list[Mistake]]:
    """Return the config in a document, if it is one, and its mistakes besides the document's own problems."""
    mistakes: list[Mistake] = []
    skipped = {problem.location for problem in document.problems}
    while True:
        try:
            config = Config.model_validate(document.data, context=make_context(document.data))
        except ValidationError as error:
            faults = [_Fault(location_of(fault), fault) for fault in error.errors(include_url=False)]
        else:
            return (None if mistakes else config), mistakes
        meant = _meant_keys(faults, document.data)
        if not meant:
            return None, mistakes + _mistakes(faults, document, skipped)
        for fault in faults:
            if fault.location in meant:
                mistakes.append(_mistake(fault, document))
        for location, key in meant.items():
            document = _with_key(document, location, key)
            skipped.add((*location[:-1], key))  # what is wrong with its own value is said once the key is right


def _meant_keys(faults: Iterable[_Fault], data: Mapping[str, Any]) -> dict[Location, str]:
    """Return the keys that are meant by misspelled ones, by the locations of these."""
    meant: dict[Location, str] = {}
    taken: set[Location] = set()
    for fault in faults:
        if fault.error["type"] == "extra_forbidden":
            present = _value_at(data, fault.mapping)
            key = closest(str(fault.location[-1]), known_keys(fault.mapping))
            if key and key not in present and (*fault.mapping, key) not in taken:
                meant[fault.location] = key
                taken.add((*fault.mapping, key))
    return meant


def _value_at(data: Any, location: Location) -> Any:
    for part in location:
        data = data[part]
    return data


def _with_key(document: Document, location: Location, key: str) -> Document:
    """Return the document with another key at ``location``, at the place of the one that is there."""

    def renamed(data: Any, path: Location) -> Any:
        if len(path) > 1:
            changed = renamed(data[path[0]], path[1:])
            return {**data, path[0]: changed} if isinstance(data, dict) else _replaced(data, int(path[0]), changed)
        return {key if name == path[0] else name: value for name, value in data.items()}

    depth = len(location)
    positions = {
        (*location[:-1], key, *place[depth:]): position
        for place, position in document.positions.items()
        if place[:depth] == location
    }
    files = {place: file for place in positions if (file := document.file(location)) is not None}
    return dataclasses.replace(
        document,
        data=renamed(document.data, location),
        positions={**document.positions, **positions},
        files={**document.files, **files},
    )


def _replaced(items: list[Any], index: int, value: Any) -> list[Any]:
    return [*items[:index], value, *items[index + 1 :]]


def _mistakes(faults: Iterable[_Fault], document: Document, skipped: set[Location]) -> list[Mistake]:
    named = [fault for fault in faults if not (is_redundant(fault.error) or fault.location in skipped)]
    named = _without_absent_keys(named)
    uncertain = {str(fault.location[0]) for fault in named if _hides_names(fault, document)}
    uncertain |= {"recipes" for problem in document.problems if _is_about_imports(problem)}
    named = [fault for fault in named if not _follows_from_bad_names(fault, uncertain)]
    return [*_grouped(named, document), *_empty_mappings(named, document)]


def _without_absent_keys(faults: list[_Fault]) -> list[_Fault]:
    """Leave out that a key is absent where an unknown one may stand for it."""
    with_unknown_key = {fault.mapping for fault in faults if fault.error["type"] == "extra_forbidden"}
    return [fault for fault in faults if not (fault.is_about_absent_key and fault.mapping in with_unknown_key)]


def _hides_names(fault: _Fault, document: Document) -> bool:
    """Tell whether it is unknown, by this fault, what a style or a recipe is called."""
    section, *place = fault.location or ("",)
    if section not in ("styles", "recipes"):
        return False
    nameless = fault.error["type"] == "extra_forbidden" and "name" not in _value_at(document.data, fault.mapping)
    return len(place) <= 1 or place[1:] == ["name"] or (section == "styles" and len(place) == 2 and nameless)


def _is_about_imports(problem: Problem) -> bool:
    return problem.file is not None or problem.location[:2] == ("recipes", IMPORT)


def _follows_from_bad_names(fault: _Fault, sections: Collection[str]) -> bool:
    """Tell whether a name may be unknown only because not all names in ``sections`` are known."""
    cause = fault.cause
    return isinstance(cause, UnknownNameError) and not cause.hint and f"{cause.kind}s" in sections


def _grouped(faults: Iterable[_Fault], document: Document) -> list[Mistake]:
    """Return a mistake for each fault; of those with the same cause one, which names the places of the others."""
    groups: dict[object, list[_Fault]] = {}
    for number, fault in enumerate(faults):
        if not (fault.is_about_absent_key and _is_empty(document, fault.mapping)):
            cause = fault.cause
            groups.setdefault(cause.group if isinstance(cause, RepeatedError) else number, []).append(fault)
    mistakes = []
    for first, *others in groups.values():
        places = ", ".join(format_location(fault.location) for fault in others)
        found = _mistake(first, document)
        mistakes.append(
            dataclasses.replace(found, message=f"{found.message}; the same in {places}") if places else found
        )
    return mistakes


def _empty_mappings(faults: Iterable[_Fault], document: Document) -> Iterable[Mistake]:
    """Yield one mistake for each mapping that is empty, whatever is absent in it."""
    absent: dict[Location, list[_Fault]] = {}
    for fault in faults:
        if fault.is_about_absent_key and _is_empty(document, fault.mapping):
            absent.setdefault(fault.mapping, []).append(fault)
    for mapping, found in absent.items():
        if len(found) == 1:
            yield _mistake(found[0], document)
        else:
            message = f"is empty; known here: {', '.join(known_keys(mapping))}"
            yield mistake_at(mapping, message, document)


def _is_empty(document: Document, mapping: Location) -> bool:
    return not _value_at(document.data, mapping)


def _mistake(fault: _Fault, document: Document) -> Mistake:
    return mistake_at(fault.location, explain(fault.error, fault.location), document)
