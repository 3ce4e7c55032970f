"""Records which pictures are wanted, in progress, done or given up, and their names; safe against kill -9.

Owns the SQLite file and every transition of a job; does not open photos, pictures or the output folder.
"""

from pipeline.ledger.claim_queue import Selection
from pipeline.ledger.cleanup import published_in
from pipeline.ledger.damage import ledger_exists
from pipeline.ledger.ledger import Ledger
from pipeline.ledger.masks import MaskedSettings
from pipeline.ledger.records import (
    Backlog,
    ChunkSummary,
    Claim,
    FailureRow,
    FinishedJob,
    ForgottenPicture,
    FoundPicture,
    GalleryFailure,
    GalleryRow,
    KnownContent,
    Lease,
    Move,
    Original,
    PendingPicture,
    PhotoProblem,
    PhotoRow,
    PictureDetails,
    PictureFacts,
    PictureRecord,
    Published,
    SecondsHistogram,
    Timing,
    Totals,
    WantedJob,
    WithdrawnPicture,
)
from pipeline.ledger.rejections import Rejection
from pipeline.ledger.schema import LEDGER_NAME, LockWait
from pipeline.ledger.sources import sources_in

__all__ = [
    "LEDGER_NAME",
    "Backlog",
    "ChunkSummary",
    "Claim",
    "FailureRow",
    "FinishedJob",
    "ForgottenPicture",
    "FoundPicture",
    "GalleryFailure",
    "GalleryRow",
    "KnownContent",
    "Lease",
    "Ledger",
    "LockWait",
    "MaskedSettings",
    "Move",
    "Original",
    "PendingPicture",
    "PhotoProblem",
    "PhotoRow",
    "PictureDetails",
    "PictureFacts",
    "PictureRecord",
    "Published",
    "Rejection",
    "SecondsHistogram",
    "Selection",
    "Timing",
    "Totals",
    "WantedJob",
    "WithdrawnPicture",
    "ledger_exists",
    "published_in",
    "sources_in",
]
