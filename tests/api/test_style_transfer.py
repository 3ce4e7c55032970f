"""``stylize`` and :class:`StyleTransfer` with the real network at a tiny size: the program's pictures."""

from __future__ import annotations

import _thread
import itertools
import signal
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import pipeline
from pipeline.api.pictures import style_of
from pipeline.api.settings import engine_settings, recipe_of
from pipeline.api.style_transfer import StyleTransfer, _reword, stylize
from pipeline.engine.events import Request
from pipeline.engine.transfer.reports import out_of_memory
from pipeline.errors import (
    ConfigError,
    DeviceError,
    OutOfMemoryError,
    PaintingError,
    PhotoError,
    StylewatchError,
    StylizeError,
    UsageError,
    WeightsError,
)
from pipeline.executors.child import make_stylizer
from pipeline.hashing import sha256_of_file
from pipeline.model import Artwork, Assignment, Job, PictureOptions, Progress
from pipeline.worker import Worker
from tests.end_to_end.program import write_landscape, write_small_painting
from tests.images.pictures import orientation_block

TINY: Any = {
    "size": 48,
    "scales": [32, 48],
    "iterations": 3,
    "tolerance": 0,
    "content_layers": ["relu2_1"],
    "style_layers": ["relu1_1", "relu2_1"],
}


@pytest.fixture(scope="module")
def transfer() -> Iterator[StyleTransfer]:
    with StyleTransfer(device="cpu") as transfer:
        yield transfer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photos 0.jpg to 2.jpg, of which the last lies on its side, and a painting."""
    folder = tmp_path_factory.mktemp("api")
    for number in range(3):
        write_landscape(folder / f"{number}.jpg", size=(600, 400), sun=number * 200)
    with Image.open(folder / "2.jpg") as image:
        image.rotate(90, expand=True).save(folder / "2.jpg", exif=b"Exif\0\0" + orientation_block(6))
    write_small_painting(folder / "painting.jpg")
    return folder


def photos(folder: Path) -> list[Path]:
    return [folder / f"{number}.jpg" for number in range(3)]


def pixels(picture: object) -> NDArray[np.uint8]:
    assert isinstance(picture, Image.Image)
    return np.asarray(picture)


def made_by_the_worker(photo: Path, painting: Path, part: Path) -> NDArray[np.uint8]:
    """Return the pixels that the program's worker gives a photo."""
    recipe, scale = recipe_of(TINY)
    assignment = Assignment(
        token="t",
        job=Job(photo.name, "s", "default"),
        key="k" * 64,
        photo_path=photo,
        photo_sha256=sha256_of_file(photo),
        style=style_of(painting, scale),
        recipe=recipe,
        part_path=part,
        picture=PictureOptions(format="png"),
    )
    waiting, told = [assignment], list[object]()

    def source(count: int) -> Sequence[Assignment]:
        return [waiting.pop()] if waiting and count else []

    Worker(make_stylizer(engine_settings(cache_folder=None, device="cpu")), told.append).work(source)
    assert any(isinstance(event, Artwork) for event in told)
    with Image.open(part) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("number", [0, 2])
def test_a_picture_has_the_pixels_that_the_programs_worker_gives_it(
    transfer: StyleTransfer, folder: Path, tmp_path: Path, number: int
) -> None:
    photo, painting = photos(folder)[number], folder / "painting.jpg"
    picture = transfer.stylize(photo, painting, **TINY)
    assert (picture.mode, picture.size) == ("RGB", (48, 32))
    assert np.array_equal(pixels(picture), made_by_the_worker(photo, painting, tmp_path / "p.png"))


def test_stylize_is_the_same_in_one_call(transfer: StyleTransfer, folder: Path) -> None:
    photo, painting = folder / "0.jpg", folder / "painting.jpg"
    once = stylize(str(photo), str(painting), device="cpu", **TINY)
    assert np.array_equal(pixels(once), pixels(transfer.stylize(photo, painting, **TINY)))
    assert pipeline.stylize is stylize


def test_images_and_arrays_give_the_pixels_of_their_files(
    transfer: StyleTransfer, folder: Path, tmp_path: Path
) -> None:
    photo, painting = tmp_path / "photo.png", tmp_path / "painting.png"
    Image.open(folder / "0.jpg").resize((90, 60)).save(photo)
    Image.open(folder / "painting.jpg").save(painting)
    expected = pixels(transfer.stylize(photo, painting, **TINY))
    for form in (
        Image.open,
        lambda path: np.asarray(Image.open(path)),
        lambda path: np.asarray(Image.open(path)) / 255,
    ):
        assert np.array_equal(pixels(transfer.stylize(form(photo), form(painting), **TINY)), expected)


def test_a_blend_is_between_its_paintings(transfer: StyleTransfer, folder: Path) -> None:
    photo, painting = folder / "0.jpg", folder / "painting.jpg"
    other = np.random.default_rng(0).random((64, 64, 3))
    same = transfer.stylize(photo, {painting: 2.0}, **TINY)
    assert np.array_equal(pixels(same), pixels(transfer.stylize(photo, painting, **TINY)))
    blend = transfer.stylize(photo, [(painting, 0.5), (other, 0.5)], **TINY)
    assert not np.array_equal(pixels(blend), pixels(same))


