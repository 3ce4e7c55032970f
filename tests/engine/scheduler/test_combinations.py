"""Whatever settings are combined, a picture has the same bits alone, beside others, resumed, and with short memory.

Settings, places and photos are drawn at random from a number, always the same ones.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.engine.events import CheckpointReady, Event, Finished, Places, Request, Resumed, RunControl
from pipeline.engine.scheduler.stylizer import Stylizer
from pipeline.model import (
    ColorKind,
    EngineSettings,
    InitKind,
    OptimizerKind,
    Painting,
    Recipe,
    Region,
    Style,
)
from tests.engine.scheduler.test_stylizer import Source, only, pixels

CPU = EngineSettings(device="cpu")
# Few, for time; hundreds were tried when this was written. Between them they use every setting.
NUMBERS = (0, 3, 5, 8)
SMALL = (("relu1_1", 1.0), ("relu2_1", 1.0))
DEEP = (*SMALL, ("relu3_1", 1.0))


def load_painting(painting: Painting, long_side: int = 56) -> Any:
    """Return a painting for each hash, of its own shape and colors."""
    seed = int(painting.sha256[:4], 16)
    return pixels(seed, 48 + seed % 3 * 8, 56)


def painting(seed: int, weight: float = 1.0, scale: float = 1.0) -> Painting:
    return Painting(Path(f"{seed}.jpg"), f"{seed:04x}".ljust(64, "0"), weight, scale)


def a_style(draw: random.Random, name: str) -> Style:
    paintings = tuple(
        painting(draw.randrange(1000), draw.choice([0.3, 1.0]), draw.choice([0.5, 1.0]))
        for _ in range(draw.choice([1, 1, 2]))
    )
    return Style(name, paintings, draw.choice([0.7, 1.0]))


def a_recipe(draw: random.Random) -> Recipe:
    init: list[Any] = ["content", "noise", "blend", "painting", "image"]
    init.append((("content", 0.5), ("gray", 0.1), ("painting", 0.4)))
    start: InitKind = draw.choice(init)
    optimizers: list[OptimizerKind] = ["lbfgs", "lbfgs", "adam", "sgd"]
    colors: list[ColorKind] = ["painting", "photo", "match"]
    optimizer = draw.choice(optimizers)
    return Recipe(
        size=48,
        scales=draw.choice([(32, 48), (48,)]),
        iterations=2,
        tolerance=0.0,
        content_layers=draw.choice([SMALL[1:], DEEP[2:]]),
        style_layers=draw.choice([SMALL, DEEP]),
        loss=draw.choice(["relative", "relative", "gatys", "tensorflow"]),
        tv_weight=draw.choice([0.0, 0.1]),
        optimizer=optimizer,
        learning_rate={"lbfgs": 1.0, "adam": 0.02, "sgd": 0.002}[optimizer],
        adam_betas=(0.95, 0.999),
        init=start,
        init_image=Path("start.png") if start == "image" else None,
        init_image_sha256="0abc".ljust(64, "0") if start == "image" else "",
        seed=draw.randrange(9),
        snapshot_every=1,
        pooling=draw.choice(["max", "average"]),
        style_loss=draw.choice(
            [
                (("gram", 1.0),),
                (("mean_std", 1.0),),
                (("wasserstein", 1.0),),
                (("sliced_wasserstein", 1.0),),
                (("gram", 0.5), ("sliced_wasserstein", 0.5)),
                (("mean_std", 0.3), ("wasserstein", 0.7)),
            ]
        ),
        content_loss=draw.choice(
            [(("features", 1.0),), (("self_similarity", 1.0),), (("features", 0.5), ("self_similarity", 0.5))]
        ),
        color=draw.choice(colors),
        color_mix=draw.choice([0.4, 1.0]),
        strength=draw.choice([0.0, 0.5, 1.0]),
        laplacian_weight=draw.choice([0.0, 2.0]),
        ema_decay=draw.choice([0.0, 0.9]),
    )


def a_request(number: int, token: str) -> Request:
    draw = random.Random(number)
    height, width = draw.choice([(48, 48), (34, 48), (48, 20), (41, 48)])
    recipe, style = a_recipe(draw), a_style(draw, "plain")
    kind = draw.choice(["none", "faces", "regions", "regions", "regions and faces", "kept"])
    random_map = np.random.default_rng(number)
    coarse = random_map.random((4, height // 8 + 1, width // 8 + 1), dtype=np.float32)
    maps = coarse.repeat(8, 1).repeat(8, 2)[:, :height, :width]
    regions: tuple[Region, ...] = ()
    shares: tuple[Any, ...] = ()
    if "regions" in kind or kind == "kept":
        others = [a_style(draw, "one"), a_style(draw, "two")][: draw.choice([1, 2])]
        regions = tuple(Region(f"#{index:06x}", each) for index, each in enumerate(others))
        if kind == "kept" or draw.random() < 0.5:
            regions = (*regions, Region("#ffffff", None))
        parts = maps[: len(regions)] / np.maximum(1, maps[: len(regions)].sum(0))
        shares = tuple(
            np.ascontiguousarray(np.round(part * 4) / 4) if draw.random() < 0.5 else part for part in parts
        )
        shares = tuple(np.ascontiguousarray(each / np.maximum(1, sum(shares))) for each in shares)
        style = replace(others[0], regions=regions)
    guarded = maps[3] if "faces" in kind else None
    places = Places(shares, guarded) if regions or guarded is not None else None
    photo = pixels(number, height, width) if draw.random() < 0.8 else np.full((height, width, 3), 77, np.uint8)
    alpha = (maps[2] * 255).astype(np.uint8) if draw.random() < 0.3 else None
    return Request(token, photo, style, recipe, places=places, alpha=alpha)


def made(stylizer: Stylizer, *requests: Request, control: RunControl = RunControl()) -> list[Event]:
    return list(stylizer.run(Source(requests), control))


def picture(events: list[Event], token: str = "t") -> Any:
    (finished,) = (event for event in only(events, Finished) if event.token == token)
    return finished.pixels


def suspended(stylizer: Stylizer, *requests: Request, after: int) -> list[CheckpointReady]:
    """Return the checkpoints of pictures that were suspended after so many evaluations in all."""
    rounds = 0

    def suspend() -> bool:
        nonlocal rounds
        rounds += 1
        return rounds > after

    return only(made(stylizer, *requests, control=RunControl(suspend=suspend)), CheckpointReady)


@pytest.fixture(scope="module")
def one() -> Stylizer:
    return Stylizer(CPU, load_painting)


@pytest.fixture(scope="module")
def two() -> Stylizer:
    return Stylizer(replace(CPU, batch_size=2), load_painting)


@pytest.fixture(scope="module")
def short_of_memory() -> Stylizer:
    return Stylizer(CPU, load_painting, available=lambda: 1)


@pytest.mark.parametrize("number", NUMBERS)
def test_any_settings_together_give_the_same_bits_alone_and_begun_beside_another_and_resumed_with_short_memory(
    one: Stylizer, two: Stylizer, short_of_memory: Stylizer, tmp_path: Path, number: int
) -> None:
    request, checkpoint = a_request(number, "t"), tmp_path / "checkpoint"
    events = made(one, request)
    alone = picture(events)
    assert alone.shape == request.photo.shape
    assert np.isfinite(alone).all()
    saved = {each.token: each for each in suspended(two, a_request(number + 1000, "other"), request, after=3)}
    saved["t"].save(checkpoint, 1.0)
    resumed = made(short_of_memory, replace(request, checkpoint=checkpoint))
    assert any(isinstance(event, Resumed) for event in resumed)
    assert np.array_equal(picture(resumed), alone)
