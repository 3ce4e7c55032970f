"""Adopts a picture's settings into a config. Owns which recipe and style they become, and the config's file."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.config.adoption import AdoptedSettings, Adoption, adopt_settings, fragment
from pipeline.config.paintings import written_paintings
from pipeline.config.written_values import flow_text
from pipeline.durable_files import new_file, replace_file
from pipeline.errors import UsageError
from pipeline.model import Painting, Style
from pipeline.picture_settings import RecordedSettings, read_settings
from pipeline.runner.made_pictures import StartImages, differences, provenance_of, with_image_file
from pipeline.runner.preparation import ResolvedConfig

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class PictureToAdopt:
    """What a picture says of its settings, as it is written into a config, and ``notes`` on what is not adopted."""

    settings: AdoptedSettings
    notes: tuple[str, ...]


def picture_to_adopt(
    picture: Path, resolved: ResolvedConfig, new_name: str | None, images: StartImages = lambda _: ()
) -> PictureToAdopt:
    """Return what to adopt of a picture: as the recipe by which it was made, or as one of a new name.

    ``images`` returns files of which one is the image that it started from, if any.
    Raises UsageError for a picture that does not say its settings, or whose style the config does not have;
    StorageError.
    """
    provenance = provenance_of(picture)
    made_with = read_settings(provenance)
    if made_with is None:
        raise UsageError(
            f"{picture}: an older version made it, which did not write the settings into it; 'stylewatch try' makes "
            "one that has them"
        )
    style = _style_of(picture, provenance, made_with, resolved)
    recipe, notes = with_image_file(made_with.recipe, picture, images)
    wanted = AdoptedSettings(
        recipe=replace(recipe, name=new_name or recipe.name),
        style=style.name,
        scale=1.0 if style.regions else made_with.scale,  # which its regions' styles have
        replaces=made_with.recipe.name,
        is_new=new_name is not None,
    )
    return PictureToAdopt(wanted, (*notes, *_notes(made_with, style, resolved)))


def _style_of(
    picture: Path, provenance: Mapping[str, Any], made_with: RecordedSettings, resolved: ResolvedConfig
) -> Style:
    name = provenance.get("style")
    if isinstance(name, str) and name in resolved.styles:
        return resolved.styles[name]
    paintings = _recorded(made_with)
    alike = [style for style in resolved.styles.values() if _blend(style.paintings) == paintings]
    if len(alike) == 1:
        return alike[0]
    raise UsageError(
        f"{picture}: is in the style {name!r}, which the config does not have; it has {', '.join(resolved.styles)}"
    )


def _notes(made_with: RecordedSettings, style: Style, resolved: ResolvedConfig) -> Iterator[str]:
    regions = {region.color: None if region.style is None else region.style.name for region in style.regions}
    if made_with.regions and made_with.regions != regions:
        yield f"style {style.name} has other regions than the picture, whose regions are not adopted"
    elif _recorded(made_with) != _blend(style.paintings):
        paintings = written_paintings([(each.name, each.weight, each.scale) for each in made_with.paintings])
        parts = flow_text(next(iter(paintings.values())))
        yield f"style {style.name} has other paintings, weights or scales than the picture, which is made of {parts}"
    if style.regions and made_with.scale != style.scale:
        yield (
            f"the picture has scale {flow_text(made_with.scale)} where it is in style {style.painted()[0].name}, "
            f"whose scale is {flow_text(style.scale)}: set it in that style"
        )
    yield from differences(made_with, resolved)
    name = made_with.recipe.name
    others = [
        other for other in resolved.styles if other != style.name and name in resolved.pairing.recipes_of[other]
    ]
    if others:
        yield f"recipe {name} is that of {', '.join(others)}, too; --as NAME leaves those as they are"
    if any(rule.recipes for rule in resolved.pairing.rules):
        yield "rules in pairing.rules that name recipes stay as they are"


def _recorded(made_with: RecordedSettings) -> Counter[tuple[str, float, float]]:
    return _blend(painting.painting() for painting in made_with.paintings)


def _blend(paintings: Iterable[Painting]) -> Counter[tuple[str, float, float]]:
    return Counter((painting.sha256, painting.weight, painting.scale) for painting in paintings)


def adopt_into(config: Path, wanted: AdoptedSettings) -> Adoption:
    """Write these settings into the config's file, in one step, with its mode, through links; nothing if it has them.

    Raises ConfigError and UsageError, after which it is as it was.
    """
    before = _read(config, wanted)
    text = before.decode("utf-8-sig")
    adoption = adopt_settings(text, config, wanted)
    if adoption.changes:
        bom = _BOM if before.startswith(_BOM) else b""
        _replace(config, before, bom + adoption.text.encode("utf-8"), wanted)
    return adoption


def _read(config: Path, wanted: AdoptedSettings) -> bytes:
    try:
        return config.read_bytes()
    except OSError as error:
        raise _unwritable(config, error, wanted) from error


def _replace(config: Path, before: bytes, after: bytes, wanted: AdoptedSettings) -> None:
    try:
        file = config.resolve(strict=True)
        part = file.with_name(f".{file.name}.part")
        with new_file(part) as opened:
            opened.write(after)
        try:
            shutil.copymode(file, part)
            _keep_owner(file, part)
            if file.read_bytes() != before:
                raise UsageError(f"{config} was changed meanwhile: it stays as it is; call this again")
            replace_file(part, file)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(config, error, wanted) from error


def _keep_owner(file: Path, part: Path) -> None:
    if hasattr(os, "chown"):
        status = file.stat()
        with contextlib.suppress(OSError):
            os.chown(part, status.st_uid, status.st_gid)
            part.chmod(stat.S_IMODE(status.st_mode))  # a change of the owner may take bits away


def _unwritable(config: Path, error: OSError, wanted: AdoptedSettings) -> UsageError:
    return UsageError(
        f"{config} can't be written ({error.strerror or error}); what to write by hand:\n{fragment(wanted)}"
    )