@pytest.mark.parametrize("batch_size", [0, 2])
def test_many_pictures_are_those_of_each_alone_in_order(
    transfer: StyleTransfer, folder: Path, batch_size: int
) -> None:
    alone = [pixels(transfer.stylize(photo, folder / "painting.jpg", **TINY)) for photo in photos(folder)]
    with StyleTransfer(device="cpu", batch_size=batch_size) as other:
        together = list(other.stylize_many(photos(folder), folder / "painting.jpg", **TINY))
    assert [np.array_equal(pixels(picture), each) for picture, each in zip(together, alone, strict=True)] == [
        True
    ] * 3


def test_a_painting_is_looked_at_once_for_many(folder: Path, tmp_path: Path) -> None:
    with StyleTransfer(device="cpu", cache_folder=tmp_path / "styles") as transfer:
        list(transfer.stylize_many(photos(folder), folder / "painting.jpg", **TINY))
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "styles").glob("*.safetensors")}
    assert len(kept) == 2  # one for each size


def test_one_of_many_that_fails_is_raised_in_its_turn(transfer: StyleTransfer, folder: Path) -> None:
    found = transfer.stylize_many([folder / "0.jpg", np.zeros(3), folder / "1.jpg"], folder / "painting.jpg", **TINY)
    assert pixels(next(found)).shape == (32, 48, 3)
    with pytest.raises(PhotoError, match=r"^photos\[1\] must be an array"):
        next(found)


def test_one_of_many_that_fails_can_leave_the_others_alone(transfer: StyleTransfer, folder: Path) -> None:
    given = [folder / "nowhere.jpg", folder / "0.jpg"]
    failed, picture = transfer.stylize_many(given, folder / "painting.jpg", return_exceptions=True, **TINY)
    assert isinstance(failed, PhotoError)
    assert "nowhere.jpg can't be read" in str(failed)
    assert isinstance(picture, Image.Image)


@pytest.mark.parametrize("given", ["a.jpg", Path("a.jpg"), np.zeros((8, 8, 3)), Image.new("RGB", (8, 8)), 5])
def test_many_are_not_one(transfer: StyleTransfer, folder: Path, given: Any) -> None:
    with pytest.raises(UsageError, match="photos must be several"):
        transfer.stylize_many(given, folder / "painting.jpg")


def test_settings_and_painting_are_checked_before_the_first_picture_is_asked_for(
    transfer: StyleTransfer, folder: Path
) -> None:
    with pytest.raises(ConfigError, match="size: must be at least 16"):
        transfer.stylize_many([], folder / "painting.jpg", size=1)
    with pytest.raises(PaintingError, match="nowhere"):
        transfer.stylize_many([], folder / "nowhere.jpg")
    with pytest.raises(UsageError, match="progress must be a function"):
        transfer.stylize_many([], folder / "painting.jpg", progress="yes")  # type: ignore[call-overload]


def test_a_picture_may_start_from_a_file(transfer: StyleTransfer, folder: Path) -> None:
    given = TINY | {"iterations": 1, "init": {"content": 1, "image": 3}}
    starts = [folder / "painting.jpg", folder / "1.jpg"]
    made = [transfer.stylize(folder / "0.jpg", folder / "painting.jpg", init_image=path, **given) for path in starts]
    assert not np.array_equal(pixels(made[0]), pixels(made[1]))
    with pytest.raises(ConfigError, match="init: image needs init_image: FILE"):
        transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **given)
    (folder / "letter.jpg").write_text("a letter")
    with pytest.raises(PaintingError, match=r"letter\.jpg: the file is not a JPEG"):
        transfer.stylize(folder / "0.jpg", folder / "painting.jpg", init_image=folder / "letter.jpg", **given)


def test_progress_tells_of_each_evaluation(transfer: StyleTransfer, folder: Path) -> None:
    heard: list[Progress] = []
    transfer.stylize(folder / "0.jpg", folder / "painting.jpg", progress=heard.append, **TINY)
    assert [(each.size, each.iteration, each.iterations) for each in heard] == [
        (size, iteration, 3) for size in (32, 48) for iteration in (1, 2, 3)
    ]
    assert all(each.losses.total > 0 for each in heard)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_a_listener_raises_ends_the_work_and_leaves_all_usable(
    transfer: StyleTransfer, folder: Path, error: type[BaseException]
) -> None:
    def listen(_: Progress) -> None:
        raise error

    expected = pixels(transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **TINY))
    with pytest.raises(error):
        transfer.stylize(folder / "0.jpg", folder / "painting.jpg", progress=listen, **TINY)
    assert np.array_equal(pixels(transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **TINY)), expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_while_the_engine_computes_leaves_all_usable(folder: Path, threads: int) -> None:
    endless, heard = TINY | {"iterations": 100_000}, itertools.count(1)

    def press(_: Progress) -> None:
        if next(heard) == 5:  # somewhere in the computation, a moment later
            threading.Timer(0.01, _thread.interrupt_main).start()

    running = threading.active_count()
    torch.set_num_threads(threads)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # the workers of a parallel test run ignore it
    try:
        with StyleTransfer(device="cpu") as transfer:
            with pytest.raises(KeyboardInterrupt):
                list(transfer.stylize_many(photos(folder), folder / "painting.jpg", progress=press, **endless))
            assert torch.get_num_threads() == threads
            assert transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **TINY).size == (48, 32)
    finally:
        signal.signal(signal.SIGINT, before)
        torch.set_num_threads(1)
    assert threading.active_count() <= running


