from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.gallery import GallerySection
from pipeline.model import PreviewOptions


def test_the_gallery_is_made_in_the_output_folder(tmp_path: Path) -> None:
    assert GallerySection().preview_options(tmp_path) == PreviewOptions(folder=tmp_path / "gallery")


def test_without_a_gallery_nothing_is_made_for_it(tmp_path: Path) -> None:
    assert GallerySection(enabled=False).preview_options(tmp_path) is None


@pytest.mark.parametrize(
    "values", [{"thumbnail_size": 63}, {"photo_size": -1}, {"enabled": "maybe"}, {"folder": "g"}]
)
def test_other_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        GallerySection.model_validate(values)
