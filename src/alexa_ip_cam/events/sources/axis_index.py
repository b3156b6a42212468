"""The camera's own database of its recordings, `index.db`: a help where there is one, never needed.

It is the camera's file on the camera's share. No lock is ever taken on it, because a reader's lock would make the
camera's own write fail, and it is never written to. What is read may therefore be torn; it only ever fills in what the
XML files leave out.
"""

import contextlib
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from alexa_ip_cam.events.sources.axis_xml import parse_time

_NEEDED = {
    "recordings": {"id", "filename", "path", "starttime", "stoptime"},
    "blocks": {"id", "recording_id", "filename", "starttime", "stoptime", "filesize"},
}


class IndexEntry(NamedTuple):
    """What the database says of a recording."""

    start: datetime | None
    stop: datetime | None
    """None while it is being recorded."""
    blocks: tuple[str, ...]
    """File names without ending, in the order of their times."""
    whole: bool
    """Whether every block has ended."""
    removed: bool
    """Whether the camera is about to delete it."""


def look_up(database: Path, recording: str) -> IndexEntry | None:
    """What the database says of a recording; None when it says nothing, or cannot be read right now.

    Args:
        database: the file.
        recording: the recording's folder name.
    """
    address = f"file:{quote(str(database))}?mode=ro&nolock=1"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0.2)) as connection:
            return _entry(connection, recording)
    except (sqlite3.Error, OSError, ValueError, OverflowError):
        return None


def _entry(connection: sqlite3.Connection, recording: str) -> IndexEntry | None:
    if any(needed - _columns(connection, table) for table, needed in _NEEDED.items()):
        return None
    row = connection.execute(
        "SELECT id, starttime, stoptime FROM recordings WHERE filename = ? ORDER BY id DESC", (recording,)
    ).fetchone()
    if row is None:
        return None
    number, start, stop = row
    blocks = connection.execute(
        "SELECT filename, stoptime, filesize FROM blocks WHERE recording_id = ? ORDER BY starttime, id", (number,)
    ).fetchall()
    # The column's name was seen in no public text, so a table of another form just says nothing.
    removed = (
        "recording_id" in _columns(connection, "remove_recordings")
        and connection.execute("SELECT 1 FROM remove_recordings WHERE recording_id = ?", (number,)).fetchone()
        is not None
    )
    return IndexEntry(
        parse_time(start),
        parse_time(stop),
        tuple(str(name) for name, _, _ in blocks),
        bool(blocks) and all(ended and size for _, ended, size in blocks),
        removed,
    )


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
