"""Decides how the input folder is watched: by file events or by polling, and how often it is scanned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pipeline.intake.mounts import Mount
from pipeline.model import WatchSettings

#: The longest time between full scans where the system reports neither network shares nor lost events.
_BLIND_RESCAN_SECONDS: Final = 60.0

WatchMode = Literal["events", "polling"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """How the folder ``folder`` is watched. ``reason`` says why it is polled, if the config does not ask for it.

    ``trust_times``: modification times are this machine's own, so that old files need not be watched for a while.
    """

    folder: str
    mode: WatchMode
    rescan_seconds: float
    reason: str = ""
    trust_times: bool = True


def watch_policy(settings: WatchSettings, share: Mount | None, *, knows_mounts: bool) -> WatchPolicy:
    """Return the policy for a folder on ``share`` (None = all of it is on local disks).

    ``knows_mounts``: the system says what is a share. macOS and Windows don't, nor do they report lost events;
    frequent scans make up for both.
    """
    polls = settings.mode == "polling" or (settings.mode == "auto" and share is not None)
    reported = share is not None and settings.mode != "polling"
    rescan_seconds = settings.rescan_seconds
    return WatchPolicy(
        folder=str(settings.folder),
        mode="polling" if polls else "events",
        rescan_seconds=rescan_seconds if knows_mounts else min(rescan_seconds, _BLIND_RESCAN_SECONDS),
        reason=f"{share.kind} at {share.point} sends no events" if share is not None and reported else "",
        trust_times=share is None and knows_mounts,
    )
