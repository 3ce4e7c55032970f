"""The loops of :mod:`pipeline.engine.cpu.fused` over tiles, as a function of LLVM for each kind of input."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, get_args

from llvmlite import ir

from pipeline.engine.cpu import tile_sizes, vector_code
from pipeline.engine.cpu.compiled_code import load_functions
from pipeline.engine.cpu.tile_sizes import PANEL, STRIDE, WINDOW
from pipeline.engine.cpu.vector_code import (
    FLOAT,
    INDEX,
    ROWS,
    Code,
    Value,
    interpolate_tile,
    multiply_rows,
    transform_patch,
)

#: What is convolved: an image; a gradient, where a rectifier let something through; the sum of two such gradients.
Input = Literal["plain", "rectified", "sum"]
INPUTS: Final[tuple[Input, ...]] = get_args(Input)

_PRODUCTS: Final = WINDOW * WINDOW

# A function's parameters in their order.
_PARAMETERS: Final = (
    *("x", "added", "outputs", "height", "width", "channels", "rounded", "padding"),
    *("panels", "bias", "of_each", "y", "rows", "columns", "depth"),
    *("first", "last", "begin", "end", "at_once", "patches", "products", "room"),
)

_SIGNATURE: Final = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(_PARAMETERS), ctypes.c_float)
_SOURCES: Final = tuple(map(Path, (__file__, vector_code.__file__, tile_sizes.__file__)))


def load_loops(folder: Path | None) -> dict[str, Callable[..., None]]:
    """Return a function for each of :data:`INPUTS`, whose code is kept in ``folder``.

    It takes the least value of an output, and integers by their names, which :class:`_Convolution` describes. Raises
    RuntimeError if LLVM can't make code for this machine.
    """
    addresses = load_functions(_module_text, INPUTS, _SOURCES, folder)
    return {kind: _by_names(_SIGNATURE(address)) for kind, address in addresses.items()}


def _by_names(function: Any) -> Callable[..., None]:
    return lambda least, **values: function(*(values[name] for name in _PARAMETERS), least)


def _module_text() -> str:
    module = ir.Module("tile_loops")
    for kind in INPUTS:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INDEX] * len(_PARAMETERS) + [FLOAT]), kind)
        builder = ir.IRBuilder(function.append_basic_block())
        *integers, least = function.args
        _Convolution(Code(builder), kind, dict(zip(_PARAMETERS, integers, strict=True)), least).emit()
        builder.ret_void()
    return str(module)


class _Convolution:
    """Emits a function that writes tiles of a convolution, so many at once.

    ``x``, ``added`` and ``outputs``: addresses of (height, width, channels); what counts of them, ``kind`` says.
    Around it are ``padding`` zeros. ``rounded``: the channels, rounded up to a multiple of 8. ``panels`` (36,
    of_each, channels, 16) and ``bias`` (16 of_each,); ``y`` (rows, columns, depth). Of ``y`` the tiles ``first`` to
    ``last`` are written, counted row by row, and the channels of panels ``begin`` to ``end``.
    Room for results in between: ``patches`` (36, at_once, rounded), ``at_once`` being a multiple of 6, ``products``
    (36, at_once, 16 (end - begin)), ``room`` (36, rounded or 16 (end - begin), whichever is more).
    """

    def __init__(self, code: Code, kind: Input, integers: dict[str, Value], least: Value) -> None:
        self._code, self._kind, self._least = code, kind, least
        self._of: Any = integers
        self._across = code.divided(code.plus(integers["columns"], STRIDE - 1), STRIDE)
        self._computed = code.times(code.minus(integers["end"], integers["begin"]), PANEL)

    def emit(self) -> None:
        """Emit the function's body."""
        code, of = self._code, self._of
        with code.loop(of["first"], of["last"], of["at_once"]) as tile:
            count = code.smaller(of["at_once"], code.minus(of["last"], tile))
            with code.loop(0, count) as number:
                self._transform(code.plus(tile, number), number)
            self._multiply(count)
            with code.loop(0, count) as number:
                self._interpolate(code.plus(tile, number), number)

    def _corner(self, tile: Value) -> tuple[Value, Value]:
        """Return the row and the column of ``y`` at which a tile begins."""
        down, across = self._code.divided(tile, self._across), self._code.remainder(tile, self._across)
        return self._code.times(down, STRIDE), self._code.times(across, STRIDE)

    def _transform(self, tile: Value, number: Value) -> None:
        code, of = self._code, self._of
        top, left = (code.minus(edge, of["padding"]) for edge in self._corner(tile))
        there = code.address(of["patches"], code.times(number, of["rounded"]))
        part = code.times(of["at_once"], of["rounded"])
        is_inside = code.all_true(
            (top, ">=", 0),
            (left, ">=", 0),
            (code.plus(top, WINDOW), "<=", of["height"]),
            (code.plus(left, WINDOW), "<=", of["width"]),
            (of["channels"], "==", of["rounded"]),
        )
        corner = code.times(code.plus(code.times(top, of["width"]), left), of["channels"])
        row = code.times(of["width"], of["channels"])
        with code.choice(is_inside) as (inside, at_border):
            with inside:
                transform_patch(
                    code,
                    lambda *at: self._load(code.load, corner, *at),
                    row,
                    of["channels"],
                    there,
                    part,
                    of["channels"],
                )
            with at_border:
                self._copy_with_zeros(top, left)
                transform_patch(
                    code,
                    lambda *at: code.load(of["room"], *at),
                    code.times(of["rounded"], WINDOW),
                    of["rounded"],
                    there,
                    part,
                    of["rounded"],
                )

    def _load(self, load: Any, *at: Value) -> Value:
        """Return what counts of the input at distances from its begin, as a float or as a vector."""
        code, of = self._code, self._of
        found = load(of["x"], *at)
        if self._kind == "sum":
            found = code.sum(found, load(of["added"], *at))
        return found if self._kind == "plain" else code.where_positive(load(of["outputs"], *at), found)

    def _copy_with_zeros(self, top: Value, left: Value) -> None:
        """Write a patch into the room, with zeros where it is outside of the input."""
        code, of = self._code, self._of
        with code.loop(0, WINDOW) as row, code.loop(0, WINDOW) as column:
            down, across = code.plus(top, row), code.plus(left, column)
            is_inside = code.all_true(
                (down, ">=", 0), (down, "<", of["height"]), (across, ">=", 0), (across, "<", of["width"])
            )
            # What is outside is read where it does no harm.
            place = code.plus(code.times(down, of["width"]), across)
            here = code.integer_where(is_inside, code.times(place, of["channels"]))
            there = code.times(code.plus(code.times(row, WINDOW), column), of["rounded"])
            with code.loop(0, of["channels"]) as channel:
                value = code.where(is_inside, self._load(code.load_one, here, channel))
                code.store(value, of["room"], there, channel)

    def _multiply(self, count: Value) -> None:
        """Multiply whole groups of rows: what is in those beyond ``count`` is not read."""
        code, of = self._code, self._of
        with code.loop(0, _PRODUCTS) as number, code.loop(of["begin"], of["end"]) as panel:
            before = code.plus(code.times(number, of["of_each"]), panel)
            factors = code.address(of["panels"], code.times(before, of["channels"], PANEL))
            column = code.times(code.minus(panel, of["begin"]), PANEL)
            with code.loop(0, count, ROWS) as row:
                here = code.plus(code.times(number, of["at_once"]), row)
                rows = code.address(of["patches"], code.times(here, of["rounded"]))
                there = code.address(of["products"], code.times(here, self._computed), column)
                multiply_rows(code, rows, of["rounded"], factors, there, self._computed, of["channels"])

    def _interpolate(self, tile: Value, number: Value) -> None:
        """Write a tile into ``y``, without what is beyond its edges and its channels."""
        code, of = self._code, self._of
        top, left = self._corner(tile)
        channel = code.times(of["begin"], PANEL)
        part = code.times(of["at_once"], self._computed)
        here = code.address(of["products"], code.times(number, self._computed))
        bias = code.address(of["bias"], channel)
        corner = code.plus(code.times(code.plus(code.times(top, of["columns"]), left), of["depth"]), channel)
        row = code.times(of["columns"], of["depth"])
        wanted = code.smaller(self._computed, code.minus(of["depth"], channel))
        is_whole = code.all_true(
            (code.plus(top, STRIDE), "<=", of["rows"]),
            (code.plus(left, STRIDE), "<=", of["columns"]),
            (wanted, "==", self._computed),
        )
        with code.choice(is_whole) as (whole, at_border):
            with whole:
                there, distances = code.address(of["y"], corner), (row, of["depth"])
                interpolate_tile(code, here, part, there, distances, bias, self._least, self._computed)
            with at_border:
                there, distances = of["room"], (code.times(self._computed, STRIDE), self._computed)
                interpolate_tile(code, here, part, there, distances, bias, self._least, self._computed)
                height = code.smaller(STRIDE, code.minus(of["rows"], top))
                width = code.smaller(STRIDE, code.minus(of["columns"], left))
                with code.loop(0, height) as down, code.loop(0, width) as across, code.loop(0, wanted) as each:
                    source = code.times(code.plus(code.times(down, STRIDE), across), self._computed)
                    target = code.plus(corner, code.times(down, row), code.times(across, of["depth"]))
                    code.store(code.load_one(of["room"], source, each), of["y"], target, each)
