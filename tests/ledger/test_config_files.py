from __future__ import annotations

from pathlib import Path

from pipeline.ledger import Ledger
from tests.workshop import Workshop


def test_a_sources_config_is_recorded_once_and_replaced(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger", "in") as ledger:
        assert ledger.config_files.of_picture("a.jpg") == []
        for name in ("a.yaml", "b.yaml", "\udcff.yaml"):
            ledger.config_files.record(tmp_path / name)
        changes = ledger.queries.changes()
        ledger.config_files.record(tmp_path / "\udcff.yaml")
        assert ledger.queries.changes() == changes
    with Ledger.to_read(tmp_path / "ledger", "elsewhere") as ledger:
        assert ledger.config_files.of_picture("a.jpg") == [tmp_path / "\udcff.yaml"]


def test_of_several_configs_the_one_that_made_a_picture_is_meant(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    workshop.photo("a.png")
    workshop.run()
    with workshop.ledger() as ledger:
        ledger.config_files.record(Path("/one.yaml"))
    other = workshop.text.replace("folder: in,", "folder: other,")
    (tmp_path / "other").mkdir()
    workshop.text = other
    with workshop.ledger() as ledger:
        ledger.config_files.record(Path("/two.yaml"))
        assert ledger.config_files.of_picture("a--night.jpg") == [Path("/one.yaml")]
        assert ledger.config_files.of_picture("try/a/night.jpg") == [Path("/one.yaml"), Path("/two.yaml")]
