from __future__ import annotations

import re
from array import array

import pytest
from playwright.sync_api import expect

from pipeline.model import Job
from pipeline.report.gallery.rows import usual_output
from tests.browser.made_gallery import HOSTILE_NAMES, MadeGallery
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow

TOTAL = 1200 + len(HOSTILE_NAMES)


@pytest.fixture
def at(opened: OpenedPage, small_gallery: MadeGallery) -> OpenedPage:
    """The page at its first view, nothing chosen."""
    if not opened.page.url.startswith(small_gallery.address):
        opened.open(small_gallery)
    opened.go("#/pictures")
    opened.page.evaluate("stylewatch.selection.clear()")
    return opened


def count(at: OpenedPage) -> str:
    return at.page.locator(".count").inner_text()


def test_the_newest_pictures_are_shown_and_all_are_counted(at: OpenedPage) -> None:
    assert count(at) == "1,214 pictures"
    assert at.names()[0] == "<img src=x onerror=alert(1)>.jpg"
    assert at.page.title() == "Summer"
    assert at.page.get_by_role("navigation", name="Views").get_by_role("link", name="Pictures").is_visible()


def test_each_filter_leaves_what_its_choice_says(at: OpenedPage) -> None:
    for label, value, left in [
        ("Style", "wave", 400),
        ("Recipe", "mild", 300),
        ("Folder", "2024", 720),
        ("Folder", "2024/july/wedding", 240),
        ("Folder", ".", 240 + len(HOSTILE_NAMES) - 1),  # "</script>" has a folder's slash
    ]:
        select = at.page.get_by_label(label, exact=True)
        option = select.locator("option").filter(has=at.page.locator(f"xpath=self::option[@value='{value}']"))
        assert f"({left})" in (option.text_content() or ""), (label, value)
        select.select_option(value)
        expect(at.page.locator(".count")).to_have_text(f"{left} of 1,214 pictures")
        at.page.get_by_role("button", name="Clear filters").click()
        expect(at.page.locator(".count")).to_have_text("1,214 pictures")


def test_filters_and_search_add_up_and_stand_in_the_address(at: OpenedPage) -> None:
    at.page.get_by_label("Style", exact=True).select_option("scream")
    at.page.get_by_label("Search").fill("img 11")
    expect(at.page.locator(".count")).to_have_text("42 of 1,214 pictures")
    assert {"style=scream", "q=img%2011"} <= set(at.page.url.partition("?")[2].split("&"))
    assert all("11" in name for name in at.names())
    at.page.reload()
    at.wait_for_list()
    assert count(at) == "42 of 1,214 pictures"
    assert at.page.get_by_label("Search").input_value() == "img 11"
    assert at.page.get_by_label("Style", exact=True).input_value() == "scream"
    at.page.go_back()
    expect(at.page.locator(".count")).to_have_text("1,214 pictures")
    at.page.go_forward()
    expect(at.page.locator(".count")).to_have_text("42 of 1,214 pictures")
    at.page.get_by_label("Search").fill("no such name")
    expect(at.page.get_by_text("No picture fits the search and the filters.")).to_be_visible()
    assert at.page.get_by_role("grid").count() == 0


@pytest.mark.parametrize(
    ("order", "first"),
    [("time", "IMG_0.jpg"), ("-name", "\\u202egpj.exe.jpg"), ("loss", "IMG_0.jpg"), ("-loss", "IMG_321.jpg")],
)
def test_pictures_are_sorted_both_ways(at: OpenedPage, order: str, first: str) -> None:
    at.page.get_by_label("Order").select_option(order)
    expect(at.page.locator(".tile-name").first).to_have_text(first)
    assert f"sort={order}" in at.page.url
    assert at.texts(".tile-note")[0].endswith({"loss": "loss 0.0001", "-loss": "loss 0.1"}.get(order, ""))


def test_numbers_in_names_are_sorted_as_numbers(at: OpenedPage) -> None:
    at.go("#/pictures?sort=name&q=img_")
    assert at.names()[:12] == [f"IMG_{number}.jpg" for number in range(12)]


