"""What the golden files are made of, and how both their maker and their tests look at them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.config import Config
from pipeline.engine.events import Request
from pipeline.ledger import Ledger
from pipeline.model import (
    Job,
    JobStarted,
    OriginalMoved,
    OriginalsStay,
    Painting,
    PhotoSetAside,
    Recipe,
    Remark,
    RunEvent,
    SnapshotSaved,
    Style,
    WatchNotice,
)
from tests.report import events

FOLDER: Final = Path(__file__).parent
SOURCES: Final = FOLDER / "sources"
NOON: Final = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

PHOTO_SHA256: Final = "c" * 64
_LAYERS: Final = [["relu1_1", 1.0], ["relu2_1", 1.0], ["relu3_1", 1.0], ["relu4_1", 1.0], ["relu5_1", 1.0]]
_ONE: Final = [{"path": "a.jpg", "sha256": "a" * 64}]
_BLEND: Final = [
    {"path": "b.jpg", "sha256": "b" * 64, "weight": 0.3},
    {"path": "a.jpg", "sha256": "a" * 64, "weight": 0.7},
    {"path": "d.jpg", "sha256": "d" * 64},
]


def _case(
    name: str, recipe: Mapping[str, Any], paintings: Any = _ONE, scale: float = 1.0, **weights: str
) -> dict[str, Any]:
    style = {"name": "night", "paintings": paintings, "scale": scale}
    return {"case": name, "recipe": dict(recipe), "style": style, "weights": weights}


#: Styles, recipes and weights as varied as they can be; what is not given is the default.
CASES: Final = (
    _case("nothing is set", {}),
    _case(
        "as the article has it",
        {
            "size": 256,
            "scales": 1,
            "iterations": 1000,
            "content_layers": [["relu5_2", 1.0]],
            "style_layers": _LAYERS,
            "content_weight": 1e4,
            "style_weight": 1e-2,
            "loss": "tensorflow",
            "optimizer": "adam",
            "learning_rate": 0.02,
            "learning_rate_decay": 0.96,
            "snapshot_every": 100,
        },
    ),
    _case("three paintings blended, coarse", {}, _BLEND, 2.0),
    _case("a fine style", {"name": "fine", "size": 1024}, scale=0.5),
    _case("listed sizes and evaluations", {"size": 700, "scales": [200, 400, 700], "iterations": [100, 80, 30]}),
    _case("three sizes, never finished early", {"scales": 3, "iterations": 50, "tolerance": 0.0}),
    _case("torchvision's weights", {}, source="torchvision"),
    _case("weights in a file", {}, source="weights.pth", preprocessing="caffe"),
    _case("weights in a file, as torchvision has them", {"size": 64}, source="weights.pth"),
    _case("gatys by gradient descent", {"loss": "gatys", "optimizer": "sgd", "learning_rate": 0.002}),
    _case("gatys by L-BFGS", {"loss": "gatys", "optimizer": "lbfgs", "content_weight": 5.0, "style_weight": 100.0}),
    _case("tensorflow by adam", {"loss": "tensorflow", "optimizer": "adam", "learning_rate": 0.02}),
    _case("from noise", {"init": "noise", "seed": 7, "pooling": "average", "tv_weight": 0.001}, _BLEND),
    _case("from a blend, no content", {"init": "blend", "content_weight": 0.0, "seed": 2**63 - 1}),
    _case("as Python writes whole numbers", {"tv_weight": 1, "style_weight": 2}),
)


def recipe_in(case: Mapping[str, Any], kind: type[Recipe] = Recipe) -> Recipe:
    """Return the recipe of one of :data:`CASES`, or of what JSON makes of it."""
    pairs = ("content_layers", "style_layers")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in case["recipe"].items()}
    values |= {name: tuple((layer, weight) for layer, weight in values[name]) for name in pairs if name in values}
    return kind(**values)


def style_in(case: Mapping[str, Any], kind: type[Style] = Style, painting: type[Painting] = Painting) -> Style:
    """Return the style of one of :data:`CASES`."""
    paintings = tuple(painting(**each | {"path": Path(each["path"])}) for each in case["style"]["paintings"])
    return kind(**case["style"] | {"paintings": paintings})


def weights_in(case: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the weights of one of :data:`CASES`, whose file lies in ``folder``."""
    weights = dict(case["weights"])
    return weights | {"source": str(folder / weights["source"])} if "weights.pth" in weights.values() else weights


