from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.made_details import FAILURE, SERIES, TIMELAPSE
from tests.browser.made_gallery import HOSTILE_NAMES, make_gallery
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow

LION = "#/picture?id=1"
POINTS = 10


def opened_at(views: OpenedPage, address: str) -> OpenedPage:
    """Open a picture with the slider where it begins."""
    views.go("#/work")
    views.go(address)
    expect(views.page.locator("#view-picture")).to_have_attribute("aria-busy", "false")
    slider = views.page.locator(".comparison-range")
    if slider.count():
        slider.fill("0")
    return views


def box(locator: Locator) -> dict[str, float]:
    found = locator.bounding_box()
    assert found is not None
    return dict(found)


def clipped(views: OpenedPage) -> str:
    return str(views.page.locator(".comparison-photo").evaluate("image => getComputedStyle(image).clipPath"))


def slider_value(views: OpenedPage) -> int:
    return int(views.page.locator(".comparison-range").input_value())


def test_photo_and_picture_lie_on_each_other_although_their_sizes_differ(views: OpenedPage) -> None:
    opened_at(views, LION)
    picture, photo = views.page.locator(".comparison-picture"), views.page.locator(".comparison-photo")
    sizes = [image.evaluate("image => image.naturalWidth") for image in (picture, photo)]
    assert sizes == [400, 640]
    assert box(picture) == pytest.approx(box(photo))
    assert box(picture)["width"] / box(picture)["height"] == pytest.approx(400 / 267, rel=0.01)


def test_the_mouse_draws_the_border_on_the_picture_itself(views: OpenedPage) -> None:
    opened_at(views, LION)
    frame = box(views.page.locator(".comparison-frame"))
    middle = frame["y"] + frame["height"] / 2
    assert slider_value(views) == 0
    views.page.mouse.move(frame["x"] + frame["width"] * 0.2, middle)
    views.page.mouse.down()
    views.page.mouse.move(frame["x"] + frame["width"] * 0.6, middle, steps=4)
    views.page.mouse.up()
    assert slider_value(views) == pytest.approx(60, abs=1)
    assert re.search(r"calc|40|39|41", clipped(views))
    assert views.page.locator(".comparison-range").get_attribute("aria-valuetext") == (
        f"photo on the left {slider_value(views)} %, painting on the right {100 - slider_value(views)} %"
    )
    views.page.mouse.move(frame["x"] + 5, middle)
    assert slider_value(views) == pytest.approx(60, abs=1), "a mouse that is not pressed moves nothing"


def test_a_finger_draws_the_border(views: OpenedPage) -> None:
    opened_at(views, LION)
    frame = box(views.page.locator(".comparison-frame"))
    y = frame["y"] + frame["height"] / 2
    session = views.page.context.new_cdp_session(views.page)
    touch = [{"x": frame["x"] + frame["width"] * share, "y": y} for share in (0.7, 0.6, 0.45, 0.3)]
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [touch[0]]})
    for point in touch[1:]:
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()
    assert slider_value(views) == pytest.approx(30, abs=1)


def test_keys_move_the_slider_and_the_held_button_shows_the_photo(views: OpenedPage) -> None:
    opened_at(views, LION)
    slider = views.page.get_by_label("Compare with the photo")
    slider.focus()
    for _ in range(3):
        views.page.keyboard.press("ArrowRight")
    assert slider_value(views) == 3
    assert views.page.url.endswith(LION), "the slider's arrow keys change no picture"
    views.page.keyboard.press("End")
    assert slider_value(views) == 100
    assert slider.get_attribute("aria-valuetext") == "photo only"
    views.page.keyboard.press("Home")
    painting_only = clipped(views)
    hold = views.page.get_by_role("button", name="Hold to see the photo")
    hold.focus()
    views.page.keyboard.down("Space")
    assert hold.get_attribute("aria-pressed") == "true"
    assert clipped(views) != painting_only
    views.page.keyboard.up("Space")
    assert hold.get_attribute("aria-pressed") == "false"
    assert clipped(views) == painting_only


def test_without_a_copy_of_the_photo_there_is_the_picture_alone(views: OpenedPage) -> None:
    opened_at(views, "#/picture?id=2")
    assert views.page.locator(".comparison-picture").is_visible()
    assert views.page.locator(".comparison-range, .comparison-photo, .comparison-hold").count() == 0
    assert views.page.get_by_role("link", name="Photo, the original file").count() == 0


