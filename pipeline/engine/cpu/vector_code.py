"""The innermost steps of a Winograd convolution, eight channels at a time, as instructions for LLVM.

Which values to work on together, no compiler finds here by itself. So the steps emit the instructions: alike for
every processor, and LLVM makes of them the processor's own (AVX2, AVX-512, NEON).

Addresses are bytes, distances are floats, both integers. Counts of channels are multiples of :data:`LANES`. The sums
are those of :mod:`pipeline.engine.cpu.winograd`, a product and its sum being rounded once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import reduce
from typing import Any, Final

from llvmlite import ir

from pipeline.engine.cpu.tile_sizes import LANES, PANEL, STRIDE, WINDOW

#: Rows of a product that are computed together: with two vectors of each, 12 sums and 2 factors fit 16 registers.
ROWS: Final = 6
_VECTORS: Final = PANEL // LANES

INDEX: Final = ir.IntType(64)
FLOAT: Final = ir.FloatType()
FLOAT_BYTES: Final = 4

_VECTOR: Final = ir.VectorType(FLOAT, LANES)
_FIRST_LANE: Final = ir.Constant(ir.IntType(32), 0)
_ALL_LANES_THE_FIRST: Final = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
_FMA: Final = f"llvm.fma.v{LANES}f32"

Value = Any  # llvmlite says nothing about its types


class Code:
    """Emits instructions for numbers, and for vectors of :data:`LANES` floats."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        module = builder.module
        known = module.globals.get(_FMA)
        self._fma = known or ir.Function(module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), _FMA)

    def number(self, value: int) -> Value:
        """Return a constant integer."""
        return ir.Constant(INDEX, value)

    def plus(self, *terms: Value | int) -> Value:
        """Return the sum of integers."""
        return reduce(self._builder.add, map(self._integer, terms))

    def minus(self, left: Value, right: Value | int) -> Value:
        """Return the difference of integers."""
        return self._builder.sub(left, self._integer(right))

    def times(self, *factors: Value | int) -> Value:
        """Return the product of integers."""
        return reduce(self._builder.mul, map(self._integer, factors))

    def divided(self, left: Value, right: Value | int) -> Value:
        """Return the quotient of integers that are not below 0, without its remainder."""
        return self._builder.sdiv(left, self._integer(right))

    def remainder(self, left: Value, right: Value | int) -> Value:
        """Return what remains of integers that are not below 0."""
        return self._builder.srem(left, self._integer(right))

    def smaller(self, left: Value | int, right: Value | int) -> Value:
        """Return the smaller one of two integers."""
        left, right = self._integer(left), self._integer(right)
        return self._builder.select(self._builder.icmp_signed("<", left, right), left, right)

    def all_true(self, *comparisons: tuple[Value | int, str, Value | int]) -> Value:
        """Tell whether all of these hold of integers, as ``(left, "<=", right)``."""
        found = [
            self._builder.icmp_signed(sign, self._integer(left), self._integer(right))
            for left, sign, right in comparisons
        ]
        return reduce(self._builder.and_, found)

    def choice(self, condition: Value) -> AbstractContextManager[tuple[Any, Any]]:
        """Return what yields two context managers: for what is done if the ``condition`` holds, and if not."""
        branches: AbstractContextManager[tuple[Any, Any]] = self._builder.if_else(condition)
        return branches

    @contextmanager
    def loop(self, start: Value | int, stop: Value | int, step: Value | int = 1) -> Iterator[Value]:
        """Yield the integers from ``start`` on below ``stop``; there may be none."""
        builder, before = self._builder, self._builder.block
        head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(INDEX)
        index.add_incoming(self._integer(start), before)
        builder.cbranch(builder.icmp_signed("<", index, self._integer(stop)), body, after)
        builder.position_at_end(body)
        yield index
        index.add_incoming(builder.add(index, self._integer(step)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    @contextmanager
    def counted_loop(self, count: Value, carried: int) -> Iterator[tuple[Value, list[Value], list[Value]]]:
        """Yield an integer from 0 on below ``count``, which is above 0, and as many vectors as are ``carried``.

        These are zeros at first, and then what the loop has appended to the list that is yielded last, where they
        are found when the loop is over.
        """
        builder, before = self._builder, self._builder.block
        body, after = (builder.append_basic_block(name) for name in ("body", "after"))
        builder.branch(body)
        builder.position_at_end(body)
        index, kept = builder.phi(INDEX), [builder.phi(_VECTOR) for _ in range(carried)]
        following: list[Value] = []
        yield index, kept, following
        counted = builder.add(index, self.number(1))
        zeros = [_constant(0.0)] * carried
        for phi, first, then in zip([index, *kept], [self.number(0), *zeros], [counted, *following], strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(then, builder.block)
        builder.cbranch(builder.icmp_signed("<", counted, count), body, after)
        builder.position_at_end(after)

    def sum(self, left: Value, right: Value) -> Value:
        """Return the sum of floats, or of vectors."""
        return self._builder.fadd(left, right)

    def difference(self, left: Value, right: Value) -> Value:
        """Return the difference of vectors."""
        return self._builder.fsub(left, right)

    def fma(self, left: Value, right: Value, added: Value) -> Value:
        """Return left × right + added of vectors, rounded once."""
        return self._builder.call(self._fma, [left, right, added])

    def scaled(self, factor: float, value: Value, added: Value) -> Value:
        """Return factor × value + added of vectors, rounded once."""
        return self.fma(_constant(factor), value, added)

    def at_least(self, value: Value, lowest: Value) -> Value:
        """Return the larger one of vectors; ``value`` itself if it is no number."""
        return self._builder.select(self._builder.fcmp_ordered("<", value, lowest), lowest, value)

    def where_positive(self, condition: Value, value: Value) -> Value:
        """Return the float or vector ``value`` where a ``condition`` is above 0 or no number, else 0."""
        zero = ir.Constant(FLOAT, 0.0) if condition.type == FLOAT else _constant(0.0)
        return self._builder.select(self._builder.fcmp_unordered(">", condition, zero), value, zero)

    def where(self, condition: Value, value: Value) -> Value:
        """Return the float ``value`` where a ``condition`` holds, else 0."""
        return self._builder.select(condition, value, ir.Constant(FLOAT, 0.0))

    def integer_where(self, condition: Value, value: Value) -> Value:
        """Return the integer ``value`` where a ``condition`` holds, else 0."""
        return self._builder.select(condition, value, self.number(0))

    def spread(self, value: Value) -> Value:
        """Return one float in all lanes."""
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        first = self._builder.insert_element(undefined, value, _FIRST_LANE)
        return self._builder.shuffle_vector(first, undefined, _ALL_LANES_THE_FIRST)

    def load(self, address: Value, *distances: Value | int) -> Value:
        """Return the vector that is there."""
        found = self._builder.load(self._at(address, distances), typ=_VECTOR)
        found.align = FLOAT_BYTES
        return found

    def load_one(self, address: Value, *distances: Value | int) -> Value:
        """Return the float that is there."""
        return self._builder.load(self._at(address, distances), typ=FLOAT)

    def store(self, value: Value, address: Value, *distances: Value | int) -> None:
        """Write a float or a vector there."""
        there = self._builder.bitcast(self._at(address, distances), value.type.as_pointer())
        self._builder.store(value, there).align = FLOAT_BYTES

    def address(self, start: Value, *distances: Value | int) -> Value:
        """Return the address of what is at the distances from ``start``."""
        return self.plus(start, self.times(self.plus(*distances), FLOAT_BYTES))

    def _at(self, address: Value, distances: Sequence[Value | int]) -> Value:
        pointer = self._builder.inttoptr(address, FLOAT.as_pointer())
        return self._builder.gep(pointer, [self.plus(*distances)], source_etype=FLOAT)

    def _integer(self, value: Value | int) -> Value:
        return self.number(value) if isinstance(value, int) else value


def transform_patch(
    code: Code, load: Callable[..., Value], row: Value, column: Value, parts: Value, part: Value, channels: Value
) -> None:
    """Write B' d B of a patch d of 6 × 6 positions.

    ``load`` returns the vector at distances from the patch's corner, ``row`` and ``column`` are those between its
    positions. ``parts``: address of the first of the 36 results, ``part``: distance between these.
    """
    positions, results = _grid(code, row, column, WINDOW), [code.times(part, index) for index in range(WINDOW**2)]
    with code.loop(0, channels, LANES) as channel:
        columns = [
            _transformed(code, [load(positions[down][across], channel) for down in range(WINDOW)])
            for across in range(WINDOW)
        ]
        for down in range(WINDOW):
            for across, value in enumerate(_transformed(code, [each[down] for each in columns])):
                code.store(value, parts, results[WINDOW * down + across], channel)


def interpolate_tile(
    code: Code,
    parts: Value,
    part: Value,
    tile: Value,
    distances: tuple[Value, Value],
    bias: Value,
    least: Value,
    channels: Value,
) -> None:
    """Write A' m A + ``bias`` of 36 products m, as a tile of 4 × 4 positions without what is below ``least``.

    ``parts``: address of the first product, ``part``: distance between these. ``tile``: address of its corner,
    ``distances``: between its rows and its columns. ``bias``: address.
    """
    positions = _grid(code, *distances, STRIDE)
    products = [code.times(part, index) for index in range(WINDOW**2)]
    lowest = code.spread(least)
    with code.loop(0, channels, LANES) as channel:
        columns = []
        for across in range(WINDOW):
            there = [products[WINDOW * down + across] for down in range(WINDOW)]
            columns.append(_interpolated(code, [code.load(parts, each, channel) for each in there]))
        added = code.load(bias, channel)
        for down in range(STRIDE):
            for across, value in enumerate(_interpolated(code, [each[down] for each in columns])):
                code.store(code.at_least(code.sum(value, added), lowest), tile, positions[down][across], channel)


def multiply_rows(
    code: Code, rows: Value, row: Value, panel: Value, products: Value, product: Value, channels: Value
) -> None:
    """Write the products of :data:`ROWS` rows of ``channels`` floats and a panel of as many rows of :data:`PANEL`.

    ``rows``, ``panel``, ``products``: addresses. ``row``, ``product``: distances between rows. The sums stay in
    registers: everything else about a convolution exists to let this loop run.
    """
    starts = [code.times(row, number) for number in range(ROWS)]
    with code.counted_loop(channels, ROWS * _VECTORS) as (channel, sums, following):
        here = code.times(channel, PANEL)
        factors = [code.load(panel, here, LANES * vector) for vector in range(_VECTORS)]
        for number, start in enumerate(starts):
            value = code.spread(code.load_one(rows, start, channel))
            kept = sums[number * _VECTORS : (number + 1) * _VECTORS]
            following += [code.fma(value, *pair) for pair in zip(factors, kept, strict=True)]
    for number, value in enumerate(following):
        down, across = divmod(number, _VECTORS)
        code.store(value, products, code.times(product, down), LANES * across)


def _constant(value: float) -> Value:
    return ir.Constant(_VECTOR, [value] * LANES)


def _grid(code: Code, row: Value, column: Value, side: int) -> list[list[Value]]:
    """Return the distances of the positions of a square from its corner."""
    return [
        [code.plus(code.times(row, down), code.times(column, across)) for across in range(side)]
        for down in range(side)
    ]


def _transformed(code: Code, d: Sequence[Value]) -> list[Value]:
    """Return B' d, see :func:`pipeline.engine.cpu.winograd._transform`."""
    even, odd = code.scaled(-4, d[2], d[4]), code.scaled(-4, d[1], d[3])
    near, far = code.difference(d[4], d[2]), code.difference(d[3], d[1])
    return [
        code.scaled(4, d[0], code.scaled(-5, d[2], d[4])),
        code.sum(even, odd),
        code.difference(even, odd),
        code.scaled(2, far, near),
        code.scaled(-2, far, near),
        code.scaled(4, d[1], code.scaled(-5, d[3], d[5])),
    ]


def _interpolated(code: Code, m: Sequence[Value]) -> list[Value]:
    """Return A' m, see :func:`pipeline.engine.cpu.winograd._interpolate`."""
    near, far = code.sum(m[1], m[2]), code.sum(m[3], m[4])
    between, beyond = code.difference(m[1], m[2]), code.difference(m[3], m[4])
    return [
        code.sum(code.sum(near, far), m[0]),
        code.scaled(2, beyond, between),
        code.scaled(4, far, near),
        code.sum(code.scaled(8, beyond, between), m[5]),
    ]
