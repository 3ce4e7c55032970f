from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow


@pytest.fixture
def at(views: OpenedPage) -> OpenedPage:
    """The view of the work."""
    views.go("#/work")
    expect(views.page.locator(".runs")).to_be_visible()
    return views


def test_the_figures_are_told_first(at: OpenedPage) -> None:
    tiles = [tile.replace("\n", " ") for tile in at.texts(".figure-tile")]
    assert tiles == [
        "9,810 pictures finished",
        "22 still to make about 1 h 7 min",
        "18.4 pictures an hour 3 min each",
        "75 % of style targets were ready",
    ]


def test_numbers_are_written_as_people_do(at: OpenedPage) -> None:
    shown = at.page.evaluate(
        "values => values.map((value) => stylewatch.text.digits(value, 3))",
        [2417.3, 999.6, 20, 0.5, 0.012345, 0.00001234, 41_000_000, 1.5, -3.14159, 0],
    )
    assert shown == ["2,420", "1,000", "20", "0.5", "0.0123", "0.0000123", "4.1e+7", "1.5", "-3.14", "0"]


def test_the_last_runs_are_a_table_with_their_reports(at: OpenedPage) -> None:
    rows = at.page.locator(".runs tbody tr")
    assert rows.count() == 3
    cells = rows.nth(0).locator("td").all_inner_texts()
    assert cells[:7] == ["1 h 0 min", "140", "–", "–", "1", "–", "stopped by Ctrl-C"]
    assert rows.nth(1).locator("td").nth(6).inner_text() == "complete"
    assert rows.nth(0).get_by_role("link").count() == 0
    assert rows.nth(1).get_by_role("link").get_attribute("href") == "../reports/2026-11-28-010000/report.txt"


def test_config_versions_and_style_cache_are_shown_as_text(at: OpenedPage) -> None:
    assert "painting: <b>starry</b>.jpg" in at.page.get_by_label("The config stylewatch.yaml").inner_text()
    assert at.page.locator(".report b").count() == 0
    text = at.page.locator("#view-work").inner_text()
    assert "16 files, 48.3 MB" in text
    assert "engine\n7" in text
