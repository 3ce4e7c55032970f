"""How a folder is watched, by its settings and by what it lies on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from pipeline.daemon.watch_policy import WatchMode, WatchPolicy, watch_policy
from pipeline.intake.mounts import Mount
from pipeline.model import WatchSettings

SHARE = Mount("/mnt", "nfs4")
REASON = "nfs4 at /mnt sends no events"


def policy(
    mode: Literal["auto", "events", "polling"] = "auto",
    share: Mount | None = None,
    *,
    knows_mounts: bool = True,
    rescan_seconds: float = 300.0,
) -> WatchPolicy:
    settings = WatchSettings(folder=Path("in"), mode=mode, rescan_seconds=rescan_seconds)
    return watch_policy(settings, share, knows_mounts=knows_mounts)


@pytest.mark.parametrize(
    ("mode", "share", "watched", "reason"),
    [
        ("auto", None, "events", ""),
        ("auto", SHARE, "polling", REASON),
        ("events", None, "events", ""),
        ("events", SHARE, "events", REASON),
        ("polling", None, "polling", ""),
        ("polling", SHARE, "polling", ""),
    ],
)
def test_a_share_is_polled_unless_the_user_decides(
    mode: Literal["auto", "events", "polling"], share: Mount | None, watched: WatchMode, reason: str
) -> None:
    found = policy(mode, share)
    assert (found.folder, found.mode, found.reason) == ("in", watched, reason)


@pytest.mark.parametrize(("wanted", "expected"), [(300.0, 60.0), (10.0, 10.0)])
def test_where_shares_are_unknown_the_folder_is_scanned_every_minute(wanted: float, expected: float) -> None:
    assert policy(knows_mounts=False, rescan_seconds=wanted).rescan_seconds == expected
    assert policy(knows_mounts=True, rescan_seconds=wanted).rescan_seconds == wanted


@pytest.mark.parametrize(
    ("share", "knows_mounts", "trusted"), [(None, True, True), (SHARE, True, False), (None, False, False)]
)
def test_file_times_are_trusted_on_local_disks_only(share: Mount | None, knows_mounts: bool, trusted: bool) -> None:
    assert policy(share=share, knows_mounts=knows_mounts).trust_times is trusted
