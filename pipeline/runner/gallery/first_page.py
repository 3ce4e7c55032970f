"""Writes the gallery's page where there is none yet, so that the contact sheet of a try can be seen in it."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.ledger import Ledger, ledger_exists
from pipeline.model import GallerySettings
from pipeline.report.gallery.live import LIVE_NAME, ended_value
from pipeline.report.gallery.scripts import script
from pipeline.runner.gallery.run_records import RunRecords
from pipeline.runner.gallery.status_page import STATUS_NAME, status_value
from pipeline.runner.gallery.updates import GalleryUpdates
from pipeline.runner.gallery.writer import GalleryWriter, page_of
from pipeline.runner.instance.lock import is_held
from pipeline.runner.preparation import ledger_file, source_of


def write_first_page(settings: GallerySettings, now: Callable[[], float] = time.time) -> None:
    """Write the page of a gallery that has none, with the pictures on record, as those of an older version.

    A program at work is left to write it. Raises StorageError if the page is the user's, LedgerError, OSError.
    """
    folders = settings.status.folders
    file = ledger_file(folders)
    if page_of(folders.output) is not None:
        return
    if ledger_exists(file):
        if not is_held(folders.state):
            GalleryUpdates(settings, now=now).finish()
        return
    writer = GalleryWriter(settings, now=now)
    writer.write_page()
    with Ledger.rehearsal(file, source_of(folders)) as ledger:
        records = RunRecords(folders.state, folders.output, settings.reports)
        writer.folder.write(STATUS_NAME, script("status", status_value(settings, ledger, records, None, now())))
        writer.write_catalog(ledger, is_live=False, in_progress=())
    writer.folder.write(LIVE_NAME, script("live", ended_value(now())))
