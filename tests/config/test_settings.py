"""What the packages get is what the config says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config import Config
from pipeline.config.settings import (
    _without_secrets,
    folder_settings,
    gallery_settings,
    ingest_settings,
    pass_settings,
    plan_settings,
    shown_config,
    status_settings,
    watch_settings,
)
from pipeline.model import (
    FolderSettings,
    GallerySettings,
    IngestSettings,
    PassSettings,
    PictureOptions,
    PlanSettings,
    PreviewOptions,
    RetryPolicy,
    StatusSettings,
    WatchSettings,
)
from tests.workshop import CONFIG, Workshop

STYLES = "styles: [{name: night, painting: night.jpg}]\n"
INPUT = """
input: {folder: in, ignore: ['*.bmp'], settle_seconds: 1, incomplete_seconds: 2, archives: false,
  max_archive_files: 3, max_archive_size: 4000, archive_space: 5000, max_megapixels: 6, order: name}
output: {folder: out, format: png}
"""


def config_of(folder: Path, text: str) -> Config:
    return Workshop(folder, text).config()


def test_every_setting_of_the_ingest_comes_from_the_config(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    assert ingest_settings(config_of(tmp_path, STYLES + INPUT)) == IngestSettings(
        folder=folder / "in",
        ignore=("*.bmp",),
        excluded=(folder / "out", folder / "out" / ".stylewatch"),
        settle_seconds=1,
        incomplete_seconds=2,
        archives=False,
        max_archive_files=3,
        max_archive_bytes=4000,
        archive_space_bytes=5000,
        max_pixels=6_000_000,
        picture_format="png",
    )


def test_the_ingest_has_the_configs_defaults(tmp_path: Path) -> None:
    settings = ingest_settings(config_of(tmp_path, STYLES))
    assert settings == IngestSettings(folder=settings.folder, excluded=settings.excluded)


def test_the_daemon_gets_plain_watch_settings(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    assert watch_settings(config_of(tmp_path, STYLES)) == WatchSettings(folder=folder / "input")
    text = "input: {watch: polling, rescan_seconds: 7, settle_seconds: 1, incomplete_seconds: 60, folder: x}"
    config = config_of(tmp_path, STYLES + text)
    assert watch_settings(config) == WatchSettings(folder=folder / "x", mode="polling", rescan_seconds=7)
    ingest = ingest_settings(config)
    assert (ingest.folder, ingest.settle_seconds, ingest.incomplete_seconds) == (folder / "x", 1, 60)


def test_a_plan_and_a_status_see_the_same_folders_and_the_engine(tmp_path: Path) -> None:
    config = config_of(tmp_path, STYLES + INPUT)
    folders, engine = folder_settings(config), config.engine_settings()
    folder = tmp_path.resolve()
    assert folders == FolderSettings(input=folder / "in", output=folder / "out", state=folder / "out" / ".stylewatch")
    assert plan_settings(config) == PlanSettings(
        folders=folders,
        ingest=ingest_settings(config),
        engine=engine,
        order="name",
        picture=config.picture_options(),
        min_free_bytes=config.output.min_free_disk,
        previews=PreviewOptions(folder=folder / "out" / "gallery"),
    )
    assert status_settings(config) == StatusSettings(folders=folders, recipes=config.recipes_by_name(), engine=engine)


def test_the_folders_are_absolute_and_the_state_lies_with_the_pictures_by_default(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    folders = FolderSettings(input=folder / "in", output=folder / "out", state=folder / "out" / ".stylewatch")
    assert folder_settings(Workshop(tmp_path).config()) == folders
    text = CONFIG.replace("folder: in,", "folder: in, originals: {move: done},") + "state: {folder: state}\n"
    config = Workshop(tmp_path, text).config()
    assert folder_settings(config) == replace(folders, state=folder / "state", originals=folder / "done")


def test_every_setting_of_a_pass_comes_from_the_config(tmp_path: Path) -> None:
    text = CONFIG.replace("settle_seconds: 0", "order: name, max_megapixels: 2, archive_space: 3000").replace(
        "min_free_disk: 0", "min_free_disk: 4000, format: png"
    )
    text += (
        "state: {max_attempts: 5, max_crashes: 6, retry_seconds: 7, max_retry_seconds: 8, checkpoint_space: 0,"
        " grace_seconds: 9}\ngallery: {thumbnail_size: 300, photo_size: 0}\n"
    )
    config = Workshop(tmp_path, text).config()
    assert pass_settings(config) == PassSettings(
        folders=folder_settings(config),
        engine=config.engine_settings(),
        retries=RetryPolicy(max_attempts=5, max_crashes=6, first_delay_seconds=7, max_delay_seconds=8),
        picture=PictureOptions(format="png"),
        order="name",
        max_pixels=2_000_000,
        min_free_bytes=4000,
        archive_space_bytes=3000,
        keep_checkpoints=False,
        grace_seconds=9,
        previews=PreviewOptions(folder=config.output.folder / "gallery", thumbnail_pixels=300, photo_pixels=0),
    )


def test_the_settings_begin_from_the_configs_defaults(tmp_path: Path) -> None:
    config = Workshop(tmp_path, "styles: [{name: night, painting: night.jpg}]").config()
    expected = PassSettings(
        folders=folder_settings(config),
        engine=config.engine_settings(),
        min_free_bytes=config.output.min_free_disk,
        previews=PreviewOptions(folder=config.output.folder / "gallery"),
    )
    assert pass_settings(config) == expected


def test_the_gallery_gets_what_the_status_is_collected_by_and_where_its_files_are(tmp_path: Path) -> None:
    config = config_of(tmp_path, STYLES + "output: {folder: out, format: png}\ngallery: {enabled: false}\n")

    assert gallery_settings(config, "my.yaml") == GallerySettings(
        status=status_settings(config),
        previews=PreviewOptions(folder=tmp_path / "out" / "gallery"),
        enabled=False,
        picture_format="png",
        config_name="my.yaml",
        config_text=shown_config(config),
        cache_folder=config.cache.folder,
        reports=tmp_path / "out" / "reports",
    )


def test_a_shown_config_has_what_was_set_without_commands_and_secrets(tmp_path: Path) -> None:
    hooks = "hooks: {after_run: ['curl', '-H', 'Authorization: Bearer 1234', 'https://example.org']}\n"
    config = config_of(tmp_path, STYLES + hooks + "pairing: {rules: [{match: 'a/**', styles: [night]}]}\n")

    shown = shown_config(config)

    assert "1234" not in shown
    assert "hooks" not in shown
    assert "name: night" in shown
    assert "match: a/**" in shown
    assert "iterations" not in shown


def test_a_value_that_is_named_a_secret_is_not_shown() -> None:
    values = {"gallery": {"password": "1234", "styles": [{"apiKey": "5678", "name": "night"}]}}

    assert _without_secrets(values) == {"gallery": {"styles": [{"name": "night"}]}}


@pytest.mark.parametrize(
    "text",
    [
        "schedule: {cron: '0 0 * * *', until: '06:00'}\n",
        "schedule: [{cron: '0 0 * * *', until: '06:00'}]\n",
        "recipes: {mild: {size: 64, scales: [32, 64], iterations: [5, 4], style_layers: {relu1_1: 0.5}}}\n",
        "input: {folder: in, originals: {move: done}, skip: {suffixes: [.gif]}}\n",
    ],
)
def test_a_shown_config_can_be_read_again_and_means_the_same(tmp_path: Path, text: str) -> None:
    config = config_of(tmp_path, STYLES + text)

    again = config_of(tmp_path, shown_config(config))

    assert again == config
