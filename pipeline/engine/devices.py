"""Chooses device, precision, threads and batch budget. Owns what differs from device to device."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from pipeline.errors import DeviceError
from pipeline.model import EngineSettings

_MOST_CANVASES: Final = 64
_USUAL_PIXELS: Final = 512 * 512
_SHARE_OF_FREE_MEMORY: Final = 0.85

# L-BFGS keeps 20 pairs of steps and changes for each image, three float32 colors each; twice for what is in flight.
_STATE_BYTES_PER_PIXEL: Final = 2 * 20 * 2 * 3 * 4

# torch convolves up to 64 channels of a chunk, and some of its versions count their numbers in 32 bits.
_MOST_PIXELS: Final = (2**31 - 1) // 64

# Messages of torch's CPU and Metal; then of CUDA's libraries, when torch's own allocator holds the memory.
_NO_MEMORY: Final = (
    "allocate memory",
    "not enough memory",
    "bad_alloc",
    "out of memory",
    "ALLOC_FAILED",
    "CUFFT_INTERNAL_ERROR",
    "unable to find an engine",
)

# The first GPUs that multiply bfloat16 numbers themselves (Ampere); for older ones cuDNN convolves none.
_BFLOAT16_FROM: Final = (8, 0)


@dataclass(frozen=True, slots=True)
class Hardware:
    """A device of this machine; ``autocast`` means that convolutions compute in bfloat16.

    ``note`` says why ``auto`` did not choose a better one.
    """

    device: torch.device
    autocast: bool
    name: str
    note: str = ""

    @property
    def precision(self) -> str:
        """Return the kind of device and its precision, such as ``cpu:float32``."""
        return f"{self.device.type}:{_precision(self.autocast)}"


@dataclass(frozen=True, slots=True)
class DeviceBudget:
    """How many canvases to work on at once, and how many of their pixels to evaluate at once.

    ``state_bytes``: what all of them together may keep and take between evaluations, on a GPU.
    """

    canvases: int
    pixels: int
    state_bytes: float = math.inf


def choose_hardware(settings: EngineSettings) -> Hardware:
    """Return the device that ``settings`` ask for and set the number of threads. Raises DeviceError."""
    device, note = _choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    if device.type == "cuda":
        # Matrix products and convolutions in float32 may round to 10 bits: what they read has 8 anyway.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    wanted = settings.precision
    autocast = _multiplies_bfloat16(device) if wanted == "auto" else wanted == "bfloat16"
    kind = f"{torch.get_num_threads()} threads" if device.type == "cpu" else _product_name(device)
    return Hardware(device, autocast, f"{device} ({', '.join(filter(None, (kind, _precision(autocast))))})", note)


def choose_budget(
    settings: EngineSettings, hardware: Hardware, peak_bytes: Callable[[int, int], int]
) -> DeviceBudget:
    """Return how much to work on at once; ``peak_bytes(count, side)`` measures an evaluation of square images.

    On the CPU images are evaluated one by one: so a picture has the same bits alone and in any batch, and a larger
    batch would not be faster. There, the batch size is how many canvases are evaluated in parallel.
    """
    if hardware.device.type == "cpu":
        return DeviceBudget(settings.batch_size or torch.get_num_threads(), 0)
    if hardware.device.type != "cuda":
        return DeviceBudget(max(1, settings.batch_size), 0)
    side = 256
    alone, two = peak_bytes(1, side), peak_bytes(2, side)
    empty_device_caches()
    free, _ = torch.cuda.mem_get_info(hardware.device)
    budget = budget_from_memory(free, alone, two, side * side)
    return replace(budget, canvases=settings.batch_size) if settings.batch_size else budget


def budget_from_memory(free: int, alone: int, two: int, pixels: int) -> DeviceBudget:
    """Return what fits into ``free`` bytes if one image of ``pixels`` needs ``alone`` bytes and two need ``two``.

    Pictures of any size share the rest: for evaluating so many pixels at once, and for keeping their state.
    """
    each = max(1, two - alone) / pixels
    fixed = max(0, 2 * alone - two)
    room = max(0.0, free * _SHARE_OF_FREE_MEMORY - fixed)
    fitting = min(_MOST_PIXELS, int(room / (each + _STATE_BYTES_PER_PIXEL)))
    return DeviceBudget(min(_MOST_CANVASES, max(1, fitting // _USUAL_PIXELS)), fitting, room - fitting * each)


def memory_of_gpu(hardware: Hardware) -> float | None:
    """Return the bytes that a CUDA device has, as what is predicted for a CPU counts them; None for any other."""
    if hardware.device.type != "cuda":
        return None
    own = torch.cuda.get_device_properties(hardware.device).total_memory
    return own * (2.0 if hardware.autocast else 1.0)  # features in bfloat16 are half as large


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether torch or Python ran out of memory; on the CPU and with Metal only the message says so."""
    words = str(error)
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(known in words for known in _NO_MEMORY)


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return ``tensor`` on ``device``; to a GPU it is copied asynchronously."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def empty_device_caches() -> None:
    """Return the GPU memory that torch keeps for reuse, so that it can be allocated again."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def first_usable(names: Iterable[str]) -> tuple[torch.device, str]:
    """Return the first of these devices that works, else the CPU, and why those before it don't."""
    notes: list[str] = []
    for name in names:
        device = torch.device(name)
        if not (reason := _why_unusable(device)):
            return device, "; ".join(notes)
        notes.append(f"{name} can't be used: {reason}")
    return torch.device("cpu"), "; ".join(notes)


@contextlib.contextmanager
def explain_full_device(hardware: Hardware) -> Iterator[None]:
    """Turn running out of a GPU's memory while the network is loaded into a DeviceError."""
    try:
        yield
    except RuntimeError as error:
        if hardware.device.type == "cpu" or not is_out_of_memory(error):
            raise
        raise DeviceError(
            f"engine.device: {hardware.name} has no memory left for the network; end what else uses it, or use 'cpu'"
        ) from error


def _choose_device(name: str) -> tuple[torch.device, str]:
    if name == "auto":
        kinds = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        return first_usable(kind for kind, available in kinds.items() if available)
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"engine.device: {name!r} is no device; use auto, cpu, cuda, cuda:0 or mps") from error
    if not _exists(device):
        raise DeviceError(f"engine.device: this machine has no usable {name!r}; use 'auto' or 'cpu'")
    if device.type != "cpu" and (reason := _why_unusable(device)):
        raise DeviceError(f"engine.device: {name!r} can't be used ({reason}); use 'auto' or 'cpu'")
    return device, ""


def _exists(device: torch.device) -> bool:
    if device.type == "cuda":
        return (device.index or 0) < torch.cuda.device_count()
    return device.type == "cpu" or (device.type == "mps" and torch.backends.mps.is_available())


def _why_unusable(device: torch.device) -> str:
    """Return why nothing can be computed on an existing device: too old for this torch, in use, or full."""
    try:
        (torch.ones(8, device=device) * 2).sum().item()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return ""


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type != "cuda":
        return False
    # torch says yes for all, since it emulates them; AMD's, which it also calls cuda, have them.
    return torch.version.hip is not None or torch.cuda.get_device_capability(device) >= _BFLOAT16_FROM


def _product_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else ""


def _precision(autocast: bool) -> str:
    return "bfloat16" if autocast else "float32"