def test_actual_size_shows_a_pixel_as_a_pixel_and_can_be_scrolled_by_keys(views: OpenedPage) -> None:
    opened_at(views, LION)
    views.page.set_viewport_size({"width": 360, "height": 740})
    button = views.page.get_by_role("button", name="Actual size")
    button.click()
    assert box(views.page.locator(".comparison-frame"))["width"] == 400
    viewport = views.page.get_by_role("region", name="The picture at its actual size")
    viewport.focus()
    before = viewport.evaluate("node => node.scrollLeft")
    views.page.keyboard.press("ArrowLeft")
    expect(views.page.locator(".comparison-scale")).to_have_text("Shown at 100 %")
    scrolled = (
        "before => new Promise((done) => { const look = () => (document.querySelector('.is-actual-size').scrollLeft"
    )
    scrolled += " < before ? done(true) : requestAnimationFrame(look)); look(); })"
    assert views.page.evaluate(scrolled, before)
    views.expect_address(LION)
    button.click()
    views.page.set_viewport_size({"width": 1440, "height": 900})
    assert box(views.page.locator(".comparison-frame"))["width"] > 400


def test_arrow_keys_go_through_the_filtered_list_and_escape_goes_back_to_it(views: OpenedPage) -> None:
    opened_at(views, "#/picture?id=2&style=wave&sort=time")
    expect(views.page.locator(".position")).to_have_text("3 of 3")
    assert views.page.get_by_role("link", name="Next picture").get_attribute("aria-disabled") == "true"
    views.page.keyboard.press("ArrowLeft")
    expect(views.page.locator(".position")).to_have_text("2 of 3")
    views.expect_address("#/picture?id=3&style=wave&sort=time")
    assert views.page.title() == "lion.jpg, wave · mild · Summer"
    assert views.page.locator("#announcement").inner_text() == "lion.jpg, wave · mild"
    views.page.get_by_role("link", name="Previous picture").click()
    views.expect_address("#/picture?id=4&style=wave&sort=time")
    views.page.keyboard.press("ArrowRight")
    views.expect_address("#/picture?id=3&style=wave&sort=time")
    views.page.keyboard.press("Escape")
    views.expect_address("#/pictures?style=wave&sort=time")


def test_the_same_photo_in_other_styles_is_a_click_away(views: OpenedPage) -> None:
    opened_at(views, LION)
    siblings = views.page.locator(".sibling")
    assert siblings.all_inner_texts() == ["night", "wave", "wave · mild"]
    assert siblings.nth(0).get_attribute("aria-current") == "true"
    siblings.nth(2).click()
    expect(views.page.locator(".picture-head p")).to_have_text("wave · mild · in 2024/june")


def test_a_deep_link_shows_its_picture(views: OpenedPage) -> None:
    opened_at(views, "#/picture?id=3&style=wave")
    views.page.reload()
    views.wait_for_list()
    expect(views.page.get_by_role("heading", level=1)).to_have_text("lion.jpg")
    expect(views.page.locator(".position")).to_have_text("2 of 3")
    assert views.page.title() == "lion.jpg, wave · mild · Summer"
    opened_at(views, "#/picture?id=499")
    expect(views.page.get_by_role("heading", level=1)).to_have_text("No such picture")


def vertices(views: OpenedPage, series: str) -> int:
    lines: list[str] = views.page.locator(f'.chart [data-series="{series}"] polyline').evaluate_all(
        "lines => lines.map((line) => line.getAttribute('points'))"
    )
    return sum(len(points.split()) for points in lines)


def test_each_layer_has_a_curve_with_all_its_points(views: OpenedPage) -> None:
    opened_at(views, LION)
    drawn = {series: vertices(views, series) for series in ["total", *SERIES]}
    # A loss of 0 has no place on a logarithmic axis.
    assert drawn == {"total": POINTS, SERIES[0]: POINTS - 1, SERIES[1]: POINTS, SERIES[2]: POINTS}
    assert views.page.locator(".chart .chart-boundary").count() == 1, "where the second size begins"
    assert {"128 px", "256 px"} <= set(views.page.locator(".chart .chart-tick").all_text_contents())
    image = views.page.get_by_role("img", name="Loss curves by layer")
    expect(image.locator("desc")).to_have_text(
        "The total loss went from 0.1 to 0.03 in 10 evaluations at the sizes 128, 256 pixels."
    )
    dashes = views.page.locator(".chart-legend polyline").evaluate_all(
        "lines => lines.map((line) => getComputedStyle(line).strokeDasharray + getComputedStyle(line).strokeWidth)"
    )
    assert len(set(dashes)) == len(dashes), "curves differ in more than color"


