"""Single pictures rejected, wanted again and by another recipe while a daemon works on their folder."""

from __future__ import annotations

from pipeline.runner.corrections.redo import RecipeChange, redo
from pipeline.runner.corrections.reject import reject
from pipeline.runner.preparation import resolve_config
from tests.daemon.harness import DaemonHarness


def test_a_running_program_takes_up_what_is_wanted_of_single_pictures(harness: DaemonHarness) -> None:
    workshop = harness.workshop
    workshop.text += "  mild: {size: 40, scales: 1}\n"
    for shade, name in enumerate(("a.png", "b.png", "c.png")):
        workshop.photo(name, shade=shade)
    config = workshop.config()
    resolved = resolve_config(config)
    with harness.running(haste=10):
        harness.wait_for_pictures("a--night.jpg", "b--night.jpg", "c--night.jpg")
        harness.wait_for(harness.is_idle, "the end of the first run")
        before = (workshop.out / "c--night.jpg").stat().st_ino
        with workshop.ledger() as ledger:
            a, b, c = ledger.pictures.all()
            assert len(reject(ledger, workshop.out, [a]).deleted) == 1
            RecipeChange(ledger, resolved, "jpeg", "repaint", workshop.out).apply([b], "mild")
            assert len(redo(ledger, [c]).again) == 1
        harness.wait_for_pictures("b--night--mild.jpg", "b--night.jpg", "c--night.jpg")
        harness.wait_for(lambda: (workshop.out / "c--night.jpg").stat().st_ino != before, "c to be made again")
        harness.wait_for(harness.is_idle, "the end of all runs")
    with workshop.ledger() as ledger:
        counts = ledger.queries.counts_by_name()
    assert (counts["done"], counts["rejected"], counts["withdrawn"], counts["pending"]) == (2, 1, 1, 0)