def values_of(config: Config, folder: Path) -> Any:
    """Return every setting's value under its name in the file, and what is made of them; FOLDER is the config's."""
    values = {
        "settings": config.model_dump(mode="json", by_alias=True, warnings=False),
        "recipes": {name: dataclasses.asdict(recipe) for name, recipe in config.recipes_by_name().items()},
        "rules": [rule._asdict() for rule in config.pairing.rules],
        "paintings": [{str(each.path): each.weight for each in style.paintings} for style in config.styles],
        "picture": dataclasses.asdict(config.picture_options()),
    }
    escaped = json.dumps(str(folder.resolve()))[1:-1]
    return json.loads(json.dumps(values).replace(escaped, "FOLDER").replace("\\\\", "/"))


def rows_of(ledger: Ledger) -> list[list[Any]]:
    """Return what a ledger has on record of each of its jobs: what it is, its state, key and picture."""
    query = "SELECT CAST(photo AS TEXT), style, recipe, state, key, CAST(output AS TEXT), published_sha256 FROM jobs"
    return [list(row) for row in ledger._store.connection.execute(f"{query} ORDER BY 1, 2, 3")]


#: The target in the style cache, and of the checkpoint: with the first two layers, so that their files are small.
TARGET_LAYERS: Final = ("relu1_1", "relu1_2")
TARGET_SIZE: Final = 40
#: What numbers computed on one machine have in common; here whatever machine it was.
PRECISION: Final = "cpu:float32:direct"
EVALUATIONS_KEPT: Final = 4


def pixels(height: int = 32, width: int = 40) -> npt.NDArray[np.uint8]:
    """Return a picture that is the same with any version of any library."""
    number = np.arange(height * width * 3, dtype=np.int64)
    return (number * number // 7 % 251).astype(np.uint8).reshape(height, width, 3)


TARGET_STYLE: Final = Style("night", (Painting(Path("a.jpg"), hashlib.sha256(pixels().tobytes()).hexdigest()),))


def request(checkpoint: Path | None) -> Request:
    """Return a picture to make, or to go on with."""
    recipe = Recipe(
        size=32,
        scales=1,
        iterations=7,
        tolerance=0.0,
        content_layers=(("relu1_2", 1.0),),
        style_layers=(("relu1_1", 1.0), ("relu1_2", 0.5)),
    )
    return Request("t", pixels(32, 32), TARGET_STYLE, recipe, checkpoint)


def every_event() -> Iterator[RunEvent]:
    """Yield one of each event that a run and a daemon tell."""
    yield WatchNotice("watching", "watching in: 3 photos")
    yield events.started()
    yield PhotoSetAside("=odd.jpg", "quarantined", "it is no image")
    yield events.begun()
    yield events.progress(1)
    yield Remark("t1", "goes on after evaluation 3", warning=True)
    yield SnapshotSaved("t1", Path("snapshots/1.jpg"))
    yield events.finished()
    yield events.finished(Job("copy.png", "wave", "default"), "t3", artwork=None, output="copy.jpg")
    yield JobStarted("t2", events.CAFE, "out.jpg")
    yield events.failed()
    yield OriginalMoved("zoo/lion.jpg", "/done/zoo/lion.jpg")
    yield OriginalsStay("the disk is full")
    yield events.over(counts={"done": 2, "quarantined": 1})


def is_part_of(old: Any, new: Any) -> bool:
    """Tell whether ``new`` says all that ``old`` does; mappings may have got more keys."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and is_part_of(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(is_part_of, old, new))
    return bool(old == new)
