"""Faces are looked for only where a recipe keeps them, and what was found is said."""

from __future__ import annotations

import numpy as np

from pipeline.engine.faces.face_map import Face, face_map
from pipeline.engine.faces.guarding import guarded_faces
from pipeline.model import Recipe

PHOTO = np.zeros((40, 60, 3), np.uint8)
FACES = (Face(20, 20, 10, 12, 0.9), Face(45, 20, 10, 12, 0.8))
KEEPING = Recipe(keep_faces=0.75)


def test_without_the_setting_no_face_is_looked_for() -> None:
    def never(photo: object) -> tuple[Face, ...]:
        raise AssertionError

    assert guarded_faces(Recipe(), PHOTO, never) == (None, ())


def test_faces_are_guarded_as_much_as_the_recipe_says() -> None:
    guarded, notes = guarded_faces(KEEPING, PHOTO, lambda _: FACES)
    assert guarded is not None
    assert guarded.dtype == np.float32
    assert np.array_equal(guarded, face_map(FACES, (40, 60)) * np.float32(0.75))
    assert notes == ("keep_faces: 2 faces were found and kept by 0.75",)
    assert guarded_faces(KEEPING, PHOTO, lambda _: FACES[:1])[1] == ("keep_faces: 1 face was found and kept by 0.75",)


def test_a_photo_without_a_face_is_guarded_nowhere() -> None:
    assert guarded_faces(KEEPING, PHOTO, lambda _: ()) == (None, ("keep_faces: no face was found",))
