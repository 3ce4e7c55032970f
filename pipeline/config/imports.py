"""Takes recipes of other files into a config: the key ``import`` of its section ``recipes``.

Owns where such a file is looked for, what it may hold, and how the config's own settings go before its. All that
follows sees the recipes as if they stood in the config, with their places in the files that they come from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipeline.config.document import Document, ImportedRecipes, Location, Problem
from pipeline.config.error_messages import format_value
from pipeline.config.field_types import resolve
from pipeline.config.recipes import IMPORT, RecipeSection
from pipeline.config.used_settings import kept_of_imported
from pipeline.config.yaml_source import RECIPES, read_document
from pipeline.errors import ConfigError, StylewatchError

#: Where files are that come with the program: ``recipes/gatys2016.yaml`` and others, the same as in ``configs/``.
OWN_FOLDER: Final = Path(__file__).with_name("presets")


def read_config(path: Path) -> Document:
    """Return what the config at ``path`` holds, with the recipes that it imports. Raises ConfigError."""
    return with_imports(read_document(path), path)


def with_imports(document: Document, path: Path) -> Document:
    """Return a document, which was read from ``path``, with the recipes that it imports; what is wrong is noted."""
    if not _has_import(document.data):
        return document
    found = _Imports(path.absolute())
    for location, entry in _entries(document.data):
        found.add(location, entry, document.position(location)[0])
    return _merged(document, found)


def imported_files(path: Path) -> tuple[Path, ...]:
    """Return the files that the config at ``path`` imports, there or not, each wherever it is looked for.

    What is wrong with the config is not told here, and makes them none.
    """
    try:
        data = read_document(path).data
    except StylewatchError:
        return ()
    folder = path.absolute().parent
    return tuple(dict.fromkeys(file for _, entry in _entries(data) for file in _possible_files(entry, folder)))


def own_files() -> list[str]:
    """Return the names by which the program's own files can be imported."""
    return sorted(file.relative_to(OWN_FOLDER).as_posix() for file in OWN_FOLDER.rglob("*.yaml"))


def _has_import(data: Mapping[str, Any]) -> bool:
    recipes = data.get("recipes")
    return isinstance(recipes, dict) and IMPORT in recipes and not _is_recipe(recipes[IMPORT])


def _is_recipe(value: Any) -> bool:
    """Tell whether there is a recipe under the name ``import``, as configs of older versions may have it."""
    return isinstance(value, dict) and (not value or any(name in RecipeSection.model_fields for name in value))


def _entries(data: Mapping[str, Any]) -> Iterator[tuple[Location, Any]]:
    """Yield what a config wants to import, each with its place."""
    where: Location = ("recipes", IMPORT)
    value = data["recipes"][IMPORT] if _has_import(data) else None
    if isinstance(value, list):
        yield from (((*where, index), entry) for index, entry in enumerate(value))
    elif value is not None:
        yield where, value


def _possible_files(entry: Any, folder: Path) -> tuple[Path, ...]:
    """Return where the file of an entry is looked for, in this order; nowhere if it is no path."""
    try:
        return (resolve(entry, folder), resolve(entry, OWN_FOLDER)) if isinstance(entry, str) else ()
    except ValueError:
        return ()


