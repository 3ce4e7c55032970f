import io
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.errors import CodecError
from pipeline.images.color.profiles import converted, srgb_profile
from pipeline.images.output_profiles import display_p3_profile, in_profile
from tests.images import profiles

RED = np.array([[[1, 0, 0]]], dtype=np.float32)
#: Colors inside every gamut here, and grays.
RAMP = np.linspace(0, 1, 3 * 1000, dtype=np.float32).reshape(10, 100, 3)


def test_srgb_stays_as_it_is() -> None:
    assert in_profile(RED, "srgb", profiles.swapped_rgb()) == (RED, srgb_profile(), ())


def test_the_profile_of_display_p3_is_one_that_others_read() -> None:
    opened = ImageCms.ImageCmsProfile(io.BytesIO(display_p3_profile()))
    assert ImageCms.getProfileDescription(opened).strip() == "Display P3"
    assert opened.profile.version == pytest.approx(4.4)
    assert display_p3_profile.__wrapped__() == display_p3_profile()


def test_srgb_s_red_is_less_saturated_in_display_p3() -> None:
    pixels, profile, notes = in_profile(RED, "display-p3", b"")
    assert (profile, notes) == (display_p3_profile(), ())
    # CSS Color 4, section 10: color(display-p3 0.9175 0.2003 0.1386)
    assert pixels[0, 0] == pytest.approx([0.9175, 0.2003, 0.1386], abs=0.0005)
    # ... and by its matrices, exactly:
    mixed, _, _ = in_profile(np.array([[[0.8, 0.3, 0.2]]], np.float32), "display-p3", b"")
    assert mixed[0, 0] * 255 == pytest.approx([189.124, 85.004, 60.390], abs=0.02)
    eight_bits, _, _ = in_profile((RED * 255).astype(np.uint8), "display-p3", b"")
    assert (eight_bits == pixels).all()


def test_grays_stay_gray_to_a_65535th() -> None:
    grays = RAMP.reshape(10, 300)[..., None].repeat(3, axis=2)
    pixels, _, _ = in_profile(grays, "display-p3", b"")
    assert np.abs(pixels - grays).max() < 1 / 65535


def test_a_conversion_has_more_than_the_steps_of_eight_bits_and_can_be_undone() -> None:
    pixels, profile, _ = in_profile(RAMP, "display-p3", b"")
    assert pixels.dtype == np.float32
    assert len(np.unique(pixels)) > 2900
    image = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    assert profile == display_p3_profile()
    back = _as_srgb(image, profile)
    assert np.abs(back - RAMP * 255).max() <= 1


def _as_srgb(pixels: Any, profile: bytes) -> Any:
    return np.asarray(converted(Image.fromarray(pixels), profile)).astype(int)


def test_what_lies_outside_of_srgb_is_clipped_before() -> None:
    pixels, _, _ = in_profile(np.array([[[1.5, -0.2, 0]]], np.float32), "display-p3", b"")
    assert pixels == pytest.approx(in_profile(RED, "display-p3", b"")[0])


def test_the_photo_s_own_profile_is_used_and_embedded_as_it_is() -> None:
    pixels, profile, notes = in_profile(RED, "photo", profiles.swapped_rgb())
    assert (profile, notes) == (profiles.swapped_rgb(), ())
    assert pixels[0, 0] == pytest.approx([0, 1, 0], abs=0.01)


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (b"", "the photo has no color profile"),
        (profiles.linear_gray(), "the photo's color profile is not one of RGB"),
        (profiles.black_cyan_cmyk(), "the photo's color profile is not one of RGB"),
        (b"junk", "the photo's color profile is not one of RGB"),
        (profiles.swapped_rgb()[:200], "the photo's color profile is damaged, or only for reading"),
    ],
    ids=["none", "gray", "CMYK", "no profile", "cut short"],
)
def test_what_can_not_be_used_is_srgb_with_a_remark(profile: bytes, reason: str) -> None:
    assert in_profile(RED, "photo", profile) == (RED, srgb_profile(), (f"written as sRGB: {reason}",))


def test_without_the_library_that_converts_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(CodecError, match=r"imagecodecs, which converts colors, can't be loaded .* output\.profile"):
        in_profile(RED, "display-p3", b"")
