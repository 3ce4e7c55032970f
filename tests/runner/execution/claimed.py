"""Jobs claimed from a workshop's ledger, for tests of what a pass does with them."""

from __future__ import annotations

from pipeline.config.settings import ingest_settings
from pipeline.ledger import Claim, Ledger
from pipeline.runner.ingest.ingest import ingest
from pipeline.runner.preparation import resolve_config
from tests.workshop import Workshop


def ingest_all(workshop: Workshop, ledger: Ledger) -> None:
    config = workshop.config()
    ingest(ingest_settings(config), resolve_config(config), ledger, sleep=lambda _: None)


def claim_all(workshop: Workshop, ledger: Ledger) -> list[Claim]:
    """Ingest the folder and lease its jobs, by name."""
    ingest_all(workshop, ledger)
    return ledger.leases.claim(99, "name")