@pytest.mark.parametrize(
    "address",
    [
        "#/pictures?size=constructor",
        "#/pictures?sort=toString",
        "#/pictures?sort=__proto__&size=__proto__",
        "#/nowhere",
    ],
)
def test_an_address_that_nobody_wrote_shows_the_usual_view(at: OpenedPage, address: str) -> None:
    usual = at.names(), at.page.locator(".tile").first.bounding_box()
    at.go(address)
    assert (at.names(), at.page.locator(".tile").first.bounding_box()) == usual
    assert at.page.get_by_label("Order").input_value() == "-time"
    assert at.page.get_by_label("Size", exact=True).input_value() == ""


def test_hostile_names_are_text(at: OpenedPage) -> None:
    shown = set(at.names())
    assert {"caf\ufffd.jpg", "two\u240alines\u2409and a tab.jpg", "\\u202egpj.exe.jpg", "__proto__.jpg"} <= shown
    assert {"' autofocus onfocus='alert(3).jpg", "script>.jpg", "$(reboot) `id` $HOME !!.jpg"} <= shown
    elements = at.page.evaluate(
        """() => [...document.querySelectorAll('main *')].flatMap((element) => [element.localName,
           ...element.getAttributeNames().filter((name) => name.startsWith('on'))])"""
    )
    assert not {"script", "iframe"} & set(elements)
    assert not [name for name in elements if name.startswith("on")]
    addresses = at.page.locator(".tile img").evaluate_all(
        "images => images.map((image) => image.getAttribute('src'))"
    )
    assert all(re.fullmatch(r"thumbs/[0-9a-f]{2}/[0-9a-f]{20}\.webp", address) for address in addresses)


def test_a_folder_with_a_hostile_name_can_be_kept_in_the_address(at: OpenedPage) -> None:
    name = "a&b=c #1?%41\udce9\u202e"
    address = at.page.evaluate("name => stylewatch.router.href('pictures', {folder: name})", name)
    assert re.fullmatch(r"#/pictures\?folder=[A-Za-z0-9%_.-]+", address)
    at.go(address)
    assert at.page.evaluate("stylewatch.router.current().parameters.folder === 'a&b=c #1?%41\\udce9\\u202e'")


def test_the_keyboard_alone_moves_selects_and_opens(at: OpenedPage) -> None:
    press = at.page.keyboard.press
    at.page.get_by_label("State").focus()
    press("Tab")
    focused = "document.activeElement.closest('[data-index]')?.dataset.index ?? ''"
    assert at.page.evaluate(focused) == "0"
    press("ArrowRight")
    press("ArrowRight")
    assert at.page.evaluate(focused) == "2"
    press("Space")
    press("Shift+ArrowRight")
    press("Shift+ArrowRight")
    assert at.page.evaluate("stylewatch.selection.size") == 3
    assert at.page.locator("[role=gridcell][aria-selected=true]").count() == 3
    assert at.page.locator("#announcement").inner_text() == "3 selected"
    press("Home")
    press("ArrowDown")
    below = int(at.page.evaluate(focused))
    assert below > 2
    press("ArrowUp")
    assert at.page.evaluate(focused) == "0"
    press("End")
    assert at.page.evaluate(focused) == str(TOTAL - 1)
    assert at.names()[-1] == "IMG_0.jpg"
    press("PageUp")
    assert 1000 < int(at.page.evaluate(focused)) < TOTAL - 1
    box = at.page.locator(".tile-link:focus").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 900
    press("Control+a")
    assert at.page.evaluate("stylewatch.selection.size") == TOTAL
    press("Escape")
    assert at.page.evaluate("stylewatch.selection.size") == 0
    press("Enter")
    assert "#/picture?id=" in at.page.url


def test_the_skip_link_leads_past_the_header_and_keeps_the_address(at: OpenedPage) -> None:
    at.go("#/pictures?style=wave")
    at.page.evaluate("document.activeElement.blur()")
    at.page.locator(".skip-link").focus()
    at.page.keyboard.press("Enter")
    assert at.page.evaluate("document.activeElement.id") == "main"
    at.expect_address("#/pictures?style=wave")


