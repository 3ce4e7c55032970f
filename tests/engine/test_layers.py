"""Inside the engine imports run downwards only, and what it says of itself is known without torch."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import grimp
import pytest

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

#: From the top to the bottom; what stands side by side does not know each other.
LAYERS = (
    {"measurement"},
    {"scheduler"},
    {"transfer"},
    {"memory", "speed"},
    {"network", "faces"},
    {"cpu"},
    {"devices", "events", "isolation"},
    {"machine"},
)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("pipeline", include_external_packages=True, cache_dir=None)


def contract(name: str) -> dict[str, Any]:
    """Return what CI asks of import-linter under this name."""
    contracts = tomllib.loads(PYPROJECT.read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (found,) = (each for each in contracts if each["name"] == name)
    return dict(found)


def test_the_layers_are_those_that_ci_enforces_on_every_module() -> None:
    found = contract("Inside the engine, too, imports run downwards only")
    assert [set(layer.split(" | ")) for layer in found["layers"]] == list(LAYERS)
    assert (found["type"], found["containers"], found["exhaustive"]) == ("layers", ["pipeline.engine"], True)


def test_every_module_has_its_layer(graph: grimp.ImportGraph) -> None:
    named = {f"pipeline.engine.{name}" for layer in LAYERS for name in layer}
    assert graph.find_children("pipeline.engine") == named


def test_nothing_imports_upwards(graph: grimp.ImportGraph) -> None:
    assert not graph.find_illegal_dependencies_for_layers(LAYERS, containers={"pipeline.engine"})
    # The same question does find something where there is something to find.
    assert graph.find_illegal_dependencies_for_layers(LAYERS[::-1], containers={"pipeline.engine"})


def test_events_import_nothing_of_the_engine(graph: grimp.ImportGraph) -> None:
    imported = graph.find_modules_directly_imported_by("pipeline.engine.events")
    assert {name for name in imported if name.startswith("pipeline")} == {"pipeline.errors", "pipeline.model"}


def test_what_is_said_to_need_no_torch_needs_none(graph: grimp.ImportGraph) -> None:
    found = contract("What the engine says of itself is known without torch")
    for name in found["source_modules"]:
        modules = {name} | graph.find_descendants(name)
        assert not any(graph.find_shortest_chain(module, "torch") for module in modules)
    assert graph.find_shortest_chain("pipeline.engine.scheduler.stylizer", "torch")