def test_curves_of_several_losses_differ_and_their_names_are_not_cut_off(views: OpenedPage) -> None:
    opened_at(views, LION)
    series = [
        f"style relu{block}_1 {loss}" for loss in ("gram", "mean_std", "sliced_wasserstein") for block in range(6)
    ]
    names, looks = views.page.locator(".chart-holder").evaluate(
        """(holder, series) => {
          const points = [1, 2].map((at) => [at, 0, 1 / at, 0, series.map(() => 0.01 / at)]);
          const chart = stylewatch.lossChart.make({series, points}, [128]);
          holder.replaceChildren(chart);
          const edge = chart.querySelector('.chart').getBoundingClientRect();
          const inside = (box) => box.right <= edge.right && box.top >= edge.top && box.bottom <= edge.bottom;
          const lookOf = (style) => style.stroke + style.strokeDasharray + style.strokeWidth;
          return [
            [...chart.querySelectorAll('.chart-name')].filter((name) => inside(name.getBoundingClientRect())).length,
            [...chart.querySelectorAll('.chart-legend polyline')].map((line) => lookOf(getComputedStyle(line))),
          ];
        }""",
        series,
    )
    assert names == len(series) + 1
    assert len(set(looks)) == len(series) + 1


def test_the_curves_are_a_table_too(views: OpenedPage) -> None:
    opened_at(views, LION)
    views.page.get_by_text("The same as a table").click()
    table = views.page.locator(".chart-table")
    expect(table.locator("tbody tr")).to_have_count(POINTS)
    assert table.locator("thead th").all_inner_texts() == ["Evaluation", "Size", "total", *SERIES]
    assert table.locator("tbody tr").nth(7).locator("th, td").all_inner_texts() == [
        "8", "256", "0.04333", "0.01", "0.025", "0.008333",
    ]  # fmt: skip


def test_what_differs_from_the_defaults_comes_first(views: OpenedPage) -> None:
    opened_at(views, LION)
    rows = views.page.locator(".settings").first.locator("tbody tr")
    assert [row.replace("\t", " ") for row in rows.all_inner_texts()] == [
        "size 1024 512",
        "content_layers relu4_2: 1, relu5_2: 0.5 relu4_2: 1",
    ]
    views.page.get_by_text("4 settings at their defaults").click()
    assert "optimizer\tlbfgs" in views.page.locator(".settings").nth(1).inner_text()


def test_the_facts_of_a_picture_are_told(views: OpenedPage) -> None:
    opened_at(views, "#/picture?id=3")
    text = views.page.locator(".picture-side").inner_text()
    for part in [
        "400 × 267 pixels",
        "37 at 128 px, 51 at 256 px",
        "style 0.241 → 0.0103, content 0.0229 → 0.0194",
        "5 min",
        "3 of 4 style targets were ready",
        "starry_night.jpg",
        "The photo was enlarged.",
        "e85879368a667f0be513d740da3d77981633c8f23b35b243c7ded5d401827275",
    ]:
        assert part in text
    opened_at(views, "#/picture?id=4")
    assert "An older version made this picture" in views.page.locator(".picture-below").inner_text()
    assert views.page.locator(".chart").count() == 0


def test_each_painting_of_a_blend_has_its_share_and_its_scale(views: OpenedPage) -> None:
    opened_at(views, "#/picture?id=2")
    assert views.texts(".painting figcaption") == [
        "starry_night.jpg 70 % of the blend, at 0.5 of the picture's size: finer strokes",
        "wave.jpg 30 % of the blend, at 2 of the picture's size: coarser strokes",
    ]


def test_a_picture_made_by_a_mask_says_what_is_where(views: OpenedPage) -> None:
    opened_at(views, "#/picture?id=20")
    assert views.texts(".painting figcaption") == [
        "starry_night.jpg",
        "wave.jpg at 4 of the picture's size: coarser strokes",
    ]
    text = views.page.locator("main").inner_text()
    assert "night where the mask is white; the photo as it is where the mask is black" in text
    assert not [command for command in views.texts(".picture-actions .command") if " try " in command]


def test_commands_can_be_copied(views: OpenedPage) -> None:
    opened_at(views, LION)
    assert views.texts(".picture-actions .command") == [
        "stylewatch try stylewatch.yaml --like 2024/june/lion--night.jpg --set strength=0.35",
        "stylewatch try stylewatch.yaml --like 2024/june/lion--night.jpg --set strength=0.65",
        "stylewatch redo stylewatch.yaml 2024/june/lion--night.jpg",
        "stylewatch redo stylewatch.yaml 2024/june/lion--night.jpg --recipe mild",
        "stylewatch reject stylewatch.yaml 2024/june/lion--night.jpg",
    ]
    views.page.get_by_role("button", name="Copy the command: Make it again", exact=True).click()
    expect(views.page.locator("#announcement")).to_have_text(re.compile("Copied|Selected"))


