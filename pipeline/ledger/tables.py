"""The tables of the ledger, and what brings those of an older version up to date. Executes nothing.

Paths are BLOBs (TEXT refuses the surrogates of names that are not UTF-8), times are seconds since the epoch.
A job's row holds facts; ``state`` follows from them, see :mod:`pipeline.ledger.states`.
"""

from __future__ import annotations

import hashlib
from typing import Final

# IF NOT EXISTS: another process may be creating the same ledger.
TABLES: Final = """
CREATE TABLE IF NOT EXISTS sources (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS photos (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    path BLOB NOT NULL,
    signature TEXT,                 -- size:mtime_ns:inode as digits (any may exceed 63 bits); NULL = look again
    mtime_seconds REAL NOT NULL,    -- for the order of work only; never later than when it was recorded
    sha256 TEXT,
    absence TEXT,                   -- why the photo is not there
    problem TEXT,                   -- why the photo is quarantined
    problem_at REAL NOT NULL DEFAULT 0,
    moved_to BLOB,                  -- where its original is, or is being, moved to; NULL = nowhere
    PRIMARY KEY (source_id, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL,
    photo BLOB NOT NULL,
    style TEXT NOT NULL,
    recipe TEXT NOT NULL,
    photo_seconds REAL NOT NULL,
    settings_sha256 TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'leased', 'done', 'failed', 'quarantined', 'withdrawn')),
    wanted INTEGER NOT NULL DEFAULT 1,
    current INTEGER NOT NULL DEFAULT 0,     -- the published picture is what is wanted, as far as we know
    verdict TEXT CHECK (verdict IN ('failed', 'quarantined')),
    fault TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    setbacks INTEGER NOT NULL DEFAULT 0,    -- failures in a row, those that cost no attempt too
    delayed_at REAL NOT NULL DEFAULT 0,     -- a failed job waits from here ...
    not_before REAL NOT NULL DEFAULT 0,     -- ... to here
    changed_at REAL NOT NULL,
    stem BLOB NOT NULL,
    suffix TEXT NOT NULL,
    output BLOB NOT NULL UNIQUE,
    named_for BLOB NOT NULL,                -- the stem and suffix that ``output`` was allocated for
    key TEXT,
    published_sha256 TEXT,
    engine_version TEXT,
    original_sha256 TEXT,                   -- content that the picture was made of, once that was moved away
    seconds REAL NOT NULL DEFAULT 0,
    pixel_evaluations REAL NOT NULL DEFAULT 0,
    made_at REAL NOT NULL DEFAULT 0,        -- when its present picture was published
    made_settings_sha256 TEXT,              -- the settings that its picture was made with; NULL = not known
    random_position INTEGER NOT NULL DEFAULT 0,     -- the photo's place in a random order
    UNIQUE (source_id, photo, style, recipe),
    FOREIGN KEY (source_id, photo) REFERENCES photos (source_id, path),
    CHECK (NOT current OR (key IS NOT NULL AND published_sha256 IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (source_id, state);
CREATE INDEX IF NOT EXISTS jobs_by_key ON jobs (key) WHERE key IS NOT NULL;
CREATE INDEX IF NOT EXISTS pending_by_age ON jobs (source_id, photo_seconds) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS pending_by_name ON jobs (source_id, photo, style, recipe) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS pending_at_random ON jobs (source_id, random_position) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS kept_jobs ON jobs (source_id, state)
    WHERE current AND made_settings_sha256 IS NOT settings_sha256;
CREATE INDEX IF NOT EXISTS waiting_jobs ON jobs (source_id, not_before) WHERE state = 'failed';
CREATE INDEX IF NOT EXISTS moves ON photos (source_id) WHERE moved_to IS NOT NULL AND absence IS NULL;
CREATE INDEX IF NOT EXISTS timed_jobs ON jobs (changed_at) WHERE pixel_evaluations > 0;
CREATE INDEX IF NOT EXISTS made_jobs ON jobs (source_id, made_at) WHERE made_at > 0;
CREATE TABLE IF NOT EXISTS leases (
    token TEXT PRIMARY KEY,
    job_id INTEGER NOT NULL UNIQUE REFERENCES jobs (id),
    photo_sha256 TEXT,
    settings_sha256 TEXT NOT NULL,
    artwork_sha256 TEXT,
    started INTEGER NOT NULL DEFAULT 0,
    disturbed INTEGER NOT NULL DEFAULT 0    -- photo or settings changed meanwhile: the picture will be outdated
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (
    folded BLOB PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (          -- of the ledger as a whole
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS found_pictures (     -- of a ledger that was lost, as long as no job has them
    output BLOB PRIMARY KEY,
    key TEXT NOT NULL,
    style TEXT NOT NULL,
    recipe TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS found_by_key ON found_pictures (key);
CREATE TABLE IF NOT EXISTS settings (       -- hashes of what a job's settings_sha256 is made of
    sha256 TEXT PRIMARY KEY,
    paintings TEXT NOT NULL,
    style TEXT NOT NULL,
    recipe TEXT NOT NULL,
    weights TEXT NOT NULL
) WITHOUT ROWID;
"""

#: What makes the tables of a version those of the next one; indexes are in TABLES.
MIGRATIONS: Final = {
    1: """
ALTER TABLE photos ADD COLUMN moved_to BLOB;
ALTER TABLE jobs ADD COLUMN setbacks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN delayed_at REAL NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN not_before REAL NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN original_sha256 TEXT;
""",
    2: "ALTER TABLE jobs ADD COLUMN made_at REAL NOT NULL DEFAULT 0;\n",
    3: """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO facts (name, value) VALUES ('output_looked_through', '1');
""",
    4: """
ALTER TABLE jobs ADD COLUMN made_settings_sha256 TEXT;
ALTER TABLE jobs ADD COLUMN random_position INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET random_position = random_position(photo),
    made_settings_sha256 = CASE WHEN current THEN settings_sha256 END;
""",
}


def random_position(photo: bytes) -> int:
    """Return a photo's place in a random order, the same one each time: a signed number of 64 bits."""
    return int.from_bytes(hashlib.sha256(photo).digest()[:8], "big", signed=True)