@dataclass(slots=True)
class _Imports:
    """What the files hold that the config ``config`` imports, and what is wrong with them."""

    config: Path
    documents: dict[Path, Document] = field(default_factory=dict)
    owners: dict[str, Path] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, location: Location, entry: Any, line: int) -> None:
        """Read the file that is named at a place of the config."""
        try:
            file = self._file(entry)
        except ValueError as error:
            self.problems.append(Problem(location, line, str(error)))
            return
        try:
            document = read_document(file, RECIPES)
        except ConfigError as error:
            self.problems += [Problem(("recipes",), each.line, each.message, file) for each in error.problems]
            return
        self.problems += [Problem(("recipes", *each.location), *each[1:3], file) for each in document.problems]
        self.documents[file] = dataclasses.replace(document, data=dict(self._own_recipes(file, document)))

    def _file(self, entry: Any) -> Path:
        """Return the file that an entry names. Raises ValueError."""
        if not isinstance(entry, str):
            raise ValueError(f"must be a file of recipes, or a list of such files, found {format_value(entry)}")  # noqa: TRY004 - a message
        wanted = resolve(entry, self.config.parent)
        file = next(filter(_is_file, (wanted, resolve(entry, OWN_FOLDER))), None)
        if file is None:
            kind = "is a folder" if wanted.is_dir() else "doesn't exist"
            own = ", ".join(own_files())
            raise ValueError(f"must be a file of recipes; {wanted} {kind}, and with the program come {own}")
        if _is_same(file, self.config):
            raise ValueError("must be another file: this is the config itself, whose recipes it has already")
        if file in self.documents:
            raise ValueError(f"must name each file once, found {entry!r} again")
        return file

    def _own_recipes(self, file: Path, document: Document) -> Iterator[tuple[str, Any]]:
        """Yield what a file brings along, and note what it may not hold."""
        if message := _whole_config(document.data):
            self.problems.append(Problem(("recipes",), None, message, file))
            return
        for name, value in document.data.items():
            message = ""
            if name == IMPORT and not _is_recipe(value):
                message = "is not possible in a file that is imported itself: list all files in the config's 'import'"
            elif name in self.owners:
                message = f"is a recipe of {self.owners[name]} as well; rename one of them, or import one file only"
            if message:
                line, _ = document.position((name,))
                self.problems.append(Problem(("recipes", name), line, message, file))
            else:
                self.owners[name] = file
                yield name, value


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise ValueError(f"must be a file of recipes; {path} can't be read ({error.strerror})") from error


def _is_same(file: Path, config: Path) -> bool:
    try:
        return file.samefile(config)
    except OSError:  # the text of a config is checked before its file is there
        return False


def _whole_config(data: Mapping[str, Any]) -> str:
    """Return what is wrong with a file that holds a config's sections; nothing if it does not."""
    if isinstance(data.get("styles"), list) or ("recipes" in data and not _is_recipe(data["recipes"])):
        return "is a whole config; a file of recipes holds what a config has below 'recipes:', without that line"
    return ""


def _merged(document: Document, found: _Imports) -> Document:
    """Return a document with the recipes found, its own settings before theirs."""
    own: dict[str, Any] = document.data["recipes"]
    recipes = {
        name: _with_own(value, own[name]) if name in own else value
        for each in found.documents.values()
        for name, value in each.data.items()
    }
    recipes |= {name: value for name, value in own.items() if name not in recipes and name != IMPORT}
    positions, files = dict(document.positions), {}
    for file, each in found.documents.items():
        for place in _places_taken(each, own):
            positions["recipes", *place] = each.positions[place]
            files["recipes", *place] = file
    return dataclasses.replace(
        document,
        data={**document.data, "recipes": recipes},
        positions=positions,
        problems=(*document.problems, *found.problems),
        imports=tuple(ImportedRecipes(file, each.data) for file, each in found.documents.items()),
        files=files,
    )


def _with_own(imported: Any, own: Any) -> Any:
    """Return an imported recipe with the config's own settings of it."""
    if not isinstance(imported, dict | None):
        return imported  # which is a mistake of its own
    return {**kept_of_imported(imported or {}, own or {}), **(own or {})} if isinstance(own, dict | None) else own


def _places_taken(imported: Document, own: Mapping[str, Any]) -> Iterable[Location]:
    """Yield the places of what is taken from an imported file, not from the config's own recipes."""
    for place in imported.positions:
        if not place or place[0] not in imported.data:
            continue
        settings = own.get(str(place[0]), {}) or {}
        replaced = len(place) > 1 and isinstance(settings, dict) and place[1] in settings
        if not (replaced or (len(place) == 1 and place[0] in own)):
            yield place