def test_strengths_to_try_stay_between_0_and_1_and_there_is_none_without_two_weights(views: OpenedPage) -> None:
    opened_at(views, "#/picture?id=3")
    tries = [command for command in views.texts(".picture-actions .command") if " try " in command]
    assert [command.rpartition(" ")[2] for command in tries] == ["strength=0.75", "strength=1"]
    opened_at(views, "#/picture?id=2")
    assert not [command for command in views.texts(".picture-actions .command") if " try " in command]


def test_the_time_lapse_is_played_when_it_is_asked_for(views: OpenedPage) -> None:
    opened_at(views, "#/picture?id=3")
    views.requests.clear()
    assert not [address for address in views.requests if TIMELAPSE in address]
    views.page.get_by_role("button", name="Play the time-lapse").click()
    expect(views.page.locator(".timelapse img")).to_be_visible()
    assert [address for address in views.requests if address.endswith(TIMELAPSE)]
    views.page.get_by_role("button", name="Stop").click()
    assert views.page.locator(".timelapse img").count() == 0


def test_a_failed_picture_shows_why_and_what_to_do(views: OpenedPage) -> None:
    opened_at(views, "#/picture?id=5&state=all")
    notice = views.page.locator(".picture-stage").inner_text()
    assert "Failed after 3 attempts" in notice
    assert FAILURE in notice
    assert views.texts(".command") == ["stylewatch retry stylewatch.yaml panorama.tif"]
    opened_at(views, "#/picture?id=7&state=all")
    assert "waits for its turn" in views.page.locator(".picture-stage").inner_text()


def test_of_a_rejected_picture_the_photo_is_shown_and_no_file_that_is_gone(views: OpenedPage) -> None:
    opened_at(views, "#/picture?id=8&state=all")
    assert "You rejected it" in views.page.locator(".picture-stage").inner_text()
    assert "rejected: deleted" not in views.page.locator(".picture-stage").inner_text()  # said once
    expect(views.page.get_by_role("link", name="Photo, the original file")).to_be_visible()
    expect(views.page.get_by_role("img", name="Photo ugly.jpg")).to_be_visible()
    assert views.page.locator(".comparison").count() == 0
    assert views.texts(".picture-actions .command") == ["stylewatch redo stylewatch.yaml ugly--night.jpg"]


@pytest.mark.parametrize("number", range(len(HOSTILE_NAMES)))
def test_hostile_names_are_text_and_quoted(views: OpenedPage, number: int) -> None:
    name = HOSTILE_NAMES[number]
    views.go(f"#/picture?id={20 + number}")
    shown: Any = views.page.evaluate("name => stylewatch.text.visible(name.slice(name.lastIndexOf('/') + 1))", name)
    expect(views.page.get_by_role("heading", level=1)).to_have_text(shown)
    assert views.page.locator("main script, main iframe, main img[onerror]").count() == 0
    expect(views.page.locator(".command").last).to_contain_text("stylewatch reject stylewatch.yaml ")
    assert not re.search(r"[\n\u202e\udc80-\udcff]", views.page.locator(".command").last.inner_text())


def test_a_picture_whose_details_are_gone_says_so(own: OpenedPage, tmp_path: Path) -> None:
    gallery = make_gallery(tmp_path / "Summer", 1, thumbnails=1)
    (gallery.output / "IMG_0--night--mild.jpg").write_bytes(next(gallery.folder.glob("thumbs/*/*")).read_bytes())
    own.open(gallery, "#/picture?id=1")
    expect(own.page.locator(".picture-below")).to_contain_text("What is known of this picture can't be read")
    assert own.page.locator(".comparison-picture").evaluate("image => image.decode().then(() => image.naturalWidth)")
    own.faults.clear()


def test_the_picture_is_printed_without_controls(views: OpenedPage) -> None:
    opened_at(views, LION)
    views.page.emulate_media(media="print")
    assert box(views.page.locator(".comparison-picture"))["width"] > 300
    assert not views.page.locator(".comparison-photo").is_visible()
    assert not views.page.locator(".comparison-controls").is_visible()
    assert not views.page.locator(".command-list").is_visible()
    # Paper is narrower than the window that the curves were drawn for.
    width = """chart => {
      chart.parentElement.style.width = '300px';
      return [chart.parentElement.clientWidth, chart.getBoundingClientRect().width];
    }"""
    holder, chart = views.page.locator(".chart").evaluate(width)
    assert chart == holder
    views.page.emulate_media(media="screen")
