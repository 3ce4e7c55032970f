"""Makes a config of what stands in a picture's metadata, to make it again, changed. Owns where that is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.config import ConfigWithVariants, load_variants
from pipeline.config.document import Document
from pipeline.config.imports import read_config
from pipeline.config.loading import variants_in
from pipeline.config.paintings import written_paintings
from pipeline.config.recipes import written_fields
from pipeline.config.set_options import with_settings
from pipeline.config.settings import folder_settings
from pipeline.config.written_values import path_text, style_and_recipe_text
from pipeline.errors import UsageError
from pipeline.hashing import settings_sha256, sha256_of_file
from pipeline.ledger import LEDGER_NAME, Ledger, ledger_exists
from pipeline.model import Style
from pipeline.picture_settings import RecordedPainting, RecordedSettings, read_settings
from pipeline.runner.instance.folder_marks import OUTPUT_MARK, other_states
from pipeline.runner.made_pictures import differences, provenance_of, start_images, with_image_file
from pipeline.runner.preparation import ResolvedConfig, ledger_file, resolve_config, source_of

#: What a config says of these is about styles and recipes that a picture's own replace.
_REPLACED = ("styles", "recipes", "pairing")


@dataclass(frozen=True, slots=True)
class Like:
    """A config that makes a picture again; ``text``: its styles and recipes as YAML, ``notes``: what may differ."""

    found: ConfigWithVariants
    text: str
    notes: tuple[str, ...]


def find_config(picture: Path) -> Path:
    """Return the config that made a picture, from the records of the output folder in which it lies.

    Raises UsageError if there is none, if several are possible, or if it is no picture; ConfigError, LedgerError,
    StorageError.
    """
    provenance_of(picture)
    picture = picture.resolve()
    for folder in picture.parents:
        own = folder / OUTPUT_MARK.parent
        for state in (own, *other_states(own, folder)):
            if ledger_exists(state / LEDGER_NAME):
                return _config_in(state / LEDGER_NAME, picture, folder)
    raise UsageError(f"{picture} lies in no folder with records of pictures: name the config, too, before the photo")


def _config_in(file: Path, picture: Path, folder: Path) -> Path:
    with Ledger.to_read(file, "") as ledger:
        known = ledger.config_files.of_picture(picture.relative_to(folder).as_posix())
    configs = [config for config in known if config.is_file()]
    if len(configs) == 1:
        _require_own_output(configs[0], folder)
        return configs[0]
    if configs:
        raise UsageError(f"several configs work in {folder}: name one of {', '.join(map(str, configs))}")
    gone = f"{known[0]} is gone" if known else "no run of this version has recorded one"
    raise UsageError(f"which config made the pictures in {folder} is not known ({gone}): name it, before the photo")


def _require_own_output(config: Path, folder: Path) -> None:
    """Require that a config still writes to this folder: a copy of the folder has the records of the first one."""
    output = load_variants(config).config.output.folder
    if output.resolve() != folder:
        raise UsageError(f"{config} made the pictures in {folder}, and writes to {output}: name a config, too")


def config_like(picture: Path, config: Path, set_options: Sequence[str] = ()) -> Like:
    """Return a picture's settings as a config with everything else as ``config`` has it; ``set_options`` change them.

    Raises UsageError for a picture that does not say them, or whose paintings the config does not have; ConfigError.
    """
    provenance = provenance_of(picture)
    document = read_config(config)
    recorded = read_settings(provenance)
    if recorded is not None and recorded.regions:
        raise UsageError(
            f"{picture}: was made by its photo's mask, with a style for each region; --like makes pictures in one "
            f"style again: use 'stylewatch try CONFIG PHOTO --style NAME', or 'stylewatch redo'"
        )
    if recorded is None:
        style, recipes, notes = _present_settings(picture, provenance, document, config)
    else:
        found = load_variants(config)
        recipe, image_notes = with_image_file(recorded.recipe, picture, partial(start_images, found, config))
        recorded = replace(recorded, recipe=recipe)
        parts = _RecordedParts(picture, provenance, recorded, resolve_config(found.config), config.absolute().parent)
        style, recipes, notes = parts.style(), parts.recipes(), (*parts.notes(), *image_notes)
    kept = {key: value for key, value in document.data.items() if key not in _REPLACED}
    positions = {
        place: position for place, position in document.positions.items() if not place or place[0] not in _REPLACED
    }
    changed = Document({**kept, "styles": [style], "recipes": recipes}, positions, ())
    changed, given = with_settings(changed, set_options)
    return Like(variants_in(changed, config, given), _text(changed.data, picture), notes)


def _present_settings(
    picture: Path, provenance: Mapping[str, Any], document: Document, config: Path
) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """Return style and recipe of these names as the config has them now: all that an older version's picture says."""
    load_variants(config)
    name, recipe = provenance.get("style"), str(provenance.get("recipe", "default"))
    styles = {style["name"]: style for style in document.data["styles"]}
    recipes = {"default": {}, **(document.data.get("recipes") or {})}
    for kind, wanted, known in (("style", name, styles), ("recipe", recipe, recipes)):
        if wanted not in known:
            raise UsageError(
                f"{picture}: is of an older version and has only the name of its {kind}, {wanted!r}, which {config} "
                f"does not have; it has {', '.join(known)}"
            )
    style = {key: value for key, value in styles[name].items() if key not in ("recipe", "recipes")}
    note = f"an older version made it: style {name} and recipe {recipe} are as {config} has them now"
    return style | _recipe_of(recipe), {recipe: recipes[recipe] or {}}, (note,)