def test_mouse_selects_one_a_range_and_all(at: OpenedPage) -> None:
    boxes = at.page.locator(".tile-select")
    boxes.nth(3).click()
    assert at.page.locator(".selection-head strong").inner_text() == "1 selected"
    boxes.nth(6).click(modifiers=["Shift"])
    assert at.page.evaluate("stylewatch.selection.entries().length") == 4
    at.page.locator(".tile-link").nth(0).click(modifiers=["Control"])
    assert at.page.locator(".selection-head strong").inner_text() == "5 selected"
    boxes.nth(3).click()
    assert at.page.locator("[role=gridcell][aria-selected=true]").count() == 4
    at.page.get_by_label("Style", exact=True).select_option("wave")
    expect(at.page.get_by_role("button", name="Select all 400")).to_be_visible()
    assert at.page.locator(".selection-head strong").inner_text() == "4 selected"
    at.page.get_by_role("button", name="Clear", exact=True).click()
    expect(at.page.locator(".selection-bar")).to_be_hidden()


def test_a_click_on_a_picture_opens_it_with_its_list(at: OpenedPage) -> None:
    at.go("#/pictures?style=wave&sort=name")
    at.page.locator(".tile-link").first.click()
    assert re.search(r"#/picture\?id=\d+&style=wave&sort=name$", at.page.url)


def test_pictures_are_shown_smaller_or_larger_and_their_view_leads_back_to_that(at: OpenedPage) -> None:
    heights = {}
    for size in ("Small", "Medium", "Large"):
        at.page.get_by_label("Size", exact=True).select_option(size)
        at.settle()
        box = at.page.locator(".tile-image").first.bounding_box()
        assert box is not None
        heights[size] = box["height"]
    assert heights["Small"] < 0.8 * heights["Medium"] < 0.8 * heights["Large"]
    assert at.page.url.endswith("#/pictures?size=large")
    assert "size=large" in (at.page.locator(".tile-link").first.get_attribute("href") or "")
    at.page.get_by_label("Style", exact=True).select_option("wave")
    at.page.get_by_role("button", name="Clear filters").click()
    expect(at.page.locator(".count")).to_have_text("1,214 pictures")
    assert at.page.url.endswith("#/pictures?size=large")


def test_each_picture_keeps_its_shape(at: OpenedPage) -> None:
    wrong = at.page.locator(".tile img").evaluate_all(
        """images => images.filter((image) => Math.abs(
           image.clientWidth / image.clientHeight - image.naturalWidth / image.naturalHeight) > 0.02).length"""
    )
    assert wrong == 0
    assert at.page.locator(".tile img").evaluate_all("images => images.every((image) => image.naturalWidth > 0)")


def test_the_usual_names_of_pictures_are_those_that_the_program_means(at: OpenedPage) -> None:
    photos = [*HOSTILE_NAMES, "2024/a.b.jpg", "2024.x/noext", ".hidden", "a/.hidden.jpg", "trip.zip/a.jpg"]
    catalog = {"styles": ["night"], "recipes": ["default", "mild"], "states": ["done"], "suffix": ".png"}
    for recipe in (0, 1):
        rows = [[0, [*memoryview(photo.encode("utf-16-le", "surrogatepass")).cast("H")], recipe] for photo in photos]
        outputs = at.page.evaluate(
            """([rows, catalog]) => rows.map(([id, units, recipe]) => [...new stylewatch.Entry(
               [id, String.fromCharCode(...units), 0, 0, recipe, 0, 0, 0, 0, null, '', ''], catalog).output]
               .flatMap((character) => character.split('')).map((unit) => unit.charCodeAt(0)))""",
            [rows, catalog],
        )
        for photo, units in zip(photos, outputs, strict=True):
            wanted = usual_output(Job(photo, "night", catalog["recipes"][recipe]), ".png")
            assert array("H", units).tobytes() == wanted.encode("utf-16-le", "surrogatepass"), photo
