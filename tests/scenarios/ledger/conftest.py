"""The fixtures of tests/ledger, for what happens there over a longer story."""

from tests.ledger.conftest import another_house, house

__all__ = ["another_house", "house"]
