from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.config.new_config import Use
from pipeline.errors import PaintingError, StylewatchError, UsageError
from pipeline.failpoints import failpoint_listener
from pipeline.images.samples import sample_paintings
from pipeline.runner.new_setup import NewSetup, SetupChoices, check_paintings, set_up
from tests.fakes import write_painting, write_photo
from tests.workshop import Workshop


def choices(folder: Path, use: Use = "drop", **changes: object) -> SetupChoices:
    made = SetupChoices(
        use=use,
        config=folder / "stylewatch.yaml",
        photos=folder / "in",
        output=folder / "out",
        with_samples=True,
        quoted_name="stylewatch.yaml",
        crontab_line="0 1 * * * stylewatch run",
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def everything_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_config_paintings_and_folder_of_photos_are_made(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "place"
    made = set_up(choices(folder))
    assert everything_in(folder) == {
        "stylewatch.yaml",
        "in",
        "paintings",
        *(f"paintings/{name}" for name in sample_paintings()),
    }
    assert load_config(folder / "stylewatch.yaml") == made.settings
    assert made.made_photos_folder
    assert [style.name for style in made.settings.styles] == ["blossoms", "tide", "window"]


def test_named_paintings_stay_where_they_are(tmp_path: Path) -> None:
    painting = write_painting(tmp_path / "mine" / "It's mine: #1.jpg")
    write_photo(tmp_path / "place" / "in" / "a.png")
    made = set_up(choices(tmp_path / "place", paintings=(painting.parent,), with_samples=False))
    assert made == NewSetup(made.settings, made_photos_folder=False, samples=(), paintings_among_photos=())
    assert [(style.name, style.paintings[0].path) for style in made.settings.styles] == [("It's mine_ #1", painting)]
    assert everything_in(tmp_path / "place") == {"stylewatch.yaml", "in", "in/a.png"}


@pytest.mark.parametrize("use", ["drop", "night", "archive"])
def test_a_run_with_the_new_config_finds_its_photos(tmp_path: Path, use: Use) -> None:
    workshop = Workshop(tmp_path)
    workshop.photo("2024/a.png")
    set_up(choices(tmp_path, use))
    workshop.text = (tmp_path / "stylewatch.yaml").read_text(encoding="utf-8")
    planned = {job.output for job in workshop.plan().jobs}
    folder = "2024" if use != "archive" else "{style}/2024"
    assert planned == {f"{folder.format(style=s)}/a--{s}.jpg" for s in ("blossoms", "tide", "window")}


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "stylewatch.yaml").write_text("mine")
    with pytest.raises(UsageError, match="is there already and is not overwritten"):
        set_up(choices(tmp_path))
    assert everything_in(tmp_path) == {"stylewatch.yaml"}
    (tmp_path / "paintings").mkdir()
    (tmp_path / "paintings" / "window.jpg").write_text("my own window")
    with pytest.raises(UsageError, match="is there already, and is not the sample painting"):
        set_up(choices(tmp_path, config=tmp_path / "other.yaml"))
    assert everything_in(tmp_path) == {"stylewatch.yaml", "paintings", "paintings/window.jpg"}
    assert (tmp_path / "paintings" / "window.jpg").read_text() == "my own window"


def test_a_file_in_the_place_of_the_sample_paintings_is_named(tmp_path: Path) -> None:
    (tmp_path / "paintings").write_text("a list of paintings")
    with pytest.raises(UsageError, match=r"--sample-paintings: .*paintings is a file, not a folder"):
        set_up(choices(tmp_path))
    assert everything_in(tmp_path) == {"paintings"}


def test_a_second_config_uses_the_sample_paintings_of_the_first(tmp_path: Path) -> None:
    first = set_up(choices(tmp_path)).settings.styles
    assert set_up(choices(tmp_path, config=tmp_path / "second.yaml")).settings.styles == first


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": "in/out"}, "--output: .*out is or lies in the folder of the photos"),
        ({"output": "."}, "--output: .* holds the folder of the photos"),
        ({"photos": "{output}/in"}, "can't be named in a config"),
        ({"use": "archive"}, "--photos: .*in is not there; mount the archive's disk"),
        ({"photos": "night.jpg"}, "--photos: .*night.jpg is a file, not a folder"),
        ({"config": "night.jpg/a.yaml"}, "FOLDER: .*night.jpg is a file, not a folder"),
        ({"output": "night.jpg/out"}, "--output: .*night.jpg is a file, not a folder"),
        ({"paintings": ("letter.jpg",)}, "letter.jpg can't be used"),
        ({"paintings": ("tiny.png",)}, "tiny.png is only 8 × 8 pixels"),
        ({"paintings": ("nowhere.jpg",)}, "--painting: .*nowhere.jpg is not there"),
        ({"paintings": ("empty",)}, "--painting: there is no image in the folder .*empty"),
    ],
)
def test_a_choice_that_can_t_work_is_named_and_nothing_is_written(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    write_painting(tmp_path / "night.jpg")
    write_photo(tmp_path / "tiny.png", size=(8, 8))
    (tmp_path / "letter.jpg").write_text("I am a letter.")
    (tmp_path / "empty").mkdir()
    before = everything_in(tmp_path)
    absolute = {
        name: value
        if name == "use"
        else tuple(tmp_path / path for path in value)
        if isinstance(value, tuple)
        else tmp_path / str(value)
        for name, value in changes.items()
    }
    with pytest.raises(StylewatchError, match=message) as caught:
        set_up(choices(tmp_path, **absolute))
    assert isinstance(caught.value, UsageError | PaintingError)
    assert "\n" not in str(caught.value)
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("number", [1, 3, 4])
def test_an_interruption_while_a_file_gets_its_name_leaves_nothing(tmp_path: Path, number: int) -> None:
    passed: list[str] = []

    def interrupt(name: str) -> None:
        passed.append(name)
        if len(passed) == number:
            raise KeyboardInterrupt

    with failpoint_listener(interrupt), pytest.raises(KeyboardInterrupt):
        set_up(choices(tmp_path / "new" / "place"))
    assert passed == ["picture-linked"] * number  # three sample paintings, then the config
    assert everything_in(tmp_path) == set()


def test_paintings_in_folders_are_the_images_that_lie_there_each_once(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for name in ("b.PNG", "a.jpg", ".hidden.jpg", "sub/c.jpg"):
        write_painting(tmp_path / name)
    assert check_paintings([tmp_path / "b.PNG", tmp_path]) == [tmp_path / "b.PNG", tmp_path / "a.jpg"]


def test_paintings_among_the_photos_are_told(tmp_path: Path) -> None:
    painting = write_painting(tmp_path / "in" / "star.jpg")
    made = set_up(choices(tmp_path, paintings=(painting,), with_samples=False))
    assert made.paintings_among_photos == (painting,)
