"""Identifies this machine; reads and writes files of measurements. Does not import torch."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from pipeline.durable_files import write_file

_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES")

_GPU_MEMORY_COMMAND: Final = ("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")
_GPU_MEMORY_SECONDS: Final = 10.0


def processor_name() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def gpu_names(folder: Path = Path("/proc/driver/nvidia/gpus")) -> tuple[str, ...]:
    """Return the names of the NVIDIA GPUs whose driver works; none on systems without Linux's list of them."""
    names = []
    for file in sorted(folder.glob("*/information")):
        with contextlib.suppress(OSError):
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return tuple(names)


def gpu_memory_bytes(command: Sequence[str] = _GPU_MEMORY_COMMAND) -> int | None:
    """Return the memory of the largest NVIDIA GPU, as the driver's own program reports it; None if it does not."""
    try:
        reported = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, text=True, timeout=_GPU_MEMORY_SECONDS, check=True
        ).stdout
        return max(int(line) for line in reported.split()) * 1024**2
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def performance_factors() -> dict[str, str]:
    """Return all that the program's speed depends on here, as far as it is known without torch."""
    return {
        "processor": processor_name(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "torch": _torch_version(),
        **({"graphics": ", ".join(gpus)} if (gpus := gpu_names()) else {}),
        **{name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


@cache  # its metadata is a long text, and estimates are asked for all the time
def _torch_version() -> str:
    return metadata.version("torch")


def read_measured(path: Path) -> Any:
    """Return what :func:`store_measurement` wrote, None if nothing is there or it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def store_measurement(path: Path, document: Mapping[str, Any]) -> None:
    """Write ``document`` atomically and durably, for people to read too. Raises OSError."""
    store_bytes(path, (json.dumps(document, indent=1) + "\n").encode("utf-8"))


def store_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` atomically and durably into a folder that is made if it is not there. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content, part=path.with_suffix(".part"))
