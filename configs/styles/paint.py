"""Paints the sample paintings beside this script: ``python configs/styles/paint.py [FOLDER]``.

They are original works, made by the seeded arithmetic below and by nothing else; they share the project's license.
All lengths are fractions of the long side, so that a painting looks the same at every size.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Field = NDArray[np.float64]  # (H, W), or (H, W, 3) for colors: RGB 0..1

LONG_SIDE: Final = 1024
ASPECT: Final = 0.75


def main(folder: Path, long_side: int) -> None:
    """Write every painting as a JPEG into a folder."""
    for name, paint in PAINTINGS.items():
        path = folder / f"{name}.jpg"
        picture(paint(long_side)).save(path, quality=80, optimize=True)
        print(f"{path}: {path.stat().st_size // 1000} kB")


def picture(colors: Field) -> Image.Image:
    """Return colors 0..1 as an 8-bit picture."""
    return Image.fromarray((colors.clip(0, 1) * 255).round().astype(np.uint8))


# --- pigments and grounds ---------------------------------------------------------------------------------


def pigments(*names: str) -> Field:
    """Return a palette (N, 3) from hexadecimal colors."""
    return np.array([[int(name[i : i + 2], 16) / 255 for i in (0, 2, 4)] for name in names])


def mix(palette: Field, position: Field) -> Field:
    """Return the colors at positions 0..1 along a palette, blending neighbors."""
    place = np.clip(position, 0, 1) * (len(palette) - 1)
    return np.stack([np.interp(place, np.arange(len(palette)), channel) for channel in palette.T], axis=-1)


def coordinates(long_side: int) -> tuple[Field, Field]:
    """Return x (0..1) and y (0..ASPECT) of every pixel's center."""
    height = round(long_side * ASPECT)
    y, x = np.mgrid[0:height, 0:long_side]
    return (x + 0.5) / long_side, (y + 0.5) / long_side


def clouds(rng: np.random.Generator, shape: tuple[int, ...], cells: int) -> Field:
    """Return smooth noise of mean 0 and deviation 1 with about ``cells`` blots along the long side."""
    coarse = rng.normal(size=(round(cells * ASPECT) + 3, cells + 3)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC), dtype=float)
    return (smooth - smooth.mean()) / smooth.std()


def ranks(values: Field) -> Field:
    """Return where each value stands among all of them, 0..1."""
    known = np.quantile(values, np.linspace(0, 1, 257))
    return np.interp(values, known, np.linspace(0, 1, 257))


# --- blossoms: bristle strokes along a stream ---------------------------------------------------------------

WHORLS: Final = (  # x, y, radius, strength
    (0.28, 0.27, 0.13, 1.0),
    (0.72, 0.49, 0.15, -1.1),
    (0.93, 0.10, 0.10, 0.8),
    (0.10, 0.60, 0.10, -0.9),
    (0.44, 0.64, 0.11, 0.9),
    (0.55, 0.13, 0.09, -0.8),
    (0.94, 0.68, 0.09, 0.8),
    (0.05, 0.12, 0.07, -0.6),
)
BLOSSOMS: Final = pigments(
    "0b1035", "12276f", "0f5c9c", "0fa3a8", "7fd6b0", "fff1c1", "ffc233", "f9791d", "d8232f", "7d0f4f", "2a0a3d"
)


def blossoms(long_side: int) -> Field:
    """Whorls of petals: thick strokes follow the contours of a stream, colors its height."""
    rng = np.random.default_rng(7)
    x, y = coordinates(256)
    stream = 0.10 * clouds(rng, x.shape, 5) + 0.35 * (y - 0.4 * x)
    for center_x, center_y, radius, strength in WHORLS:
        distance = np.hypot(x - center_x, y - center_y) / radius
        stream += strength * np.exp(-(distance**2)) * (1 + 0.25 * np.cos(5 * distance))
    down, across = np.gradient(stream)
    angles = np.arctan2(-across, down)
    heights = ranks(stream)

    fine = 2 * long_side
    colors = Image.new("RGB", (fine, round(fine * ASPECT)), "#12276f")
    relief = Image.new("L", colors.size, 100)
    for count, length, width in ((1300, 0.12, 0.036), (1800, 0.09, 0.026), (1500, 0.07, 0.018)):
        for _ in range(count):
            start = rng.random(2) * (1.04, 1.04 * ASPECT) - 0.02
            path = flow(start, angles, length * rng.uniform(0.6, 1.3))
            brush(rng, (colors, relief), path, width * rng.uniform(0.7, 1.2), heights)
    return shine(colors, relief, long_side)


