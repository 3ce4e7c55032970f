"""Faces are found where they are, of any size, and nowhere else; in scikit-image's photos, all of them free."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
import torch
from PIL import Image

from pipeline.engine.cpu.threads import on_threads
from pipeline.engine.faces.centerface import CenterFace
from pipeline.engine.faces.detector_file import find_detector, read_detector
from pipeline.engine.faces.onnx_file import Graph, Operation, read_graph


@pytest.fixture(scope="module")
def detector() -> CenterFace:
    return CenterFace(read_graph(read_detector(find_detector())))


def portrait(side: int) -> Image.Image:
    return Image.fromarray(skimage.data.astronaut()).resize((side, side))


def test_the_face_of_a_portrait_is_found_whatever_its_type_and_on_any_threads(detector: CenterFace) -> None:
    photo: npt.NDArray[Any] = skimage.data.astronaut()
    (face,) = detector.faces(photo)
    assert abs(face.x - 225) < 10
    assert abs(face.y - 118) < 10
    assert 70 < face.width < 110
    assert 95 < face.height < 145
    assert face.score > 0.8
    with on_threads(2):
        (again,) = detector.faces(photo.astype(np.float32) / 255)
    assert replace(again, score=face.score) == face
    assert again.score == pytest.approx(face.score, abs=1e-5)


def test_faces_of_a_group_are_found_large_and_small(detector: CenterFace) -> None:
    group = Image.new("RGB", (800, 450), (90, 120, 90))
    for left, side in ((0, 400), (400, 200), (620, 90)):
        group.paste(portrait(side), (left, 20))
    found = detector.faces(np.asarray(group))
    assert len(found) == 3
    for face, x in zip(sorted(found, key=lambda face: face.x), (176, 488, 660), strict=True):
        assert abs(face.x - x) < 10


def test_none_is_found_where_there_is_none(detector: CenterFace) -> None:
    for photo in (skimage.data.rocket(), np.zeros((1, 60, 3), np.uint8)):
        assert detector.faces(photo) == ()


def test_operations_are_computed_in_order_and_what_is_read_no_more_is_freed() -> None:
    operations = (
        Operation("Add", ("x", "one"), ("a",), {}),
        Operation("Relu", ("a",), ("b",), {}),
        Operation("Add", ("b", "a"), ("c",), {}),
        Operation("Sigmoid", ("c",), ("y",), {}),
    )
    graph = Graph(operations, {"one": np.ones(1, np.float32)}, ("x",), ("y", "b"))
    y, b = CenterFace(graph)._run(torch.tensor([-3.0, 1.0]))
    torch.testing.assert_close(y, torch.sigmoid(torch.tensor([-2.0, 4.0])))
    assert b.tolist() == [0, 2]
