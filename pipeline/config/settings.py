"""Translates a config into the settings of the packages that need it, so that none of them knows the config."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline.config.models import Config
from pipeline.model import (
    FolderSettings,
    GallerySettings,
    IngestSettings,
    PassSettings,
    PlanSettings,
    RetryPolicy,
    StatusSettings,
    WatchSettings,
)

#: A value under a key of such a name is not shown in the gallery, which may be given away.
_SECRET: Final = re.compile(r"password|passphrase|secret|token|credential|api_?key", re.IGNORECASE)


def folder_settings(config: Config) -> FolderSettings:
    """Return the folders that a config names."""
    return FolderSettings(
        input=config.input.folder,
        output=config.output.folder,
        state=config.state.folder,
        originals=config.input.originals_folder,
        masks=config.masks.folder,
    )


def pass_settings(config: Config) -> PassSettings:
    """Return what a pass needs."""
    return PassSettings(
        folders=folder_settings(config),
        engine=config.engine_settings(),
        retries=RetryPolicy(
            max_attempts=config.state.max_attempts,
            max_crashes=config.state.max_crashes,
            first_delay_seconds=config.state.retry_seconds,
            max_delay_seconds=config.state.max_retry_seconds,
        ),
        picture=config.picture_options(),
        order=config.input.claim_order,
        on_change=config.output.on_change,
        max_pixels=config.input.max_pixels,
        min_free_bytes=config.output.min_free_disk,
        archive_space_bytes=config.input.archive_space,
        keep_checkpoints=config.state.checkpoint_space > 0,
        raw=config.input.raw,
        grace_seconds=config.state.grace_seconds,
        previews=config.gallery.preview_options(config.output.folder),
    )


def ingest_settings(config: Config) -> IngestSettings:
    """Return which photos there are, and when they are complete."""
    return IngestSettings(
        folder=config.input.folder,
        ignore=config.input.ignore,
        excluded=not_photos(config),
        settle_seconds=config.input.settle_seconds,
        incomplete_seconds=config.input.incomplete_seconds,
        archives=config.input.archives,
        max_archive_files=config.input.max_archive_files,
        max_archive_bytes=config.input.max_archive_size,
        archive_space_bytes=config.input.archive_space,
        max_pixels=config.input.max_pixels,
        picture_format=config.output.format,
        on_change=config.output.on_change,
        skip=config.input.skip.rules(),
        raw=config.input.raw,
        masks=config.masks.folder,
    )


def not_photos(config: Config) -> tuple[Path, ...]:
    """Return the folders whose files are never photos, even if they lie in the photos' folder."""
    return (config.output.folder, config.state.folder, *filter(None, (config.masks.folder,)))


def watch_settings(config: Config) -> WatchSettings:
    """Return how a daemon watches the folder of photos."""
    return WatchSettings(
        folder=config.input.folder, mode=config.input.watch, rescan_seconds=config.input.rescan_seconds
    )


def plan_settings(config: Config) -> PlanSettings:
    """Return what a plan needs."""
    return PlanSettings(
        folders=folder_settings(config),
        ingest=ingest_settings(config),
        engine=config.engine_settings(),
        order=config.input.claim_order,
        picture=config.picture_options(),
        min_free_bytes=config.output.min_free_disk,
        previews=config.gallery.preview_options(config.output.folder),
    )


def status_settings(config: Config) -> StatusSettings:
    """Return what the status is collected by."""
    return StatusSettings(
        folders=folder_settings(config),
        recipes=config.recipes_by_name(),
        engine=config.engine_settings(),
    )


def gallery_settings(config: Config, config_name: str) -> GallerySettings:
    """Return what the gallery shows of a config, which was typed as ``config_name``."""
    return GallerySettings(
        status=status_settings(config),
        previews=config.gallery.copies(config.output.folder),
        enabled=config.gallery.enabled,
        picture_format=config.output.format,
        config_name=config_name,
        config_text=shown_config(config),
        cache_folder=config.cache.folder,
        reports=config.log.reports,
    )


def shown_config(config: Config) -> str:
    """Return what a config sets, as YAML: without hooks, whose commands may hold secrets, and without passwords."""
    # Of a union whose form is known by its YAML only, pydantic would warn that it tries one form after another.
    values = config.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"hooks"}, warnings=False)
    return str(yaml.safe_dump(_without_secrets(values), sort_keys=False, allow_unicode=True, width=100))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items() if not _SECRET.search(str(key))}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
