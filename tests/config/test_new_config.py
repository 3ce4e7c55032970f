from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Config, load_config
from pipeline.config.new_config import NewConfig, Use, config_text

USES: tuple[Use, ...] = ("drop", "night", "archive")


def written(folder: Path, use: Use, name: str = "new.yaml", free_bytes: int = 10**12) -> tuple[Config, str]:
    painting = folder / "it's #1: a tab.jpg"
    painting.touch()
    text = config_text(
        NewConfig(
            use=use,
            config=folder / name,
            photos=folder / "in: put",
            output=folder / "out #2",
            styles={"one, two": painting},
            free_bytes=free_bytes,
            quoted_name=f"'{name}'",
            crontab_line="0 1 * * * stylewatch run\nrm -rf /",
        )
    )
    (folder / name).write_text(text, encoding="utf-8")
    return load_config(folder / name), text


@pytest.mark.parametrize("use", USES)
def test_the_text_is_a_config_with_these_folders_and_styles(tmp_path: Path, use: Use) -> None:
    config, text = written(tmp_path, use)
    assert (config.input.folder, config.output.folder) == (tmp_path / "in: put", tmp_path / "out #2")
    assert [(style.name, *(each.path for each in style.paintings)) for style in config.styles] == [
        ("one, two", tmp_path / "it's #1: a tab.jpg")
    ]
    assert "#     stylewatch " in text.partition("input:")[0]
    assert max(map(len, text.splitlines())) <= 120


def test_each_use_has_the_settings_that_it_needs(tmp_path: Path) -> None:
    drop, _ = written(tmp_path, "drop")
    assert (drop.input.order, drop.pairing.by, drop.schedule) == ("newest", "all", ())
    night, text = written(tmp_path, "night")
    (window,) = night.window_rules()
    assert (window.cron, f"{window.until:%H:%M}") == ("0 1 * * *", "06:00")
    assert "#     0 1 * * * stylewatch run?rm -rf /\n" in text  # one line, whatever the path holds
    archive, _ = written(tmp_path, "archive")
    assert (archive.input.order, archive.output.min_free_disk) == ("oldest", 20 * 10**9)
    assert archive.output.name == "{style}/{folder}/{stem}--{variant}"


@pytest.mark.parametrize("use", USES)
def test_a_small_disk_is_no_reason_to_stop_at_the_first_picture(tmp_path: Path, use: Use) -> None:
    assert written(tmp_path, use, free_bytes=6 * 10**9)[0].output.min_free_disk == 10**9


def test_a_line_break_in_the_name_of_the_file_does_not_end_the_comment(tmp_path: Path) -> None:
    config, text = written(tmp_path, "drop", "a\nengine: {device: cuda}\n.yaml")
    assert config.engine.device == "auto"
    assert "#     stylewatch watch 'a?engine: {device: cuda}?.yaml'\n" in text
