PRAGMA application_id = 1937013111;
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE jobs (
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
    UNIQUE (source_id, photo, style, recipe),
    FOREIGN KEY (source_id, photo) REFERENCES photos (source_id, path),
    CHECK (NOT current OR (key IS NOT NULL AND published_sha256 IS NOT NULL))
);
INSERT INTO "jobs" VALUES(1,1,X'646F6E652E6A7067','night','default',1699999000.0,'s1','done',1,1,NULL,'',0,0,0,0,0.0,0.0,1700000000.0,X'646F6E652D2D6E69676874','.jpg',X'646F6E652D2D6E696768742E6A7067',X'646F6E652D2D6E696768742E6A7067','k1','p1','1',NULL,0.0,0.0,1700000000.0);
INSERT INTO "jobs" VALUES(2,1,X'64726F707065642E6A7067','night','default',1699999000.0,'s1','withdrawn',0,1,NULL,'',0,0,0,0,0.0,0.0,1700000000.0,X'64726F707065642D2D6E69676874','.jpg',X'64726F707065642D2D6E696768742E6A7067',X'64726F707065642D2D6E696768742E6A7067','k1','p1','1',NULL,0.0,0.0,1700000000.0);
INSERT INTO "jobs" VALUES(3,1,X'6661696C65642E6A7067','night','default',1699999000.0,'s1','failed',1,0,'failed','the loss became nan',1,0,0,1,1700000000.0,1700000060.0,1700000000.0,X'6661696C65642D2D6E69676874','.jpg',X'6661696C65642D2D6E696768742E6A7067',X'6661696C65642D2D6E696768742E6A7067',NULL,NULL,NULL,NULL,0.0,0.0,0.0);
INSERT INTO "jobs" VALUES(4,1,X'676976656E2075702E6A7067','night','default',1699999000.0,'s1','quarantined',1,0,'quarantined','the loss became nan',1,0,0,1,1700000000.0,1700000000.0,1700000000.0,X'676976656E2075702D2D6E69676874','.jpg',X'676976656E2075702D2D6E696768742E6A7067',X'676976656E2075702D2D6E696768742E6A7067',NULL,NULL,NULL,NULL,0.0,0.0,0.0);
INSERT INTO "jobs" VALUES(5,1,X'696E20776F726B2E6A7067','night','default',1699999000.0,'s1','leased',1,0,NULL,'',0,0,0,0,0.0,0.0,1700000000.0,X'696E20776F726B2D2D6E69676874','.jpg',X'696E20776F726B2D2D6E696768742E6A7067',X'696E20776F726B2D2D6E696768742E6A7067',NULL,NULL,NULL,NULL,0.0,0.0,0.0);
INSERT INTO "jobs" VALUES(6,1,X'77616974696E672E6A7067','night','default',1699999000.0,'s1','pending',1,0,NULL,'',0,0,0,0,0.0,0.0,1700000000.0,X'77616974696E672D2D6E69676874','.jpg',X'77616974696E672D2D6E696768742E6A7067',X'77616974696E672D2D6E696768742E6A7067',NULL,NULL,NULL,NULL,0.0,0.0,0.0);
CREATE TABLE leases (
    token TEXT PRIMARY KEY,
    job_id INTEGER NOT NULL UNIQUE REFERENCES jobs (id),
    photo_sha256 TEXT,
    settings_sha256 TEXT NOT NULL,
    artwork_sha256 TEXT,
    started INTEGER NOT NULL DEFAULT 0,
    disturbed INTEGER NOT NULL DEFAULT 0    -- photo or settings changed meanwhile: the picture will be outdated
) WITHOUT ROWID;
INSERT INTO "leases" VALUES('c707bff07663b7c7640c0d1fe394acca',5,NULL,'s1',NULL,1,0);
CREATE TABLE names (
    folded BLOB PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO "names" VALUES(X'646F6E652D2D6E696768742E6A7067');
INSERT INTO "names" VALUES(X'64726F707065642D2D6E696768742E6A7067');
INSERT INTO "names" VALUES(X'6661696C65642D2D6E696768742E6A7067');
INSERT INTO "names" VALUES(X'676976656E2075702D2D6E696768742E6A7067');
INSERT INTO "names" VALUES(X'696E20776F726B2D2D6E696768742E6A7067');
INSERT INTO "names" VALUES(X'77616974696E672D2D6E696768742E6A7067');
CREATE TABLE photos (
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
INSERT INTO "photos" VALUES(1,X'646F6E652E6A7067','100:1699999000000000000:7',1699999000.0,NULL,NULL,NULL,1700000000.0,NULL);
INSERT INTO "photos" VALUES(1,X'64726F707065642E6A7067','100:1699999000000000000:7',1699999000.0,NULL,NULL,NULL,1700000000.0,NULL);
INSERT INTO "photos" VALUES(1,X'6661696C65642E6A7067','100:1699999000000000000:7',1699999000.0,NULL,NULL,NULL,1700000000.0,NULL);
INSERT INTO "photos" VALUES(1,X'676976656E2075702E6A7067','100:1699999000000000000:7',1699999000.0,NULL,NULL,NULL,1700000000.0,NULL);
INSERT INTO "photos" VALUES(1,X'696E20776F726B2E6A7067','100:1699999000000000000:7',1699999000.0,NULL,NULL,NULL,1700000000.0,NULL);
INSERT INTO "photos" VALUES(1,X'77616974696E672E6A7067','100:1699999000000000000:7',1699999000.0,NULL,NULL,NULL,1700000000.0,NULL);
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE
);
INSERT INTO "sources" VALUES(1,X'696E');
CREATE INDEX jobs_by_state ON jobs (source_id, state);
CREATE INDEX jobs_by_key ON jobs (key) WHERE key IS NOT NULL;
CREATE INDEX pending_by_age ON jobs (source_id, photo_seconds) WHERE state = 'pending';
CREATE INDEX pending_by_name ON jobs (source_id, photo, style, recipe) WHERE state = 'pending';
CREATE INDEX waiting_jobs ON jobs (source_id, not_before) WHERE state = 'failed';
CREATE INDEX moves ON photos (source_id) WHERE moved_to IS NOT NULL AND absence IS NULL;
CREATE INDEX timed_jobs ON jobs (changed_at) WHERE pixel_evaluations > 0;
CREATE INDEX made_jobs ON jobs (source_id, made_at) WHERE made_at > 0;
COMMIT;
