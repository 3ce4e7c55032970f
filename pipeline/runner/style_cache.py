"""Lists, fills and prunes the style cache. Owns what the user can do with it; does not know its file format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.engine.transfer.target_cache import CacheEntry, StyleCache
from pipeline.errors import StorageError
from pipeline.executors.child import make_stylizer
from pipeline.model import EngineSettings, Style
from pipeline.report.formatting import counted
from pipeline.runner.preparation import ResolvedConfig


@dataclass(frozen=True, slots=True)
class CachedTarget:
    """A style target in the cache. ``painting`` is its file, or says that no style of the config uses it.

    ``content``: what is kept of the painting, which has a file for each statistic and each choice of layers.
    """

    painting: str
    size: int
    size_bytes: int
    content: str


def list_targets(engine: EngineSettings, styles: Iterable[Style]) -> Iterator[CachedTarget]:
    """Yield what is in the cache, most recently used first. Raises StorageError."""
    names = _painting_names(styles)
    for entry in _entries(engine):
        painting = names.get(entry.painting_sha256, "(in no style of this config)")
        content = (
            f"{entry.statistic} of {counted(len(entry.layers), 'layer')}" if entry.painting_sha256 else "damaged"
        )
        yield CachedTarget(painting, entry.size, entry.bytes, content)


def prune_targets(engine: EngineSettings, styles: Iterable[Style]) -> tuple[int, int]:
    """Delete the targets of paintings that no style uses; returns how many and their bytes. Raises StorageError."""
    names = _painting_names(styles)
    unused = [entry for entry in _entries(engine) if entry.painting_sha256 not in names]
    with _cache_errors_explained(engine):
        for entry in unused:
            entry.path.unlink(missing_ok=True)
    return len(unused), sum(entry.bytes for entry in unused)


def warm_targets(engine: EngineSettings, resolved: ResolvedConfig) -> tuple[int, int]:
    """Compute every target that the styles and recipes need; returns how many were (found, computed).

    Where each photo's own size decides, these are the targets of a typical photo.
    """
    stylizer = make_stylizer(engine)
    hits = misses = 0
    for style in resolved.styles.values():
        for recipe in _recipes_of(style, resolved):
            for painted in style.painted():
                found, computed = stylizer.warm(painted, resolved.recipes[recipe].for_typical_photo())
                hits, misses = hits + found, misses + computed
    return hits, misses


def recipes_without_targets(resolved: ResolvedConfig) -> list[str]:
    """Return the recipes in use whose targets are of one photo alone, so that none can be in the cache."""
    used = {recipe for style in resolved.styles.values() for recipe in _recipes_of(style, resolved)}
    return sorted(recipe for recipe in used if resolved.recipes[recipe].matches_colors)


def _recipes_of(style: Style, resolved: ResolvedConfig) -> set[str]:
    recipes_in_rules = {name for rule in resolved.pairing.rules for name in rule.recipes}
    return {*resolved.pairing.recipes_of[style.name], *recipes_in_rules}


def _entries(engine: EngineSettings) -> list[CacheEntry]:
    if engine.cache_folder is None:
        return []
    with _cache_errors_explained(engine):
        return StyleCache(engine.cache_folder, engine.cache_limit_bytes).entries()


@contextmanager
def _cache_errors_explained(engine: EngineSettings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cache.folder: {engine.cache_folder} can't be read or written ({error.strerror}); give the program the "
            f"right to, or name another folder"
        ) from error


def _painting_names(styles: Iterable[Style]) -> dict[str, str]:
    return {painting.sha256: str(painting.path) for style in styles for painting in style.paintings}
