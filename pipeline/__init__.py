"""stylewatch: turns folders of photos into paintings, unattended.

folder -> Photo -> Job -> Canvas -> Artwork -> report. Each step has its package; packages on one level never import
each other, they share only :mod:`pipeline.model`. README.md, beside this file, is the map.

From Python: ``from pipeline import stylize, StyleTransfer``, see :mod:`pipeline.api`.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipeline.api import Progress, StyleTransfer, StylewatchError, TransferSettings, stylize

__all__ = ["Progress", "StyleTransfer", "StylewatchError", "TransferSettings", "__version__", "stylize"]

__version__: Final = "0.1.0"

if not TYPE_CHECKING:  # type checkers would take every misspelled name for one of these

    def __getattr__(name: str) -> object:
        """Load :mod:`pipeline.api` when one of its names is asked for: the program itself does not need it."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module("pipeline.api"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
