from __future__ import annotations

from pathlib import Path

from pipeline.config.document import Document


def test_a_value_without_a_place_of_its_own_is_at_the_nearest_one_around_it_and_in_its_file() -> None:
    own, imported = ("recipes", "fine"), ("recipes", "fine", "size")
    document = Document({}, {(): (1, 0), own: (4, 2), imported: (9, 8)}, files={imported: Path("more.yaml")})
    assert (document.position((*imported, 0)), document.file((*imported, 0))) == ((9, 8), Path("more.yaml"))
    assert (document.position((*own, "tv_weight")), document.file((*own, "tv_weight"))) == ((4, 2), None)
    assert (document.position(("log", "level")), document.file(())) == ((1, 0), None)
