"""Derives a job's state from its facts. Owns that one rule.

leased       there is a lease
done         wanted, and the published picture is current (even if the photo is gone by now)
withdrawn    no longer wanted, or the photo is gone
quarantined  the photo is quarantined
failed, quarantined   the job's own verdict; a failed one waits until it is requeued
pending      everything else
"""

from __future__ import annotations

from typing import Final

STATE: Final = """
CASE
    WHEN EXISTS (SELECT 1 FROM leases WHERE leases.job_id = jobs.id) THEN 'leased'
    WHEN wanted AND current THEN 'done'
    WHEN NOT wanted THEN 'withdrawn'
    ELSE (
        SELECT CASE
            WHEN absence IS NOT NULL THEN 'withdrawn'
            WHEN problem IS NOT NULL THEN 'quarantined'
            ELSE coalesce(jobs.verdict, 'pending')
        END
        FROM photos WHERE photos.source_id = jobs.source_id AND photos.path = jobs.photo
    )
END
"""

#: At the end of a lease with a picture: it is current, unless photo or settings changed during the lease.
SET_CURRENT: Final = "current = NOT (SELECT disturbed FROM leases WHERE job_id = jobs.id)"

#: Likewise, unless the picture was made with earlier settings and is kept.
MADE_WITH_LEASED_SETTINGS: Final = (
    "made_settings_sha256 = (SELECT leases.settings_sha256 FROM leases WHERE job_id = jobs.id)"
)

#: Without its key a picture is neither current nor copied; its hash stays, so that it is replaced.
FORGET_KEY: Final = "current = 0, key = NULL"

CLEAR_FAILURES: Final = (
    "verdict = NULL, fault = '', attempts = 0, crashes = 0, interruptions = 0,"
    " setbacks = 0, delayed_at = 0, not_before = 0"
)
