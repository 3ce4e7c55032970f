"""How a picture is worked on in the memory that a machine has: what is left out or computed twice to need less.

Plans round differently, so that the plan of a size belongs to what is fixed for a machine: it follows from the memory
that there is in all, never from what happens to be free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: The side of a block of the first stage, in pixels: larger ones are no faster, smaller ones have more margin.
BLOCK_PIXELS: Final = 512

#: The segments of the network in the first stage that is passed in blocks; each later one is a stage. What the first
#: segment returns would take as much as five pictures, and with the second one the margin is 8 pixels only.
FIRST_STAGE_SEGMENTS: Final = 2


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How a size of a picture is worked on.

    ``in_blocks``: evaluated in blocks (:mod:`pipeline.engine.transfer.blocks`), in 1.8 times the time. ``history``:
    how many pairs L-BFGS keeps at most, ``bfloat16_history``: with 8 bits of precision each.
    """

    in_blocks: bool = False
    history: int = 20
    bfloat16_history: bool = False


#: Everything as it is without any limit.
PLAIN: Final = MemoryPlan()

#: What needs less and less memory. Of two plans that fit the earlier one is better. A short history costs
#: nothing that can be seen: after 10 to 80 evaluations at 320 pixels the loss is at most 0.4 % higher.
PLANS: Final = (
    PLAIN,
    MemoryPlan(history=5, bfloat16_history=True),
    MemoryPlan(in_blocks=True, history=5, bfloat16_history=True),
)

#: The plan that needs the least.
LEAST: Final = PLANS[-1]


def plan_within(limit_bytes: float, need_bytes: Callable[[MemoryPlan], int]) -> MemoryPlan:
    """Return the first plan whose need fits; the one that needs the least if none does."""
    return next((plan for plan in PLANS if need_bytes(plan) <= limit_bytes), LEAST)
