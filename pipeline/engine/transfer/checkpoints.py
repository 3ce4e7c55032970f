"""Saves a picture's checkpoint and resumes the picture from it; does not decide when to save one.

One safetensors file holds a canvas' state: its tensors, and as JSON everything else, whose floats are read back with
the same bits. What follows from the request (features, targets, geometry) is computed again, with the same bits as
long as the same engine computes on the same machine. So every file records of what and by what it was made, and no
other one is used. A file is written under another name, synced and renamed: it is there completely or not at all.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from pipeline.durable_files import write_file
from pipeline.engine.devices import is_out_of_memory, to_device
from pipeline.engine.events import CheckpointReady, Places, Request, Resumed
from pipeline.engine.memory.plan import PLAIN, MemoryPlan
from pipeline.engine.transfer.canvas import Canvas, CanvasState, blank_canvas, geometry_at
from pipeline.engine.transfer.first_pixels import WITHOUT_PAINTINGS, FirstPixels
from pipeline.engine.transfer.loss_history import restored, stored
from pipeline.engine.transfer.optimizers import make_optimizer
from pipeline.failpoints import failpoint
from pipeline.hashing import job_key, settings_sha256, sha256_of_bytes, sha256_of_json
from pipeline.model import Losses, Recipe

#: Increased when files of the former format can't be read any more.
FORMAT: Final = "1"

_Origin = dict[str, str]
#: The hashes of a picture's maps: those of its mask's regions, and that of its photo's faces.
_MapHashes = dict[Literal["mask", "faces"], list[str]]


class Checkpoints:
    """The checkpoints of one engine.

    ``environment`` is all that its pictures depend on besides photo, style and recipe. A file of another environment,
    with more or fewer entries too, is not used. So a new entry is left out as long as its value means "as before".
    ``first_pixels``: what pictures without a checkpoint start from.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        weights_id: str,
        device: torch.device,
        first_pixels: FirstPixels = WITHOUT_PAINTINGS,
    ) -> None:
        self._environment = dict(environment)
        self._weights_id = weights_id
        self._device = device
        self._first_pixels = first_pixels

    def begin(self, request: Request) -> tuple[Canvas, Resumed | None]:
        """Return the request's canvas as its checkpoint has it, with the event of that; without one a blank canvas.

        If the file can't be used, the canvas' notes say why. Raises what loading a painting raises.
        """
        note = None
        try:
            stored = None if request.checkpoint is None else self._read(request, request.checkpoint)
            if stored is not None:
                return _resumed_canvas(request, stored, self._device)
        except _UnusableError as error:
            note = f"restarted from the beginning: its checkpoint {error}"
        except (KeyError, TypeError, ValueError):
            note = "restarted from the beginning: its checkpoint can't be understood"
        canvas = blank_canvas(request, self._device, self._first_pixels)
        canvas.notes += [note] if note else []
        return canvas, None

    def checkpoint(self, canvas: Canvas, *, last: bool = False) -> CheckpointReady:
        """Return a checkpoint of the canvas as it is now; work on it may continue while the checkpoint is saved."""
        request, state = canvas.request, canvas.state.copied()
        tensors: dict[str, Tensor] = {}
        document = {
            "state": _packed_state(state, tensors),
            "notes": list(canvas.notes),
            "cache": [canvas.cache_hits, canvas.cache_misses],
            "history": stored(canvas.history),
        }

        def save(path: Path, seconds: float) -> None:
            maps = _map_hashes(request.places)
            origin = self._origin(request, maps)
            _write(path, json.dumps({**document, "origin": origin, "maps": maps, "seconds": seconds}), tensors)

        return CheckpointReady(
            token=request.token,
            size=canvas.size,
            iteration=state.iteration,
            iterations=canvas.recipe.iterations_by_scale()[state.scale_index],
            evaluations=canvas.evaluations,
            size_bytes=sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()),
            save=save,
            last=last,
        )

    def _origin(self, request: Request, maps: _MapHashes) -> _Origin:
        photo = f"{request.photo.shape} {sha256_of_bytes(request.photo.tobytes())}"
        settings = settings_sha256(request.style, request.recipe, self._weights_id)
        places = {} if request.places is None else {"mask": _places_sha256(maps)}
        if request.recipe.matches_colors and request.alpha is not None:
            places["alpha"] = sha256_of_bytes(request.alpha.tobytes())
        return {**self._environment, "format": FORMAT, "picture": job_key(photo, settings), **places}

    def _read(self, request: Request, path: Path) -> _Stored | None:
        """Return what is stored at ``path``, None if nothing is. Raises _UnusableError."""
        try:
            if not path.exists():
                return None
            with safetensors.safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                document = json.loads(metadata["document"])
                maps = _map_hashes(request.places)
                _require_origin(document["origin"], self._origin(request, maps), document.get("maps"), maps)
                # Copies: the tensors are mapped from the file, which may be replaced.
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        except (safetensors.SafetensorError, OSError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise _UnusableError("can't be read") from error
        if metadata.get("checksum") != _checksum(metadata["document"], tensors):
            raise _UnusableError("is damaged")
        return _Stored(document, tensors)


@dataclass(frozen=True)
class _Stored:
    document: Mapping[str, Any]
    tensors: Mapping[str, Tensor]


class _UnusableError(Exception):
    """A checkpoint that can't be used; "its checkpoint" and the message make a sentence."""


def _map_hashes(places: Places | None) -> _MapHashes:
    regions = () if places is None else places.regions
    guarded = () if places is None or places.guarded is None else (places.guarded,)
    return {
        "mask": [sha256_of_bytes(each.tobytes()) for each in regions],
        "faces": [sha256_of_bytes(each.tobytes()) for each in guarded],
    }


def _places_sha256(maps: _MapHashes) -> str:
    """Return what identifies the places of a picture, whether a mask or the photo's faces say so."""
    return sha256_of_json([[len(maps["mask"]), len(maps["faces"])], *maps["mask"], *maps["faces"]])


def _require_origin(found: _Origin, wanted: _Origin, found_maps: _MapHashes | None, maps: _MapHashes) -> None:
    """Raise _UnusableError unless the file was made of the same, by the same.

    The maps tell what differs if the places do; None = a version made the file that did not keep them apart.
    """
    if found == wanted:
        return
    if found.get("picture") != wanted["picture"]:
        raise _UnusableError("is of another picture")
    differing = {name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)}
    if "mask" in differing and found_maps is not None:
        differing = differing - {"mask"} | {name for name in maps if maps[name] != found_maps[name]}
    others = sorted(differing - {"faces"})
    words = [f"another {' and '.join(others)}"] if others else []
    words += ["other faces"] if "faces" in differing else []
    raise _UnusableError(f"was made with {' and '.join(words)}, so resuming would change the picture")


