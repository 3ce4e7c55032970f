"""Which of a recipe's settings are in use: some have a meaning beside certain values of others only.

Owns what these are. Settings are as a config has them, a setting's value a list of values to compare perhaps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.config.qualities import without_replaced


def without_unused(settings: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's settings, as they are written, without what the values of others no longer use.

    ``before``: the settings with which it was used; what was of no use there, too, stays and is a mistake.
    """
    unused = {name for name, is_used in _USES.items() if is_used(before) and not is_used(settings)}
    return {name: value for name, value in settings.items() if name not in unused}


def kept_of_imported(imported: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return what counts of an imported recipe's settings beside the config's own, which end the use of some."""
    left = without_replaced(imported, own)
    used = without_unused({**left, **own}, imported)
    return {name: value for name, value in left.items() if name in used}


def _names(some: tuple[str, ...], written: Any) -> bool:
    """Tell whether what is written for a setting is one of ``some``, or a list of values that has one of them."""
    return any(each in some for each in (written if isinstance(written, list) else [written]))


def names_image(init: Any) -> bool:
    """Tell whether what is written for ``init``, a list of values perhaps, names an image."""
    if isinstance(init, list):
        return any(map(names_image, init))
    return init == "image" or (isinstance(init, dict) and "image" in init)


#: Tells by a recipe's settings whether this one is used.
_USES: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "init_image": lambda settings: names_image(settings.get("init")),
    "color_mix": lambda settings: _names(("photo", "match"), settings.get("color")),
    "adam_betas": lambda settings: _names(("adam",), settings.get("optimizer")),
}
