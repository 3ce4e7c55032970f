"""What the engine computes on: device, precision, threads, and how many pixels fit. Refuses networks and pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

_NO_MEMORY: Final = ("allocate memory", "not enough memory", "bad_alloc", "out of memory")


@dataclass(frozen=True, slots=True)
class Hardware:
    """A device of this machine; ``autocast`` means that convolutions compute in bfloat16."""

    device: torch.device
    autocast: bool
    name: str

    @property
    def precision(self) -> str:
        """Return what numbers computed here have in common, such as ``cpu:float32``."""
        return f"{self.device.type}:{_precision(self.autocast)}"


@dataclass(frozen=True, slots=True)
class Budget:
    """How many canvases to work on at once, and how many of their pixels to evaluate at once."""

    canvases: int
    pixels: int


def choose_hardware(settings: EngineSettings) -> Hardware:
    """Return the device that ``settings`` ask for and set the number of threads. Raises DeviceError."""
    device = _choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    if device.type == "cuda":
        # Matrix products and convolutions in float32 may round to 10 bits: what they read has 8 anyway.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    wanted = settings.precision
    autocast = device.type == "cuda" if wanted == "auto" else wanted == "bfloat16"
    kind = f"{torch.get_num_threads()} threads" if device.type == "cpu" else _product(device)
    return Hardware(device, autocast, f"{device} ({', '.join(filter(None, (kind, _precision(autocast))))})")


def choose_budget(settings: EngineSettings, hardware: Hardware, peak_bytes: Callable[[int, int], int]) -> Budget:
    """Return how much to work on at once; ``peak_bytes(count, side)`` measures an evaluation of square images.

    On the CPU images are evaluated one by one: so a picture is bit for bit the same alone and in any batch, and a
    larger batch would not be faster. There, a batch size sets how many canvases are evaluated side by side.
    """
    if hardware.device.type == "cpu":
        return Budget(settings.batch_size or torch.get_num_threads(), 0)
    if hardware.device.type != "cuda":
        return Budget(max(1, settings.batch_size), 0)
    if settings.batch_size:
        return Budget(settings.batch_size, settings.batch_size * 2**40)
    side = 256
    alone, two = peak_bytes(1, side), peak_bytes(2, side)
    free, _ = torch.cuda.mem_get_info(hardware.device)
    return budget_from_memory(free, alone, two, side * side)


def budget_from_memory(free: int, alone: int, two: int, pixels: int) -> Budget:
    """Return what fits into ``free`` bytes if one image of ``pixels`` needs ``alone`` bytes and two need ``two``."""
    each = max(1, two - alone) / pixels + _STATE_BYTES_PER_PIXEL
    fixed = max(0, 2 * alone - two)
    fitting = int(max(0, free * _SHARE_OF_FREE_MEMORY - fixed) / each)
    return Budget(min(_MOST_CANVASES, max(1, fitting // _USUAL_PIXELS)), fitting)


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether torch or Python failed for want of memory; the CPU's and Metal's say so in words only."""
    words = str(error)
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(known in words for known in _NO_MEMORY)


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """Return ``tensor`` on ``device``; to a GPU it is copied while both sides go on."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def free_what_is_cached() -> None:
    """Give a GPU's memory that torch keeps for later back, so that it can be divided anew."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def _choose_device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"engine.device: {name!r} is no device; use auto, cpu, cuda, cuda:0 or mps") from error
    if not _exists(device):
        raise DeviceError(f"engine.device: this machine has no usable {name!r}; use 'auto' or 'cpu'")
    return device


def _exists(device: torch.device) -> bool:
    if device.type == "cuda":
        return (device.index or 0) < torch.cuda.device_count()
    return device.type == "cpu" or (device.type == "mps" and torch.backends.mps.is_available())


def _product(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else ""


def _precision(autocast: bool) -> str:
    return "bfloat16" if autocast else "float32"