def at(field: Field, point: Field) -> float:
    """Return a field's value (256 columns wide) at a point, the nearest one outside."""
    row, column = int(point[1] * 256), int(point[0] * 256)
    return float(field[min(max(row, 0), field.shape[0] - 1), min(max(column, 0), field.shape[1] - 1)])


def flow(start: Field, angles: Field, length: float) -> Field:
    """Return a path (9, 2) of some length that follows a field of angles from its start."""
    path = [start]
    for _ in range(8):
        angle = at(angles, path[-1])
        path.append(path[-1] + length / 8 * np.array([np.cos(angle), np.sin(angle)]))
    return np.array(path)


def brush(
    rng: np.random.Generator, layers: tuple[Image.Image, Image.Image], path: Field, width: float, heights: Field
) -> None:
    """Draw one stroke of nine bristles, each with its own shade and its own thickness of paint."""
    colors, relief = layers
    pens = ImageDraw.Draw(colors), ImageDraw.Draw(relief)
    bands = at(heights, path[4]) + rng.normal() * 0.025
    tone = mix(BLOSSOMS, np.array((bands * 2.0) % 1.0 if bands < 0.999 else 1.0))
    tone = tone * rng.uniform(0.85, 1.2)
    along = np.gradient(path, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.linalg.norm(along, axis=1), 1e-9)[:, None]
    taper = np.sin(np.linspace(0.35, np.pi - 0.2, len(path)))[:, None]
    for bristle in rng.permutation(9):
        side = (bristle - 4) / 8 * width
        points = [tuple(point) for point in (path + across * side * taper) * colors.width]
        shade = (tone + rng.normal(size=3) * 0.035 + rng.normal() * 0.05).clip(0, 1) * 255
        thickness = max(1, round(width / 7 * colors.width))
        pens[0].line(points, fill=tuple(int(channel) for channel in shade), width=thickness, joint="curve")
        pens[1].line(points, fill=int(rng.uniform(60, 220)), width=thickness, joint="curve")


def shine(colors: Image.Image, relief: Image.Image, long_side: int) -> Field:
    """Light wet paint from the upper left and bring it to its final size."""
    size = (long_side, round(long_side * ASPECT))
    paint = np.asarray(colors.resize(size, Image.Resampling.BOX), dtype=float) / 255
    heights = np.asarray(relief.resize(size, Image.Resampling.BOX), dtype=float) / 255
    down, across = np.gradient(heights)
    return paint + 0.6 * np.clip(-(down + across), -0.25, 0.25)[:, :, None]


# --- window: a rose window of colored glass -----------------------------------------------------------------

GLASS: Final = pigments(
    "ffe27a", "ffb020", "f26a1b", "d81e3f", "8d1a6b", "3b2a9c", "1257c4", "0a9bc9", "10b58d", "7cc93f", "ffe27a"
)


def window(long_side: int) -> Field:
    """Shards in a spiral of golden angles, held by dark leads, lit from behind."""
    rng = np.random.default_rng(11)
    count = 1250
    order = np.arange(count) + 0.5
    angle = order * np.pi * (3 - np.sqrt(5))
    radius = 0.0102 * order**0.62 * (1 + 0.05 * rng.normal(size=count))
    seeds = np.stack([0.40 + radius * np.cos(angle), 0.33 + radius * np.sin(angle)], axis=1)
    x, y = coordinates(long_side)
    owner, edge = shards(seeds, x, y)

    hue = (np.log(radius + 0.05) * 0.9 + 0.08 * rng.normal(size=count)) % 1.0
    light = rng.uniform(0.7, 1.15, size=count)
    slant = rng.normal(size=(count, 2)) * 9
    inside = ((x - seeds[owner, 0]) * slant[owner, 0]) + ((y - seeds[owner, 1]) * slant[owner, 1])
    streaks = 0.05 * clouds(rng, x.shape, 90) + 0.04 * clouds(rng, x.shape, 30)
    glass = mix(GLASS, hue)[owner] * (light[owner] + inside.clip(-0.3, 0.3) + streaks)[:, :, None]
    glass += 0.25 * np.exp(-edge / 0.004)[:, :, None] * mix(GLASS, hue + 0.1)[owner]
    lead = np.clip((0.0029 - edge) * long_side * 0.7 + 0.5, 0, 1)[:, :, None]
    return glass * (1 - lead) + lead * pigments("14101c")[0]


