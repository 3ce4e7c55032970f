"""What the caller's process has set in torch is not in force while the engine computes, and is afterwards."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
import torch

from pipeline.engine.isolation import isolated


@pytest.fixture(autouse=True)
def torchs_own() -> Iterator[None]:
    """Bring back what torch has by itself."""
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = True


def test_gradients_are_on_whatever_the_caller_has() -> None:
    weight = torch.ones(2, requires_grad=True)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            with isolated(tf32=False):
                assert torch.autograd.grad((weight * 2).sum(), weight)[0].tolist() == [2, 2]
            assert not torch.is_grad_enabled()


def test_products_are_exact_whatever_the_caller_has() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with isolated(tf32=False):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.bfloat16


def test_tensors_are_made_as_torch_makes_them_by_itself() -> None:
    torch.set_default_dtype(torch.float64)
    with torch.device("meta"):
        with isolated(tf32=False):
            made = torch.zeros(1)
            assert (made.dtype, made.device.type) == (torch.float32, "cpu")
        made = torch.zeros(1)
        assert (made.dtype, made.device.type) == (torch.float64, "meta")


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
@pytest.mark.parametrize("convolutions", [True, False])
def test_the_precision_of_products_is_the_callers_again(
    precision: str, convolutions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    torch.set_float32_matmul_precision(precision)
    torch.backends.cudnn.allow_tf32 = convolutions
    with isolated(tf32=True):
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    assert torch.get_float32_matmul_precision() == precision
    assert torch.backends.cudnn.allow_tf32 == convolutions
    with isolated(tf32=False):
        assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == precision


def test_while_any_thread_computes_the_settings_are_the_engines() -> None:
    torch.set_default_dtype(torch.float64)
    first_is_inside, second_is_over = threading.Event(), threading.Event()
    found: list[torch.dtype] = []

    def compute() -> None:
        with isolated(tf32=False):
            first_is_inside.set()
            assert second_is_over.wait(10)
            found.append(torch.get_default_dtype())

    thread = threading.Thread(target=compute)
    thread.start()
    assert first_is_inside.wait(10)
    with isolated(tf32=False):
        pass
    second_is_over.set()
    thread.join()
    assert found == [torch.float32]
    assert torch.get_default_dtype() is torch.float64


def test_a_thread_on_a_gpu_beside_one_on_the_cpu_leaves_the_precision_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    torch.backends.cudnn.allow_tf32 = False
    cpu, gpu = isolated(tf32=False), isolated(tf32=True)
    cpu.__enter__()
    gpu.__enter__()
    gpu.__exit__(None, None, None)
    cpu.__exit__(None, None, None)
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32


def test_an_error_brings_the_callers_settings_back_too() -> None:
    torch.set_default_dtype(torch.float64)
    with contextlib.suppress(ValueError), torch.no_grad(), isolated(tf32=False):
        raise ValueError
    assert torch.get_default_dtype() is torch.float64
    assert torch.is_grad_enabled()
