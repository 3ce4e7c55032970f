"""Paintings with weights and scales of their own, in all their forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.paintings import PaintingChoice, written_paintings
from tests.config.conftest import Load, Problems

NIGHT, WAVE = "paintings/starry_night.jpg", "paintings/great_wave.jpg"


def choices(load: Load, paintings: str) -> tuple[PaintingChoice, ...]:
    return load(f"styles: [{{name: x, paintings: {paintings}}}]").styles[0].paintings


@pytest.mark.parametrize(
    ("written", "shares"),
    [
        (f"{{{NIGHT}: 0.7, {WAVE}: {{weight: 0.3, scale: 0.5}}}}", [(NIGHT, 0.7, 1.0), (WAVE, 0.3, 0.5)]),
        (f"{{{NIGHT}: {{}}, {WAVE}: {{scale: 2}}}}", [(NIGHT, 1.0, 1.0), (WAVE, 1.0, 2.0)]),
        (f"[{NIGHT}, {{painting: {WAVE}, weight: 3}}]", [(NIGHT, 1.0, 1.0), (WAVE, 3.0, 1.0)]),
        (f"[{NIGHT}, {{painting: {NIGHT}, scale: 0.5}}]", [(NIGHT, 1.0, 1.0), (NIGHT, 1.0, 0.5)]),
    ],
)
def test_each_painting_may_have_a_weight_and_a_scale_of_its_own(
    load: Load, folder: Path, written: str, shares: list[tuple[str, float, float]]
) -> None:
    assert choices(load, written) == tuple(PaintingChoice(folder / name, *share) for name, *share in shares)


def test_what_is_written_is_read_as_the_same(load: Load) -> None:
    for shares in (
        [(NIGHT, 1.0, 1.0)],
        [(NIGHT, 0.5, 1.0)],
        [(NIGHT, 1.0, 0.5), (WAVE, 0.3, 1.0)],
        [(NIGHT, 1.0, 1.0), (NIGHT, 0.3, 0.5), (WAVE, 1.0, 2.0)],
    ):
        style = load(f"styles: [{ {'name': 'x'} | written_paintings(shares) }]").styles[0]
        assert [(each.weight, each.scale) for each in style.paintings] == [tuple(share) for _, *share in shares]


@pytest.mark.parametrize("scale", ["", ", scale: 1.0"])
def test_a_painting_is_there_once_at_each_scale(problems: Problems, scale: str) -> None:
    [told] = problems(f"styles: [{{name: x, paintings: [{NIGHT}, {{painting: ./{NIGHT}{scale}}}]}}]")
    assert f"must name each painting once, found './{NIGHT}' again" in told


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (f"{{{NIGHT}: -0.3}}", "must be above 0, found -0.3; no picture can be painted away from a painting: leave"),
        (f"{{{NIGHT}: {{weight: 0}}}}", f"[{NIGHT!r}].weight: must be above 0, found 0; leave it out"),
        (f"{{{NIGHT}: {{wieght: 1}}}}", f"[{NIGHT!r}].wieght: is an unknown key; did you mean 'weight'?"),
        (f"{{{NIGHT}: [1]}}", "must be a weight, or {weight: 0.3, scale: 0.5}, found the list [1]"),
        (f"[{{painting: {NIGHT}, scale: 0}}]", "[0].scale: must be above 0, found 0"),
        ("[{scale: 1}]", "[0].painting: is missing: the painting's image file"),
        (f"[[{NIGHT}]]", "[0]: must be a file, or {painting: FILE, weight: 0.3, scale: 0.5}, found the list"),
    ],
)
def test_a_mistake_is_named_with_its_place(problems: Problems, written: str, message: str) -> None:
    [told] = problems(f"styles: [{{name: x, paintings: {written}}}]")
    assert told.startswith("styles[0].paintings")
    assert message in told
