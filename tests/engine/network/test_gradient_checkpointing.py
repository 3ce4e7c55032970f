"""A checkpointed computation has the plain one's gradients, and saves nothing but its input."""

from __future__ import annotations

import subprocess
import sys

import torch
from torch import Tensor

from pipeline.engine.network.gradient_checkpointing import checkpointed


def compute(x: Tensor) -> dict[str, Tensor]:
    return {"cube": x * x * x, "sum": x.sum(), "constant": torch.ones(())}


def test_gradients_are_those_of_the_plain_computation() -> None:
    x = torch.rand(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: checkpointed(compute, x)["cube"] * checkpointed(compute, x)["sum"], x)


def test_what_is_not_used_needs_no_gradient() -> None:
    x = torch.tensor([2.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(checkpointed(compute, x)["sum"], x)
    assert gradient.tolist() == [1.0]


def test_nothing_but_the_input_is_saved() -> None:
    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    x = torch.rand(3, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        found = checkpointed(compute, x)
    assert len(found) == 3
    assert [tensor.data_ptr() for tensor in saved] == [x.data_ptr()]


def test_computing_twice_does_not_load_a_compiler() -> None:
    script = """
import sys, torch
from pipeline.engine.network.gradient_checkpointing import checkpointed
x = torch.ones(2, requires_grad=True)
(slope,) = torch.autograd.grad(checkpointed(lambda x: {"y": x * x, "z": x + 1}, x)["y"].sum(), x)
assert slope.tolist() == [2.0, 2.0]
assert not {"torch._dynamo", "sympy"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
