"""Devices are chosen by name, and memory decides how much they get."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from pipeline.engine.devices import (
    Hardware,
    budget_from_memory,
    choose_budget,
    choose_hardware,
    explain_full_device,
    first_usable,
    is_out_of_memory,
    memory_of_gpu,
)
from pipeline.errors import DeviceError
from pipeline.model import EngineSettings


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def never(count: int, side: int) -> int:
    raise AssertionError("nothing needs measuring")


def test_the_cpu_computes_in_float32_and_tells_its_threads(threads: int) -> None:
    hardware = choose_hardware(EngineSettings(device="cpu", threads=1))
    assert torch.get_num_threads() == 1
    assert hardware.name == "cpu (1 threads, float32)"
    assert hardware.precision == "cpu:float32"
    assert not hardware.autocast


def test_bfloat16_can_be_asked_for_on_the_cpu() -> None:
    hardware = choose_hardware(EngineSettings(device="cpu", precision="bfloat16"))
    assert hardware.autocast
    assert hardware.precision == "cpu:bfloat16"


def test_auto_finds_a_device_of_this_machine() -> None:
    assert choose_hardware(EngineSettings()).device.type in {"cpu", "cuda", "mps"}


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", ""])
def test_a_device_that_does_not_exist_is_named_with_what_to_use(name: str) -> None:
    with pytest.raises(DeviceError, match=r"engine\.device: .*use"):
        choose_hardware(EngineSettings(device=name))


@pytest.mark.parametrize(("batch_size", "canvases"), [(0, 1), (3, 3)])
def test_the_cpu_evaluates_images_one_by_one(batch_size: int, canvases: int) -> None:
    settings = EngineSettings(device="cpu", batch_size=batch_size)
    budget = choose_budget(settings, choose_hardware(settings), never)
    assert (budget.canvases, budget.pixels) == (canvases, 0)


def test_memory_decides_how_many_pictures_fit() -> None:
    pixels = 512 * 512
    alone, two = 3_000_000_000, 4_000_000_000
    # 85 % of 24 GB less 2 GB that do not grow, by 1 GB and 252 MB of optimizer state for each picture.
    budget = budget_from_memory(24_000_000_000, alone, two, pixels)
    assert budget.canvases == 14
    assert budget.pixels // pixels == 14
    # What is not for one evaluation of as many is for the state of pictures of any size.
    evaluation = budget.pixels * (two - alone) / pixels
    assert budget.state_bytes == pytest.approx(24e9 * 0.85 - 2e9 - evaluation)
    assert 3.4e9 < budget.state_bytes < 3.9e9


def test_no_chunk_has_more_numbers_than_32_bits_count() -> None:
    assert budget_from_memory(10**15, 3_000, 4_000, 65536).pixels * 64 < 2**31


def test_a_device_that_is_there_but_does_not_work_is_passed_over_with_the_reason() -> None:
    device, note = first_usable(["meta"])
    assert device.type == "cpu"
    assert note.startswith("meta can't be used: ")
    assert first_usable([]) == (torch.device("cpu"), "")
    assert first_usable(["cpu", "meta"]) == (torch.device("cpu"), "")


def test_a_gpu_without_room_for_the_network_is_named() -> None:
    gpu = Hardware(torch.device("cuda"), True, "cuda (a small one)")
    with pytest.raises(DeviceError, match=r"cuda \(a small one\) has no memory left"), explain_full_device(gpu):
        raise torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(RuntimeError, match="another"), explain_full_device(gpu):
        raise RuntimeError("another error")


def test_there_is_always_room_for_one() -> None:
    budget = budget_from_memory(10, 3_000, 4_000, 65536)
    assert (budget.canvases, budget.pixels) == (1, 0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("shapes do not match"), False),
    ],
)
def test_want_of_memory_is_told_from_other_errors(error: RuntimeError, expected: bool) -> None:
    assert is_out_of_memory(error) == expected


def test_only_gpus_have_memory_of_their_own() -> None:
    assert memory_of_gpu(Hardware(torch.device("cpu"), False, "cpu")) is None
    assert memory_of_gpu(Hardware(torch.device("mps"), False, "mps")) is None