def _recipe_of(name: str) -> dict[str, str]:
    return {} if name == "default" else {"recipe": name}


class _RecordedParts:
    """The settings recorded in a picture as a config has them, and what may differ from when it was made."""

    def __init__(
        self,
        picture: Path,
        provenance: Mapping[str, Any],
        recorded: RecordedSettings,
        resolved: ResolvedConfig,
        folder: Path,
    ) -> None:
        self._picture, self._recorded, self._resolved, self._folder = picture, recorded, resolved, folder
        self._style_name = str(provenance.get("style", "style"))
        by_style = sorted(resolved.styles.values(), key=lambda style: style.name != self._style_name)
        self._paintings = [(painting, self._file(painting, by_style)) for painting in recorded.paintings]
        if not self._paintings:
            raise UsageError(f"{picture}: its metadata names no painting; name a style with --style instead")

    def style(self) -> dict[str, Any]:
        """Return the style, with paintings from the config's styles."""
        paintings = written_paintings(
            [(path_text(path, self._folder), each.weight, each.scale) for each, (path, _) in self._paintings]
        )
        scale = {} if self._recorded.scale == 1 else {"scale": self._recorded.scale}
        return {"name": self._style_name, **paintings, **scale, **_recipe_of(self._recorded.recipe.name)}

    def recipes(self) -> dict[str, Any]:
        """Return the recipe, with those of its settings that are not at their defaults."""
        recipe, image = self._recorded.recipe, self._recorded.recipe.init_image
        if image is not None:
            recipe = replace(recipe, init_image=Path(path_text(image, self._folder)))
        return {recipe.name: written_fields(recipe)}

    def notes(self) -> Iterator[str]:
        """Yield what may differ."""
        for path in [path for _, (path, is_same) in self._paintings if not is_same]:
            yield f"the painting {path} has changed since: it had other content when the picture was made"
        yield from differences(self._recorded, self._resolved)

    def _file(self, painting: RecordedPainting, styles: Sequence[Style]) -> tuple[Path, bool]:
        """Return the painting of this content, else the one of this name, and whether it is the same."""
        known = [each for style in styles for each in style.paintings]
        for each in known:
            if each.sha256 == painting.sha256:
                return each.path, True
        for each in known:
            if each.path.name == painting.name:
                return each.path, False
        raise UsageError(
            f"{self._picture}: its painting {painting.name} is in no style of the config; add a style with it"
        )


def _text(data: Mapping[str, Any], picture: Path) -> str:
    """Return style and recipe as YAML that a config can have."""
    [style] = data["styles"]
    name = style.get("recipe", "default")
    source = f"# as in {picture.name!r}\n" if picture.name.isprintable() else ""
    return source + style_and_recipe_text(style, name, data["recipes"][name] or {})


def find_photo(picture: Path, found: ConfigWithVariants) -> Path:
    """Return the photo of a picture, by the records of its config: by its file, or by its key if it is a try's.

    Raises UsageError if it is not known or not there, LedgerError, StorageError.
    """
    folders = folder_settings(found.config)
    photo = _photo_on_record(picture, folders.output, ledger_file(folders), source_of(folders))
    if photo is None:
        raise UsageError(f"{picture}: its photo is not on record; name it, too: --like PICTURE PHOTO")
    for folder in (folders.input, folders.originals):
        if folder is not None and (folder / photo).is_file():
            return folder / photo
    raise UsageError(
        f"{picture}: its photo, {photo}, is not in {folders.input} or lies in an archive; name it, too: "
        f"--like PICTURE PHOTO"
    )


def _photo_on_record(picture: Path, output: Path, file: Path, source: str) -> str | None:
    if not ledger_exists(file):
        return None
    resolved, output, sha256 = picture.resolve(), output.resolve(), sha256_of_file(picture)
    name = resolved.relative_to(output).as_posix() if resolved.is_relative_to(output) else None
    provenance = provenance_of(picture)
    with Ledger.to_read(file, source) as ledger:
        records = ledger.pictures.all()
        same = [record for record in records if record.sha256 == sha256]
        same.sort(key=lambda record: record.output != name)
        if not same:  # its metadata was edited, for instance
            same = [record for record in records if record.output == name]
        if same:
            return same[0].job.photo
        settings = _settings_sha256(provenance)
        return ledger.pictures.photo_with_key(settings, str(provenance.get("key"))) if settings else None


def _settings_sha256(provenance: Mapping[str, Any]) -> str | None:
    recorded = read_settings(provenance)
    if recorded is None:
        return None
    paintings = tuple(painting.painting() for painting in recorded.paintings)
    return settings_sha256(Style("", paintings, recorded.scale), recorded.recipe, recorded.weights)
