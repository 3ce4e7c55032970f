"""The ledger: which pictures are wanted, in work, done or given up, and under which names, safe against kill -9.

Owns the SQLite file and every transition of a job; refuses to look at photos, pictures or the output folder.
"""

from pipeline.ledger.damage import is_there
from pipeline.ledger.ledger import Ledger
from pipeline.ledger.records import (
    Backlog,
    Claim,
    ClaimOrder,
    FailureRow,
    Finished,
    FoundPicture,
    JobChanges,
    KnownContent,
    Lease,
    Move,
    Original,
    PhotoProblem,
    PhotoRow,
    Published,
    Timing,
    WantedJob,
)
from pipeline.ledger.schema import FILE_NAME, LockWatch
from pipeline.ledger.sources import sources_in

__all__ = [
    "FILE_NAME",
    "Backlog",
    "Claim",
    "ClaimOrder",
    "FailureRow",
    "Finished",
    "FoundPicture",
    "JobChanges",
    "KnownContent",
    "Lease",
    "Ledger",
    "LockWatch",
    "Move",
    "Original",
    "PhotoProblem",
    "PhotoRow",
    "Published",
    "Timing",
    "WantedJob",
    "is_there",
    "sources_in",
]