def test_pictures_made_in_several_threads_are_the_same(transfer: StyleTransfer, folder: Path) -> None:
    expected = pixels(transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **TINY))
    made: list[Image.Image] = []

    def make() -> None:
        torch.set_num_threads(1)
        made.append(transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **TINY))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [np.array_equal(pixels(picture), expected) for picture in made] == [True, True]


def test_pictures_of_pictures_can_be_made_at_once(transfer: StyleTransfer, folder: Path) -> None:
    first = transfer.stylize_many(photos(folder), folder / "painting.jpg", **TINY)
    assert len(list(transfer.stylize_many(first, folder / "painting.jpg", **TINY))) == 3


def test_the_callers_torch_changes_no_picture_and_is_not_changed(transfer: StyleTransfer, folder: Path) -> None:
    noisy = TINY | {"init": "noise"}
    expected = pixels(transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **noisy))
    torch.manual_seed(1)
    random = torch.get_rng_state()
    torch.set_default_dtype(torch.float64)
    try:
        with (
            torch.inference_mode(),
            torch.autocast("cpu"),
            torch.device("meta"),
            StyleTransfer(device="cpu") as other,
        ):
            made = other.stylize(folder / "0.jpg", folder / "painting.jpg", **noisy)
            assert torch.is_inference_mode_enabled()
            assert torch.is_autocast_enabled("cpu")
            assert torch.zeros(1).device.type == "meta"
            assert torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert np.array_equal(pixels(made), expected)
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"device": "cuda:99"}, DeviceError, "device: this machine has no usable 'cuda:99'; use 'auto' or 'cpu'"),
        ({"device": "cpu", "weights": "nowhere.pth"}, WeightsError, "weights: "),
    ],
)
def test_errors_of_the_engine_name_the_argument(
    arguments: dict[str, Any], kind: type[StylewatchError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        StyleTransfer(**arguments)
    assert str(caught.value).startswith(message)


def test_a_loss_that_diverges_says_what_to_do(transfer: StyleTransfer, folder: Path) -> None:
    extreme = TINY | {"loss": "tensorflow", "content_weight": 1e15, "style_weight": 1e15, "init": "noise"}
    extreme |= {"style_layers": {"conv1_1": 1e15, "conv2_1": 1e15}, "content_layers": {"conv2_1": 1e15}}
    with pytest.raises(StylizeError) as caught:
        transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **extreme)
    assert str(caught.value).endswith("use a smaller learning_rate, smaller weights or optimizer lbfgs")


def test_short_memory_is_told_without_words_of_the_config_and_of_commands() -> None:
    style, photo = style_of(np.zeros((32, 32), np.uint8), 1.0), np.zeros((32, 48, 3), np.uint8)
    error = out_of_memory(Request("0", photo, style, recipe_of({"size": 96})[0]))
    _reword(error)
    assert str(error) == (
        "a picture of 96 × 64 pixels does not fit into the device's memory, even alone; use a smaller size or "
        "another device, or free memory"
    )


def test_a_picture_that_no_memory_holds_is_refused(transfer: StyleTransfer, folder: Path) -> None:
    with pytest.raises(OutOfMemoryError, match="a picture of 65500 × 43667 pixels takes about"):
        transfer.stylize(folder / "0.jpg", folder / "painting.jpg", size=65_500)


def test_a_bomb_is_named_by_the_argument(folder: Path) -> None:
    with StyleTransfer(device="cpu", max_megapixels=0.1) as transfer, pytest.raises(PhotoError) as caught:
        transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **TINY)
    assert str(caught.value).endswith("reduce it, or raise max_megapixels if you trust it")


def test_it_tells_what_it_computes_on(transfer: StyleTransfer) -> None:
    assert transfer.device_name.startswith("cpu (1 threads, float32)")


def test_closing_frees_the_network_and_ends_its_use(folder: Path) -> None:
    transfer = StyleTransfer(device="cpu")
    transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **TINY)
    engine = weakref.ref(transfer._engine)
    transfer.close()
    transfer.close()
    assert engine() is None
    with pytest.raises(UsageError, match="is closed"):
        transfer.stylize(folder / "0.jpg", folder / "painting.jpg", **TINY)
