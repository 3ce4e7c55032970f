from __future__ import annotations

from pathlib import Path, PureWindowsPath
from typing import cast

import pytest

from pipeline.ledger.sources import uri_of


class WindowsPath(PureWindowsPath):
    """A path of Windows on any system."""

    def absolute(self) -> WindowsPath:
        return self


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        (r"C:\my photos\ledger.sqlite3", "file:///C:/my%20photos/ledger.sqlite3"),
        (r"\\server\share\ledger.sqlite3", "file:////server/share/ledger.sqlite3"),
    ],
)
def test_a_share_of_windows_is_a_path_for_sqlite(file: str, uri: str) -> None:
    assert uri_of(cast("Path", WindowsPath(file))) == uri