def _resumed_canvas(request: Request, stored: _Stored, device: torch.device) -> tuple[Canvas, Resumed]:
    document = stored.document
    state = _state(document["state"], stored.tensors, request.recipe, device)
    hits, misses = document["cache"]
    canvas = Canvas(request, state, geometry_at(request, state.scale_index), cache_hits=hits, cache_misses=misses)
    canvas.notes += document["notes"]
    canvas.history = restored(document.get("history", []))
    limit = canvas.recipe.iterations_by_scale()[state.scale_index]
    canvas.note(f"resumed from a checkpoint at evaluation {state.iteration} of {limit} at {canvas.size} px")
    resumed = Resumed(
        token=request.token,
        size=canvas.size,
        iteration=state.iteration,
        iterations=limit,
        evaluations=canvas.evaluations,
        seconds=document["seconds"],
    )
    return canvas, resumed


def _state(packed: Any, tensors: Mapping[str, Tensor], recipe: Recipe, device: torch.device) -> CanvasState:
    there = {name: to_device(tensor, device) for name, tensor in tensors.items()}
    fields = _unpacked(packed, there)
    fields["optimizer"] = type(make_optimizer(recipe).new_state())(**fields["optimizer"])
    fields["first"], fields["losses"] = Losses(**fields["first"]), Losses(**fields["losses"])
    fields["iterations"] = tuple(fields["iterations"])
    fields["plan"] = MemoryPlan(**fields.get("plan", {}))
    return CanvasState(**fields)


def _packed_state(state: CanvasState, tensors: dict[str, Tensor]) -> Any:
    packed = _packed(state, "state", tensors)
    # Without these, files are as they were before there were any.
    if state.average is None:
        del packed["average"]
    if state.plan == PLAIN:
        del packed["plan"]
    else:
        _share_values(packed, state, tensors)
    return packed


def _share_values(packed: Any, state: CanvasState, tensors: dict[str, Tensor]) -> None:
    """Leave out the last accepted point if it is the best one: of a large picture it is some hundred megabytes.

    What stands for it names no tensor of the file, so that a version that does not know it refuses the file.
    """
    point = getattr(state.optimizer, "point", None)
    if point is not None and _has_same_bits(point, state.best):
        known = packed["best"]["tensor"]
        name = packed["optimizer"]["point"]["tensor"]
        del tensors[name]
        packed["optimizer"]["point"] = {"tensor": f"{name} left out", "values": known, "shape": list(point.shape)}


def _has_same_bits(first: Tensor, second: Tensor) -> bool:
    same_kind = (first.dtype, first.numel()) == (second.dtype, second.numel())
    return same_kind and torch.equal(*(each.reshape(-1).view(torch.uint8) for each in (first, second)))


def _packed(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Return ``value`` as JSON can hold it; what is a tensor goes to ``tensors``, once, and leaves its name."""
    if isinstance(value, Tensor):
        # The first pixels of a scale are its best ones: one tensor, and safetensors refuses to write it twice.
        known = next((known for known, tensor in tensors.items() if tensor is value), name)
        tensors[known] = value
        return {"tensor": known}
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value)]
        return {field: _packed(getattr(value, field), f"{name}.{field}", tensors) for field in fields}
    if isinstance(value, list | tuple):
        return [_packed(item, f"{name}.{number}", tensors) for number, item in enumerate(value)]
    return value


def _unpacked(packed: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(packed, dict):
        if "values" in packed:
            return tensors[packed["values"]].reshape(packed["shape"])
        if "tensor" in packed:
            return tensors[packed["tensor"]]
        return {name: _unpacked(item, tensors) for name, item in packed.items()}
    if isinstance(packed, list):
        return [_unpacked(item, tensors) for item in packed]
    return packed


def _write(path: Path, document: str, tensors: Mapping[str, Tensor]) -> None:
    """Put a file at ``path`` in place of what is there, whole or not at all. Raises OSError."""
    try:
        here = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        metadata = {"document": document, "checksum": _checksum(document, here)}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(
            path,
            lambda part: safetensors.torch.save_file(here, part, metadata),
            part=path.with_suffix(".part"),
            written="worker-checkpoint-written",
        )
    except Exception as error:
        if isinstance(error, safetensors.SafetensorError) or is_out_of_memory(error):
            raise OSError(str(error)) from error  # a disk that is full is the former's word too
        raise
    failpoint("worker-checkpoint-kept")


def _checksum(document: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(document.encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)} ".encode())
        digest.update(tensors[name].view(torch.uint8).numpy().data)  # numpy has no bfloat16
    return digest.hexdigest()
