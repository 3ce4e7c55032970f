"""Pictures that differ by place: two styles in one picture, what stays the photo, and faces that stay faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.engine.devices import DeviceBudget
from pipeline.engine.events import CheckpointReady, Finished, Places, Preview, Request, RunControl, Snapshot
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.model import Painting, Progress, Region, Style
from tests.engine.scheduler.test_stylizer import (
    CPU,
    STYLE,
    TINY,
    Source,
    only,
    picture,
    pixels,
    request,
    run,
    style_from,
)
from tests.engine.transfer.test_checkpoints import interrupted
from tests.scenarios.engine.test_checkpoint_versions import rewrite

RED, BLUE = style_from("red"), style_from("blue")
COLORS = {"red": (220, 40, 30), "blue": (30, 60, 210)}
MIXED = Style("mixed", RED.paintings, regions=(Region("white", RED), Region("black", BLUE)))
KEEPING = Style("keeping", RED.paintings, regions=(Region("white", RED), Region("black", None)))

# No content, for effects that a few evaluations show.
BOLD = replace(TINY, content_weight=0.0, iterations=12)


def load_painting(painting: Painting, long_side: int) -> npt.NDArray[np.uint8]:
    grain = pixels(100, 64, 64)
    color = COLORS.get(painting.path.stem)
    return grain if color is None else (grain * 0.2 + np.array(color) * 0.8).astype(np.uint8)


def left(width: int = 48, edge: float = 1.0) -> npt.NDArray[np.float32]:
    """Return a mask of 40 × ``width`` that is 1 in the left half, with an edge of so many pixels."""
    ramp = np.clip((width / 2 - np.arange(width) - 0.5) / edge + 0.5, 0, 1)
    return np.broadcast_to(ramp, (40, width)).astype(np.float32)


def by_place(token: str, style: Style, places: Places, **changes: Any) -> Request:
    return replace(request(token, recipe=replace(TINY, **changes), style=style), places=places)


@pytest.fixture(scope="module")
def one() -> Stylizer:
    return Stylizer(CPU, load_painting)


def test_each_half_is_painted_in_its_own_style(one: Stylizer) -> None:
    places = Places((left(), 1 - left()))
    found = picture(run(one, replace(by_place("t", MIXED, places), recipe=BOLD)))
    redder = found[..., 0] - found[..., 2]
    assert redder[:, :20].mean() > 0.2
    assert redder[:, -20:].mean() < -0.2


def test_a_style_that_has_the_whole_picture_paints_it_as_without_a_mask(one: Stylizer) -> None:
    everywhere = np.ones((40, 48), dtype=np.float32)
    masked = run(one, by_place("t", MIXED, Places((1 - everywhere, everywhere))))
    (with_mask,), (without,) = only(masked, Finished), only(run(one, request("t", style=BLUE)), Finished)
    assert np.array_equal(with_mask.pixels, without.pixels)
    assert (with_mask.last, with_mask.history) == (without.last, without.history)


def test_what_is_kept_has_the_photos_own_pixels_with_a_soft_edge(one: Stylizer) -> None:
    photo = request("t").photo / 255
    mask = left(edge=8)
    control = RunControl(wants_preview=lambda _token, evaluations: 48 if evaluations == 7 else 0)
    wanted = by_place("t", KEEPING, Places((mask, 1 - mask)), snapshot_every=5)
    events = list(one.run(Source([wanted]), control))
    for found in (picture(events), only(events, Preview)[0].pixels, only(events, Snapshot)[0].pixels):
        assert np.abs(found - photo)[mask == 0].max() < 1e-6
        assert np.abs(found - photo)[mask == 1].mean() > 0.02
    painted = picture(run(one, by_place("t", KEEPING, Places((np.ones_like(mask), np.zeros_like(mask))))))
    edge = (mask > 0) & (mask < 1)
    changes = np.abs(picture(events) - photo)[edge].mean() / np.abs(painted - photo)[edge].mean()
    assert 0.2 < changes < 0.9


def test_a_photo_that_is_kept_as_a_whole_comes_out_as_it_is_at_once(one: Stylizer) -> None:
    nowhere = np.zeros((40, 48), dtype=np.float32)
    events = run(one, by_place("t", KEEPING, Places((nowhere, 1 - nowhere))))
    (finished,) = only(events, Finished)
    assert np.abs(finished.pixels - request("t").photo / 255).max() < 1e-6
    assert finished.iterations == (1, 1)


def test_a_guarded_place_stays_closer_to_the_photo_and_no_other_does(one: Stylizer) -> None:
    recipe = {"content_weight": 0.05, "iterations": 10}
    plain = picture(run(one, by_place("t", STYLE, Places(), **recipe)))
    guarded = picture(run(one, by_place("t", STYLE, Places(guarded=left(edge=12)), **recipe)))
    photo = request("t").photo / 255
    changes = [np.abs(found - photo).mean((0, 2)) for found in (guarded, plain)]
    assert changes[0][:14].mean() < 0.75 * changes[1][:14].mean()
    assert changes[0][-14:].mean() > 0.9 * changes[1][-14:].mean()


def requests() -> list[Request]:
    few = {"scales": 1, "iterations": 3}
    return [
        by_place("mixed", MIXED, Places((left(edge=9), 1 - left(edge=9))), **few),
        by_place("other", MIXED, Places((1 - left(), left()), guarded=left(edge=20)), **few),
        by_place("keeping", KEEPING, Places((left(edge=5), 1 - left(edge=5))), **few),
        by_place("guarded", STYLE, Places(guarded=left(edge=20)), **few),
        request("plain", recipe=replace(TINY, scales=1, iterations=3)),
    ]


def test_pictures_by_place_are_the_same_alone_and_in_any_batch(one: Stylizer) -> None:
    together = run(Stylizer(replace(CPU, batch_size=5), load_painting), *requests())
    at_once = run(Stylizer(CPU, load_painting, budget=DeviceBudget(5, 10**9)), *requests())
    for each in requests():
        alone = picture(run(one, each), each.token)
        assert np.array_equal(picture(together, each.token), alone)
        assert np.abs(picture(at_once, each.token) - alone).mean() < 0.01


def test_a_picture_by_place_that_was_interrupted_is_the_one_that_was_not(one: Stylizer, tmp_path: Path) -> None:
    wanted = by_place("t", KEEPING, Places((left(edge=5), 1 - left(edge=5)), left(edge=20)))
    reported: list[Any] = []
    for event in one.run(Source([wanted]), RunControl(suspend=lambda: len(only(reported, Progress)) == 6)):
        reported.append(event)
    (draft,) = (event for event in reported if isinstance(event, CheckpointReady))
    path = tmp_path / "c.safetensors"
    draft.save(path, 1.0)
    whole = picture(run(one, wanted))
    assert np.array_equal(picture(run(one, replace(wanted, checkpoint=path))), whole)


HALVES, OTHER_HALVES, FACE = (left(edge=5), 1 - left(edge=5)), (left(edge=9), 1 - left(edge=9)), left(edge=20)


@pytest.mark.parametrize(
    ("before", "now", "differing"),
    [
        (Places(HALVES, FACE), Places(OTHER_HALVES, FACE), "another mask"),
        (Places(HALVES, FACE), Places(HALVES, left(edge=30)), "other faces"),
        (Places(HALVES, FACE), Places(OTHER_HALVES), "another mask and other faces"),
        (Places(guarded=FACE), None, "other faces"),
    ],
)
def test_a_restarted_picture_says_whether_its_mask_or_its_faces_are_others(
    one: Stylizer, tmp_path: Path, before: Places, now: Places | None, differing: str
) -> None:
    style = KEEPING if before.regions else STYLE
    again = interrupted(one, 1, by_place("t", style, before, scales=1, iterations=2), tmp_path / "c.safetensors")
    (restarted,) = only(run(one, replace(again, places=now)), Finished)
    assert f": its checkpoint was made with {differing}, so resuming would" in restarted.notes[0]


def test_a_checkpoint_of_a_version_that_took_faces_for_a_mask_is_resumed(one: Stylizer, tmp_path: Path) -> None:
    wanted = by_place("t", STYLE, Places(guarded=FACE), scales=1, iterations=2)
    again = interrupted(one, 1, wanted, tmp_path / "c.safetensors")
    rewrite(tmp_path / "c.safetensors", lambda document: document.pop("maps"))
    assert "resumed from a checkpoint" in only(run(one, again), Finished)[0].notes[0]
    (restarted,) = only(run(one, replace(again, places=Places(guarded=left(edge=30)))), Finished)
    assert "was made with another mask," in restarted.notes[0]


def test_all_styles_of_a_mask_are_warmed(tmp_path: Path) -> None:
    settings = replace(CPU, cache_folder=tmp_path)
    assert Stylizer(settings, load_painting).warm(MIXED, TINY) == (0, 4)
    places = Places((left(), 1 - left()))
    (finished,) = only(run(Stylizer(settings, load_painting), by_place("t", MIXED, places, iterations=1)), Finished)
    assert (finished.cache_hits, finished.cache_misses) == (4, 0)
