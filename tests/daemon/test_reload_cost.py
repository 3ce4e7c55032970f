"""What a reload makes again is said once for each reload."""

from __future__ import annotations

from pathlib import Path

from pipeline.config.settings import pass_settings
from pipeline.daemon.reload_cost import ReloadCost
from pipeline.model import WatchNotice
from tests.workshop import Workshop


def test_it_is_said_once_for_each_reload(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    workshop.photo("a.png")
    workshop.run()
    workshop.text = workshop.text.replace("size: 48", "size: 32")
    settings, said = pass_settings(workshop.config()), list[WatchNotice]()
    cost = ReloadCost(said.append)
    with workshop.ledger() as ledger:
        cost.report_if_expected(settings, ledger)
        assert said == [], "nothing was reloaded"
        cost.expect()
        cost.report_if_expected(settings, ledger)
        cost.report_if_expected(settings, ledger)
    assert [notice.kind for notice in said] == ["reloaded"]
