from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.made_details import FAILURE, TRUNCATED
from tests.browser.made_gallery import HOSTILE_NAMES
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow


@pytest.fixture
def at(views: OpenedPage) -> OpenedPage:
    """The view of problems."""
    views.go("#/problems")
    expect(views.page.locator(".problem").first).to_be_visible()
    return views


def test_failures_of_one_reason_are_one_group_whatever_names_they_have(at: OpenedPage) -> None:
    section = at.page.locator(".problem-section", has_text="Pictures that could not be made")
    groups = section.locator(".problem")
    assert groups.count() == 2
    assert groups.nth(0).locator("> h3").inner_text() == f"{TRUNCATED} It is '…'."
    assert f"{len(HOSTILE_NAMES)} pictures" in groups.nth(0).inner_text()
    assert groups.nth(0).locator("tbody tr").count() == len(HOSTILE_NAMES)
    assert "It is '-rf.jpg'." in groups.nth(0).locator("tbody tr", has_text="-rf.jpg").inner_text()
    assert groups.nth(1).locator("> h3").inner_text() == FAILURE
    assert "Less memory." in groups.nth(1).inner_text()
    assert groups.nth(1).locator(".command").inner_text() == "stylewatch retry stylewatch.yaml panorama.tif"


def test_hostile_names_are_quoted_in_the_command_for_each_shell(at: OpenedPage) -> None:
    command = at.page.locator("#view-problems .problem .command").first
    assert "'it'\\''s Ann'\\''s.jpg'" in command.inner_text()
    assert " ./-rf.jpg " in command.inner_text()
    at.go("#/picture?id=5&state=all")
    expect(at.page.locator("#view-picture .command")).to_be_visible()
    at.go("#/problems")
    choices = at.page.locator(".command-shell select")
    at.page.locator("#view-problems .command-shell select").select_option("powershell")
    assert "'it''s Ann''s.jpg'" in command.inner_text()
    assert set(choices.evaluate_all("selects => selects.map((select) => select.value)")) == {"powershell"}
    at.page.locator("#view-problems .command-shell select").select_option("sh")


def test_what_is_set_aside_incomplete_waiting_and_skipped_is_told(at: OpenedPage) -> None:
    assert "coming.jpg" in at.page.locator(".problem-section", has_text="not whole yet").inner_text()
    assert (
        "Put a whole file in its place."
        in at.page.locator(".problem-section", has_text="set aside").last.inner_text()
    )
    text = at.page.locator("#view-problems .report").inner_text()
    assert "20 pictures to be made, about 1 h 7 min of work, 2 in progress." in text
    assert "smaller than 64 pixels" in text


def test_a_failed_picture_leads_to_its_page_and_is_counted_in_the_navigation(at: OpenedPage) -> None:
    assert at.page.locator(".navigation").get_by_role("link", name="Problems").inner_text() == "Problems !"
    at.page.get_by_role("link", name="panorama.tif").click()
    expect(at.page.locator(".picture-stage")).to_contain_text(FAILURE)


def test_of_many_failures_the_first_are_shown_and_the_others_on_demand(at: OpenedPage) -> None:
    at.page.evaluate(
        """() => {
          const failure = {style: 'night', recipe: 'default', state: 'failed', reason: 'Odd.', attempts: 1, time: 1};
          const failures = Array.from({length: 50}, (_, id) => ({...failure, id, photo: `${id}.jpg`}));
          const {store} = stylewatch;
          const status = {...store.status, written: 1, failures, failures_total: 2100};
          store.loadStatus = async () => stylewatch.status(status);
        }"""
    )
    at.go("#/work")
    at.go("#/problems")
    group = at.page.locator(".problem", has_text="Odd.")
    expect(group.locator("tbody tr")).to_have_count(20)
    assert "The latest 50 of 2,100 are listed." in at.page.locator(".problem-section").first.inner_text()
    assert group.locator(".command").inner_text() == "stylewatch retry stylewatch.yaml"
    group.get_by_role("button", name="Show the other 30").click()
    assert group.locator("tbody tr").count() == 50
    assert at.page.evaluate("document.activeElement.innerText").startswith("20.jpg")
