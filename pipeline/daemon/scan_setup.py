"""From a config to a reception: which folder is watched, how, and what becomes of a file there. Owns that wiring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipeline.config import Config
from pipeline.daemon.pause_tracker import PauseTracker
from pipeline.daemon.scan_loop import EventSource, Habits, ScanLoop
from pipeline.intake.mounts import knows_kinds, shared_mount
from pipeline.intake.stability import StabilityTracker
from pipeline.intake.watch import Hints
from pipeline.ledger import Ledger
from pipeline.model import PhotoSetAside, WatchNotice
from pipeline.runner.ingest.archives import Unpacking
from pipeline.runner.ingest.incremental import IncrementalIngest
from pipeline.runner.input_root import Root
from pipeline.runner.preparation import ResolvedConfig

#: Where nobody tells of shares and of lost events.
_UNTOLD_SECONDS: Final = 60.0


def set_up_scan(
    config: Config,
    resolved: ResolvedConfig,
    root: Root,
    ledger: Ledger,
    *,
    over: Callable[[], bool],
    hints: Hints,
    pauses: PauseTracker,
    emit: Callable[[PhotoSetAside | WatchNotice], None],
    on_news: Callable[[], None],
    on_scan: Callable[[], None],
    watcher: Callable[[], EventSource],
) -> ScanLoop:
    """Return the reception of ``config``'s folder, not yet opened; ``ledger`` is its thread's own."""
    settings = config.input
    share, told = shared_mount(settings.folder), knows_kinds()
    unpacking = Unpacking(config, ledger)
    tracker = StabilityTracker(
        settings.folder,
        examine=unpacking.examine,
        settle_seconds=settings.settle_seconds,
        incomplete_seconds=settings.incomplete_seconds,
        trust_times=share is None and told,
    )
    poll = settings.watch == "polling" or (settings.watch == "auto" and share is not None)
    # macOS and Windows tell neither of a share nor of events that were lost: a look now and then makes up for both.
    rescan_seconds = settings.rescan_seconds if told else min(settings.rescan_seconds, _UNTOLD_SECONDS)
    why = "" if share is None or settings.watch == "polling" else f"{share.kind} at {share.point} sends no events"
    return ScanLoop(
        IncrementalIngest(config, resolved, ledger, tracker, root, over, unpacking),
        root,
        hints,
        Habits(mode="polling" if poll else "events", rescan_seconds=rescan_seconds, why=why),
        pauses,
        emit=emit,
        on_news=on_news,
        on_scan=on_scan,
        watcher=watcher,
        folder_name=str(settings.folder),
    )
