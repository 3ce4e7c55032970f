"""The types of settings: paths, names, sizes, layers. Owns their bounds and the messages about values beyond them.

Where a value's meaning depends on the rest of the file (the config's folder, the names of styles and recipes),
validators read it from the :class:`ValidationContext`. Text is never converted to a number, nor a number to text.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationInfo,
    WithJsonSchema,
)

from pipeline.config.yaml_source import BACKSLASH_HINT
from pipeline.model import LAYERS, canonical_layer

#: Tags that pydantic puts into an error's location for the form a value has; no key of a file can be one.
MAPPING_TAG: Final = "\0mapping"
LIST_TAG: Final = "\0list"
PLAIN_TAG: Final = "\0plain"
TEXT_TAG: Final = "\0text"


@dataclass
class ValidationContext:
    """What a setting may refer to. ``seen`` collects names during one validation, to find duplicates.

    ``has_masks``: the config names a folder of masks. ``originals``: where photos are moved to.
    ``pairs_by_folder``: in the photos' folder, a folder of a style's name chooses that style.
    """

    folder: Path
    output: Path
    styles: tuple[str, ...]
    recipes: tuple[str, ...]
    input: Path | None = None
    styles_with_regions: tuple[str, ...] = ()
    has_masks: bool = False
    originals: Path | None = None
    pairs_by_folder: bool = False
    ignore: tuple[str, ...] = ()
    seen: set[tuple[str, str]] = field(default_factory=set)


def validation_context(info: ValidationInfo) -> ValidationContext:
    """Return the context, which every validation of this package gets."""
    context = info.context
    assert isinstance(context, ValidationContext)
    return context


class RepeatedError(ValueError):
    """A value that can't be used for a reason that others may have, too; ``group``: what these have in common."""

    def __init__(self, message: str, group: object) -> None:
        self.group = group
        super().__init__(message)


class UnknownNameError(RepeatedError):
    """A name of a style or recipe (``kind``) that there is none of; ``hint`` says which one is perhaps meant."""

    def __init__(self, kind: str, name: str, names: Collection[str]) -> None:
        self.kind, self.hint = kind, did_you_mean(name, names)
        super().__init__(f"must be the name of a {kind} ({quoted(names)}), found {name!r}{self.hint}", (kind, name))


def closest(word: str, words: Iterable[str]) -> str:
    """Return the one of ``words`` that resembles ``word``, nothing if none does."""
    by_lower = {candidate.lower(): candidate for candidate in words}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else ""


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return "; did you mean '...'?" if one of ``words`` resembles ``word``, else nothing."""
    found = closest(word, words)
    return f"; did you mean {found!r}?" if found else ""


def quoted(words: Iterable[str]) -> str:
    """Return the words quoted, for a sentence: "'a', 'b'"."""
    return ", ".join(repr(word) for word in words)


def first_duplicate(values: Iterable[Any], meaning: Callable[[str], Any]) -> str:
    """Return the first of ``values`` that is text and means the same as an earlier one, else nothing.

    Values for which ``meaning`` raises ValueError are skipped: other validators report them.
    """
    seen = set()
    for value in values:
        try:
            meant = meaning(value) if isinstance(value, str) else None
        except ValueError:
            continue
        if meant is not None and meant in seen:
            return str(value)
        seen.add(meant)
    return ""


# --- one form or another ----------------------------------------------------------------------------------


def one_of_forms(allowed: str) -> Discriminator:
    """Return a discriminator of mapping, list and plain value; ``allowed`` is the message's text for the forms."""

    def tag(value: Any) -> str:
        if isinstance(value, Mapping):
            return MAPPING_TAG
        return LIST_TAG if isinstance(value, list | tuple) else PLAIN_TAG

    return Discriminator(tag, custom_error_type="wrong_form", custom_error_message=f"must be {allowed}")


# --- paths ------------------------------------------------------------------------------------------------


def resolve(text: str, folder: Path, output: Path | None = None) -> Path:
    """Return the absolute path that ``text`` means: ``~`` and ``{output}`` expanded, relative to ``folder``.

    Raises ValueError for text that can't be a path on this machine.
    """
    if not text.strip():
        raise ValueError("must be a path, found empty text")
    require_no_escapes(text)
    if output is not None:
        text = text.replace("{output}", str(output))
    try:
        return (folder / Path(text).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"must be a path of this machine, found {text!r} ({error})") from error


def require_no_escapes(text: str) -> None:
    """Raise ValueError for a path with a control character or line separator, as YAML's escapes make them."""
    if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in text):
        raise ValueError(f"must be a path of this machine, found {text!r}; for a \\ {BACKSLASH_HINT}")


def _resolve_path(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str | Path):
        return value
    context = validation_context(info)
    return resolve(str(value), context.folder, context.output)


def _resolve_painting(value: Any, info: ValidationInfo) -> Any:
    path = _resolve_path(value, info)
    try:
        if isinstance(path, Path) and not path.is_file():
            kind = "is a folder" if path.is_dir() else "doesn't exist"
            raise ValueError(f"must be an image file; {path} {kind}")
    except OSError as error:
        raise ValueError(f"must be an image file; {path} can't be read ({error.strerror})") from error
    return path


_PATH_SCHEMA: Final = WithJsonSchema({"type": "string", "minLength": 1})

#: A file or folder, absolute after validation.
ResolvedPath = Annotated[Path, BeforeValidator(_resolve_path), _PATH_SCHEMA]
#: A painting's file, which must exist.
PaintingPath = Annotated[Path, BeforeValidator(_resolve_painting), _PATH_SCHEMA]

