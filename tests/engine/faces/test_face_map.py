"""A face's map is whole in its middle and fades far beyond it."""

from __future__ import annotations

import numpy as np

from pipeline.engine.faces.face_map import Face, face_map

FACE = Face(x=50, y=40, width=20, height=28, score=0.9)


def test_a_face_is_kept_whole_in_its_middle_and_nothing_far_from_it() -> None:
    found = face_map([FACE], (100, 120))
    assert (found.shape, found.dtype) == ((100, 120), np.float32)
    assert found[40, 50] == 1
    assert found[40 + 8, 50] == 1
    assert 0.5 < found[40, 50 + 9] < 1
    assert 0.5 < found[40 - 13, 50] < 1
    assert 0 < found[40, 50 + 16] < 0.2
    assert found[40, 50 + 20] == 0
    assert found[-1, -1] == 0


def test_a_face_has_no_edge() -> None:
    found = face_map([FACE], (100, 120))
    assert max(np.abs(np.diff(found, axis=axis)).max() for axis in (0, 1)) < 0.15


def test_faces_that_touch_are_kept_once() -> None:
    beside = Face(x=60, y=40, width=20, height=28, score=0.6)
    both = face_map([FACE, beside], (100, 120))
    assert np.array_equal(both, np.maximum(face_map([FACE], (100, 120)), face_map([beside], (100, 120))))


def test_a_face_at_the_edge_and_one_of_no_size_are_no_trouble() -> None:
    found = face_map([Face(0, 99, 30, 30, 0.9), Face(60, 60, 0, 0, 0.5)], (100, 120))
    assert found[99, 0] > 0.9
    assert np.isfinite(found).all()
    assert not face_map([], (3, 4)).any()
