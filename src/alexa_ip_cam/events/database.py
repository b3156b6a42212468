"""The events service's SQLite file: opened, laid out, and changed in whole steps that survive a power cut."""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_VERSION = 1
_BUSY_SECONDS = 20.0  # the command and the service take turns

# Times are Unix milliseconds. Docs: docs/events.md.
_SCHEMA = """
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY,
    camera TEXT NOT NULL,
    key TEXT NOT NULL,
    stage TEXT NOT NULL,
    files TEXT,                     -- JSON; NULL once they are not needed any more
    start INTEGER NOT NULL,
    finish INTEGER,
    cause TEXT NOT NULL,
    pressed INTEGER NOT NULL,
    identity TEXT UNIQUE,           -- the media id, once there is a clip
    size INTEGER NOT NULL DEFAULT 0,
    told INTEGER,                   -- when Alexa took the clip
    tries INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    UNIQUE (camera, key)
);
-- What is under way has small indices of its own, so that looking for it costs nothing however much is known.
CREATE INDEX recordings_recording ON recordings (camera) WHERE stage = 'recording';
CREATE INDEX recordings_found ON recordings (camera, start) WHERE stage = 'found';
CREATE INDEX recordings_failed ON recordings (id) WHERE stage = 'failed';
CREATE INDEX recordings_clips ON recordings (start, id) WHERE stage = 'clip';
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    interface TEXT NOT NULL,
    camera TEXT NOT NULL,
    kind TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    identity TEXT,                  -- the media id it is about
    body TEXT NOT NULL,             -- JSON
    happened INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL DEFAULT 0,
    parked INTEGER NOT NULL DEFAULT 0,
    reason TEXT
);
CREATE INDEX messages_lane ON messages (parked, interface, camera, id);
CREATE UNIQUE INDEX messages_once ON messages (identity, kind) WHERE identity IS NOT NULL;
CREATE TABLE states (
    camera TEXT NOT NULL,
    property TEXT NOT NULL,
    value TEXT NOT NULL,
    since INTEGER NOT NULL,
    told TEXT,                      -- the value that Alexa knows
    stored INTEGER NOT NULL DEFAULT 0,  -- whether the skill's store has it
    PRIMARY KEY (camera, property)
) WITHOUT ROWID;
CREATE TABLE deletions (identity TEXT PRIMARY KEY) WITHOUT ROWID;  -- to be noted in the skill's store
CREATE TABLE suspensions (interface TEXT PRIMARY KEY, until INTEGER NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE announced (endpoint TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
"""

_INSIST_SECONDS = 2.0

_log = logging.getLogger(__name__)


class DatabaseError(Exception):
    """The database cannot be used now, most often because the disk is full; nothing has been changed."""


class Database:
    """The open file. Safe to use from several threads; one step at a time.

    Args:
        path: the file; made when it is missing. Its directory must exist, on a local disk.

    Raises:
        DatabaseError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changes = 0
        """How many steps have changed something, and how often somebody was woken besides."""
        self._changed = threading.Condition()
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self._sql = self._open()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorname", "") not in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
                raise DatabaseError(f"{path} cannot be opened: {error}") from error
            self._put_aside(error)
            try:
                self._sql = self._open()
            except sqlite3.DatabaseError as second:
                raise DatabaseError(f"{path} cannot be opened: {second}") from second
        self._version = self._data_version()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._sql.close()

    @contextlib.contextmanager
    def step(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: on disk when the block has been left, or undone when it raises. May be nested.

        Raises:
            DatabaseError: the step was not kept.
        """
        with self._lock:
            if self._depth:
                self._depth += 1
                try:
                    yield self._sql
                finally:
                    self._depth -= 1
                return
            try:
                self._sql.execute("BEGIN IMMEDIATE")
                self._depth = 1
                before = self._sql.total_changes
                yield self._sql
                self._sql.execute("COMMIT")
            except sqlite3.IntegrityError:
                self._undo()
                raise
            except sqlite3.DatabaseError as error:
                self._undo()
                raise DatabaseError(f"{self.path}: {error}") from error
            except BaseException:
                self._undo()
                raise
            finally:
                self._depth = 0
            something = self._sql.total_changes != before
        if something:
            self.notify()

    @contextlib.contextmanager
    def look(self) -> Iterator[sqlite3.Connection]:
        """Read only.

        Raises:
            DatabaseError: the file cannot be read.
        """
        with self._lock:
            try:
                yield self._sql
            except sqlite3.DatabaseError as error:
                raise DatabaseError(f"{self.path}: {error}") from error

    def notify(self) -> None:
        """Wake whoever waits for a change."""
        with self._changed:
            self.changes += 1
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> None:
        """Until `changes` is no longer what was seen, or the time is up."""
        with self._changed:
            self._changed.wait_for(lambda: self.changes != seen, seconds)

    def changed_by_others(self) -> bool:
        """Whether another program (the command) has changed something since this was last asked."""
        with self._lock:
            before, self._version = self._version, self._data_version()
            return self._version != before

    def _undo(self) -> None:
        # SQLite may have rolled back already, after a full disk for one.
        if self._sql.in_transaction:
            self._sql.execute("ROLLBACK")

    def _data_version(self) -> int:
        return int(self._sql.execute("PRAGMA data_version").fetchone()[0])

    def _open(self) -> sqlite3.Connection:
        sql = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            sql.row_factory = sqlite3.Row
            sql.execute("PRAGMA journal_mode = WAL")
            # FULL: what was committed is there after a power cut. NORMAL would lose the last steps, and tell twice.
            sql.execute("PRAGMA synchronous = FULL")
            sql.execute("PRAGMA cache_size = -2000")
            version = sql.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                sql.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
            elif version != _VERSION:
                raise DatabaseError(f"{self.path} was written by another version of this program ({version})")
        except BaseException:
            sql.close()
            raise
        return sql

    def _put_aside(self, error: Exception) -> None:
        """Keep a damaged file for whoever wants to look, and start anew: what is on disk will be found again."""
        kept = self.path.with_name(f"{self.path.name}.damaged-{time.time():.0f}")
        _log.error("%s is damaged (%s); it is kept as %s, and a new one is begun", self.path, error, kept.name)
        self.path.rename(kept)
        for ending in ("-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)


def insist(step: Callable[[], object], stopping: threading.Event) -> bool:
    """Take down what has happened; while the disk is full, keep at it until told to stop. Whether it was taken down."""
    complained = False
    while True:
        try:
            step()
        except DatabaseError as error:
            if not complained:
                _log.error("what has happened cannot be written down, trying on: %s", error)
            complained = True
            if stopping.wait(_INSIST_SECONDS):
                return False
        else:
            return True