_WEIGHT_FILES: Final = (".pth", ".pt", ".safetensors")


def _resolve_weights(value: str, info: ValidationInfo) -> str:
    if value in ("embedded", "torchvision"):
        return value
    if not value.lower().endswith(_WEIGHT_FILES):
        hint = did_you_mean(value, ("embedded", "torchvision"))
        raise ValueError(f"must be 'embedded', 'torchvision' or a .pth or .safetensors file, found {value!r}{hint}")
    return str(_resolve_path(value, info))


WeightsSource = Annotated[StrictStr, AfterValidator(_resolve_weights)]

# --- names ------------------------------------------------------------------------------------------------


#: The most characters of a name that becomes part of file names.
MAX_NAME_LENGTH: Final = 80


def is_forbidden_in_names(sign: str) -> bool:
    """Tell whether some system refuses a character in file names, or it can't be seen."""
    return sign in '/\\:*?"<>|' or unicodedata.category(sign).startswith("C")


def _check_file_name_part(value: str) -> str:
    bad = sorted(set(filter(is_forbidden_in_names, value)))
    if bad:
        raise ValueError(f"becomes part of file names and can't contain {quoted(bad)}, found {value!r}")
    if not value or value != value.strip() or value.endswith(".") or len(value) > MAX_NAME_LENGTH:
        raise ValueError(
            f"becomes part of file names: 1 to {MAX_NAME_LENGTH} characters, no space around, no dot at the end, "
            f"found {value!r}"
        )
    return value


def case_folded(name: str) -> str:
    """Return the form in which two names are equal if some file system takes them for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def _unique(kind: str) -> Callable[[str, ValidationInfo], str]:
    def check(value: str, info: ValidationInfo) -> str:
        seen = validation_context(info).seen
        if (kind, case_folded(value)) in seen:
            raise ValueError(
                f"must differ from the other {kind}s' names by more than letter case, found {value!r} again"
            )
        seen.add((kind, case_folded(value)))
        return value

    return check


def _known(kind: str) -> Callable[[str, ValidationInfo], str]:
    def check(value: str, info: ValidationInfo) -> str:
        context = validation_context(info)
        names = context.styles if kind == "style" else context.recipes
        if value not in names:
            raise UnknownNameError(kind, value, names)
        return value

    return check


StyleName = Annotated[StrictStr, AfterValidator(_check_file_name_part), AfterValidator(_unique("style"))]
RecipeName = Annotated[StrictStr, AfterValidator(_check_file_name_part), AfterValidator(_unique("recipe"))]
KnownStyle = Annotated[StrictStr, AfterValidator(_known("style"))]
KnownRecipe = Annotated[StrictStr, AfterValidator(_known("recipe"))]

# --- numbers ----------------------------------------------------------------------------------------------


def _integral(value: Any) -> Any:
    # People write round numbers like 1e3.
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: 31 years: longer than any machine runs, and within the range of every system's clocks and timeouts.
_MAX_SECONDS: Final = 1_000_000_000
_MAX_NUMBER: Final = 1_000_000_000
#: JPEG's limit. The network would need terabytes for such a picture.
MAX_PIXELS: Final = 65_500
#: Beyond this, losses overflow float32.
_MAX_WEIGHT: Final = 10**15

Integer = Annotated[StrictInt, BeforeValidator(_integral)]
Count = Annotated[Integer, Field(ge=0, le=_MAX_NUMBER)]
PositiveInteger = Annotated[Integer, Field(ge=1, le=_MAX_NUMBER)]
Pixels = Annotated[Integer, Field(ge=16, le=MAX_PIXELS)]
Factor = Annotated[StrictFloat, Field(gt=0, le=_MAX_NUMBER)]
Weight = Annotated[StrictFloat, Field(ge=0, le=_MAX_WEIGHT)]
#: A weight that is not 0: who wants none leaves the entry out.
PositiveWeight = Annotated[StrictFloat, Field(gt=0, le=_MAX_WEIGHT)]
Seconds = Annotated[StrictFloat, Field(ge=0, le=_MAX_SECONDS)]
#: How much of a running mean stays at each step.
Decay = Annotated[StrictFloat, Field(ge=0, lt=1)]


def _require_two(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"must be a list of two numbers, like [0.9, 0.99], found {value!r}")
    return value


TwoDecays = Annotated[tuple[Decay, Decay], BeforeValidator(_require_two)]

# --- layers and devices -----------------------------------------------------------------------------------


def _check_layer(value: str) -> str:
    try:
        return canonical_layer(value)
    except ValueError as error:
        keras = [f"block{layer[4]}_conv{layer[6]}" for layer in LAYERS if layer.startswith("conv")]
        names = keras if value.startswith("block") else LAYERS
        allowed = "conv1_1 ... conv5_4, relu1_1 ... relu5_4, or Keras' block1_conv1 ... block5_conv4"
        raise ValueError(
            f"must be a layer of VGG-19 ({allowed}), found {value!r}{did_you_mean(value, names)}"
        ) from error


Layer = Annotated[StrictStr, AfterValidator(_check_layer)]


def _check_device(value: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
        hint = (
            "; did you mean 'cuda'?"
            if value.lower() == "gpu"
            else did_you_mean(value, ("auto", "cpu", "mps", "cuda"))
        )
        raise ValueError(f"must be 'auto', 'cpu', 'mps', 'cuda' or 'cuda:N', found {value!r}{hint}")
    return value


Device = Annotated[StrictStr, AfterValidator(_check_device)]
