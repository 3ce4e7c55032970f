"""stylewatch, run as its users run it: a config file and a command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.processes import ROOT, Measured, measure

#: pastiche's objective in our words: layers, weights and losses.
PASTICHE_CONFIG = ROOT / "configs" / "pastiche.yaml"


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder to work in: config, output, and the cache that runs share as long as nobody takes another one."""

    folder: Path

    def config(self, styles: Mapping[Path, float], recipe: Mapping[str, Any], photos: Path | None = None) -> Path:
        """Write a config: ``styles`` are paintings with their scales, ``recipe`` is its only one."""
        document = {
            "input": {"folder": str(photos or self.folder / "in"), "settle_seconds": 0},
            "output": {"folder": str(self.folder / "out"), "format": "png", "min_free_disk": 0},
            "cache": {"folder": str(self.folder / "cache")},
            "styles": [{"name": path.stem, "painting": str(path), "scale": styles[path]} for path in styles],
            "recipes": {"default": dict(recipe)},
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "config.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
        return path

    def try_(self, config: Path, photo: Path, into: str) -> tuple[Measured, dict[str, Path]]:
        """Run ``try``; return its measurements and the pictures by style."""
        folder = self.folder / into
        measured = measure(["-m", "pipeline", "try", config, photo, "--into", folder, "--quiet"])
        return measured, {path.stem: path for path in folder.glob("*.png")}

    def run(self, config: Path) -> tuple[Measured, Sequence[Path]]:
        """Run ``run``; return its measurements and the pictures."""
        measured = measure(["-m", "pipeline", "run", config, "--quiet"])
        return measured, sorted((self.folder / "out").rglob("*.png"))


def pastiche_recipe(size: int, budget: int | None = None) -> dict[str, Any]:
    """Return the recipe of configs/pastiche.yaml at ``size``, with ``budget`` evaluations at each of its sizes."""
    recipe: dict[str, Any] = yaml.safe_load(PASTICHE_CONFIG.read_text("utf-8"))["recipes"]["default"]
    recipe["scales"] = [scale * size // recipe["size"] for scale in recipe["scales"]]
    recipe["size"] = size
    if budget is not None:
        recipe["iterations"] = budget
    return recipe