def shards(seeds: Field, x: Field, y: Field) -> tuple[NDArray[np.int64], Field]:
    """Return for each pixel the nearest seed and the distance to the border of that seed's cell."""
    owner = np.zeros(x.shape, dtype=np.int64)
    edge = np.zeros(x.shape)
    tile = 64
    for top in range(0, x.shape[0], tile):
        for left in range(0, x.shape[1], tile):
            part = np.s_[top : top + tile, left : left + tile]
            points = np.stack([x[part], y[part]], axis=-1)
            owner[part], edge[part] = nearest(seeds, points)
    return owner, edge


def nearest(seeds: Field, points: Field) -> tuple[NDArray[np.int64], Field]:
    """Do what :func:`shards` does for a tile of points, looking at the seeds around only."""
    middle = points.mean(axis=(0, 1))
    reach = np.linalg.norm(points - middle, axis=-1).max()
    afar = np.linalg.norm(seeds - middle, axis=1)
    around = np.flatnonzero(afar <= afar.min() + 2 * reach + 0.1)
    squares = ((points[:, :, None] - seeds[around]) ** 2).sum(axis=-1)
    first = squares.argmin(axis=-1)
    gaps = np.linalg.norm(seeds[around][first][:, :, None] - seeds[around], axis=-1)
    borders = (squares - squares.min(axis=-1, keepdims=True)) / (2 * np.maximum(gaps, 1e-9))
    np.put_along_axis(borders, first[:, :, None], np.inf, axis=-1)
    return around[first], borders.min(axis=-1)


# --- tide: a woodcut of hills of water ------------------------------------------------------------------------

INKS: Final = (  # dark, light and edge of each ridge, back to front
    pigments("b23a48", "f6b26b", "5a1836"),
    pigments("e07a2f", "ffdd8a", "8a2b1f"),
    pigments("1f7a8c", "bfe3c9", "0c3145"),
    pigments("2b4c9b", "8fc7e8", "101f4f"),
    pigments("c8324a", "ffc09a", "57123a"),
    pigments("146b6f", "f3ead2", "082f3d"),
    pigments("243a86", "6fb4dd", "0b1640"),
    pigments("e2902c", "fff0bf", "7d2d1a"),
    pigments("152a66", "4fa3c7", "070f30"),
)
SKY: Final = pigments("fff0c4", "ffc867", "f2843f", "c43d54", "5c2a6e", "1d2460")


def tide(long_side: int) -> Field:
    """Ridges of water before a sun, cut in lines that follow each ridge."""
    rng = np.random.default_rng(5)
    x, y = coordinates(2 * long_side)
    wobble = clouds(rng, x.shape, 12) * 0.004 + clouds(rng, x.shape, 50) * 0.0010
    away = np.hypot(x - 0.66, y - 0.20) + wobble
    colors = mix(SKY, (away - 0.09) * 1.7 + 0.12 * np.sin(2 * np.pi * away / 0.024))
    colors[away < 0.085] = SKY[0]
    for index, (dark, light, edge) in enumerate(INKS):
        turn = 2 * np.pi * x / rng.uniform(0.42, 0.75) + rng.uniform(0, 2 * np.pi)
        swell = 0.05 + 0.006 * index
        crest = 0.24 + 0.06 * index - swell * (np.abs(np.sin(turn / 2)) ** 1.3 - 0.5) + wobble
        under = y - crest
        pitch = 0.017 + 0.001 * index
        cut = np.clip(np.sin(2 * np.pi * under / pitch + 1.2 * np.sin(turn)) * 4 + 0.5 - under * 12, 0, 1)[:, :, None]
        shade = np.clip(1.1 - under * 3.5, 0.35, 1.1)[:, :, None]
        water = (dark * (1 - cut) + light * cut) * shade
        water[under < 0.009] = light
        water[np.abs(under) < 0.003] = edge
        colors = np.where((under > -0.003)[:, :, None], water, colors)
    height = round(long_side * ASPECT)
    return np.asarray(picture(colors).resize((long_side, height), Image.Resampling.BOX), dtype=float) / 255


PAINTINGS: Final[dict[str, Callable[[int], Field]]] = {"blossoms": blossoms, "window": window, "tide": tide}

if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent, LONG_SIDE)
