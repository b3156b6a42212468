"""Every recording's way: found, clip made, told, deleted. On disk at every step, so that nothing is lost or doubled."""

import hashlib
import json
import random
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from alexa_ip_cam.alexa.messages import MAX_ENDPOINTS
from alexa_ip_cam.events.database import Database
from alexa_ip_cam.events.queue import Message, Queue
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.states import DETECTION, States
from alexa_ip_cam.media_id import Media

FRESH_SECONDS = 300.0
"""Motion that ended longer ago than this when it was found is not announced as new."""

_MOTION_CAUSES = ("motion", "person")
_LONG_RECORDING_SECONDS = 3600.0  # an older one that is not complete was left so by a camera that lost power
_CLOCKS_APART_SECONDS = 3600.0  # a camera's clock that is further ahead says nothing about now
_QUICK_TRIES = 3
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 2.0, 3600.0
_LOOK_AHEAD = 200  # waiting recordings of a camera that are looked at for one that is due
_PAGE = 500


class Job(NamedTuple):
    """A recording whose clip is to be made now."""

    id: int
    recording: Recording
    tries: int


class StoredClip(NamedTuple):
    """A clip that is kept. `size`: bytes."""

    camera_id: str
    identity: str
    start: datetime
    size: int


class Failure(NamedTuple):
    """A recording that has no clip and gets none, or has to wait for it, and why."""

    id: int
    camera_id: str
    key: str
    start: datetime
    permanent: bool
    tries: int
    reason: str


class Outbox:
    """The one place that knows every recording.

    Args:
        path: the database file, made when missing.
        interfaces: what Alexa is told, of the keys of `messages.INTERFACES`.
        oldest: recordings that were already older when first seen get no clip; None: all do.
        clock: Unix seconds.

    Raises:
        database.DatabaseError: the database cannot be opened. Every method raises it when a step could not be kept.
    """

    def __init__(
        self,
        path: Path,
        *,
        interfaces: Collection[str],
        oldest: timedelta | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.interfaces = frozenset(interfaces)
        self.oldest = oldest
        self._clock = clock
        self.database = Database(path)
        self.queue = Queue(self.database, self.now)
        self.states = States(self.database)
        self._converting: set[str] = set()
        self._seen: dict[tuple[str, str], float] = {}  # unfinished recordings, monotonic seconds

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def now(self) -> int:
        """Unix milliseconds."""
        return int(self._clock() * 1000)

    def batch(self) -> AbstractContextManager[Any]:
        """One step on disk for everything called within: for a scan that finds hundreds. Keep it short."""
        return self.database.step()

    # Sources

    def is_known(self, camera_id: str, key: str, *, complete: bool) -> bool:
        """Whether `found` would have nothing to do for a recording in this condition."""
        with self.database.look() as sql:
            row = sql.execute(
                "SELECT stage, start FROM recordings WHERE camera = ? AND key = ?", (camera_id, key)
            ).fetchone()
        return row is not None and self._settled(row, complete=complete)

    def known_keys(self, camera_id: str, *, prefix: str = "") -> set[str]:
        """All keys of a camera that begin so and that `found` has nothing to do for, complete or not; in one go."""
        with self.database.look() as sql:
            rows = sql.execute(
                "SELECT key, stage, start FROM recordings WHERE camera = ? AND key >= ? AND key < ?",
                (camera_id, prefix, prefix + "\U0010ffff"),
            ).fetchall()
        return {row["key"] for row in rows if self._settled(row, complete=True)}

    def found(self, recording: Recording) -> bool:
        """Take notice of a recording; may be called at every scan.

        An incomplete one means motion; found again complete it moves on. Returns whether it was news.
        """
        with self.database.step() as sql:
            row = sql.execute(
                "SELECT id, stage, start, pressed FROM recordings WHERE camera = ? AND key = ?",
                (recording.camera_id, recording.key),
            ).fetchone()
            if not recording.complete:
                self._seen[recording.camera_id, recording.key] = time.monotonic()
            if row is not None and self._settled(row, complete=recording.complete):
                return False
            stage = "found" if recording.complete else "recording"
            if self._too_old(_milliseconds(recording.start)):
                stage = "old"
            if row is None:
                sql.execute(
                    "INSERT INTO recordings (camera, key, stage, files, start, finish, cause, pressed)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (recording.camera_id, recording.key, stage, *_columns(recording)),
                )
            else:
                sql.execute(
                    "UPDATE recordings SET stage = ?, files = ?, start = ?, finish = ?, cause = ?, pressed = ?"
                    " WHERE id = ?",
                    (stage, *_columns(recording), row["id"]),
                )
            if stage == "old":
                if row is not None:
                    self._end_motion(recording.camera_id, self.now())
                return False
            self._announce(recording, pressed=recording.pressed and not (row is not None and row["pressed"]))
            return True

    def give_up_waiting(self, seconds: float) -> None:
        """End the motion of recordings that are unfinished and that no scan has seen for so long."""
        with self.database.look() as sql:
            rows = sql.execute("SELECT id, camera, key FROM recordings WHERE stage = 'recording'").fetchall()
        for row in rows:
            seen = self._seen.setdefault((row["camera"], row["key"]), time.monotonic())
            if time.monotonic() - seen < seconds:
                continue
            with self.database.step() as sql:
                # Not known any more: when it turns up after all, it is news.
                sql.execute("DELETE FROM recordings WHERE id = ?", (row["id"],))
                self._end_motion(row["camera"], self.now())
            del self._seen[row["camera"], row["key"]]

    # Clip making

    def next_to_convert(self) -> Job | None:
        """The recording whose clip is to be made next; None if there is nothing to do now.

        A camera's recordings come in order, one at a time. One that failed for a passing reason is waited for at
        first; then those behind it go on. End every job with `clip_ready` or `clip_failed`.
        """
        now = self.now()
        with self.database.look() as sql:
            cameras = [row["camera"] for row in sql.execute(_WAITING_CAMERAS).fetchall() if row["camera"] is not None]
            jobs = [
                row for camera in cameras if camera not in self._converting for row in self._head_of(sql, camera, now)
            ]
            row = min(jobs, key=lambda row: int(row["start"]), default=None)
            if row is None:
                return None
            self._converting.add(row["camera"])
        return Job(row["id"], _recording(row), row["tries"])

    def convert_again_at(self) -> int | None:
        """When the next recording that waits for another try is due, Unix milliseconds."""
        with self.database.look() as sql:
            due = sql.execute(
                "SELECT min(due) FROM recordings WHERE stage = 'found' AND due > ?", (self.now(),)
            ).fetchone()[0]
        return int(due) if due else None

    def clip_ready(self, job: Job, media: Media, identity: str, size: int) -> None:
        """The clip is in its place and on disk; Alexa is to be told.

        Args:
            job: from `next_to_convert`.
            media: what the clip holds.
            identity: its media id.
            size: bytes.
        """
        start = _milliseconds(media.start)
        finish = start + media.length // timedelta(milliseconds=1)
        with self.database.step() as sql:
            twin = sql.execute("SELECT 1 FROM recordings WHERE identity = ? AND id <> ?", (identity, job.id)).fetchone()
            if twin is not None:
                # The same recording under another key, after a recorder renumbered its own; it is told once.
                sql.execute("UPDATE recordings SET stage = 'twin', files = NULL WHERE id = ?", (job.id,))
            else:
                sql.execute(
                    "UPDATE recordings SET stage = 'clip', files = NULL, start = ?, finish = ?, identity = ?, size = ?,"
                    " reason = NULL WHERE id = ?",
                    (start, finish, identity, size, job.id),
                )
                if "media" in self.interfaces:
                    body = {"start": start, "end": finish, "cause": media.cause}
                    self.queue.add(
                        "media", media.camera_id, "MediaCreatedOrUpdated", body, happened=finish, identity=identity
                    )
        self._converting.discard(job.recording.camera_id)

    def clip_failed(self, job: Job, reason: str, *, permanent: bool) -> None:
        """No clip: for good, or to be tried again, after seconds at first and hours later, for as long as it takes."""
        wait = random.uniform(0, min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2**job.tries))  # noqa: S311
        with self.database.step() as sql:
            sql.execute(
                "UPDATE recordings SET stage = ?, reason = ?, tries = tries + 1, due = ? WHERE id = ?",
                ("failed" if permanent else "found", reason, self.now() + int((wait + 1) * 1000), job.id),
            )
        self._converting.discard(job.recording.camera_id)

    # Retention

    def clips_by_age(self) -> Iterator[StoredClip]:
        """Every clip that is kept, oldest first. Clips may be deleted while this is walked through."""
        after = (-(2**62), 0)
        while True:
            with self.database.look() as sql:
                rows = sql.execute(
                    "SELECT id, camera, identity, start, size FROM recordings WHERE stage = 'clip'"
                    " AND start >= ? AND (start, id) > (?, ?) ORDER BY start, id LIMIT ?",
                    (after[0], *after, _PAGE),
                ).fetchall()
            for row in rows:
                yield StoredClip(row["camera"], row["identity"], moment(row["start"]), row["size"])
            if len(rows) < _PAGE:
                return
            after = (rows[-1]["start"], rows[-1]["id"])

    def deleted(self, identity: str) -> None:
        """The clip's file is gone, by retention or by somebody's hand: whoever was told of it is told so."""
        with self.database.step() as sql:
            row = sql.execute(
                "SELECT camera, told FROM recordings WHERE identity = ? AND stage = 'clip'", (identity,)
            ).fetchone()
            if row is None:
                return
            # The media id stays: the same recording under another key would be a twin of a clip that is gone.
            sql.execute("UPDATE recordings SET stage = 'gone', size = 0 WHERE identity = ?", (identity,))
            sql.execute("INSERT INTO deletions VALUES (?) ON CONFLICT DO NOTHING", (identity,))
            # One whose answer was lost may be known to Alexa; it stays queued as a deletion.
            untold = self.queue.forget("MediaCreatedOrUpdated", identity)
            if "media" in self.interfaces and (row["told"] is not None or untold):
                self.queue.add("media", row["camera"], "MediaDeleted", {}, happened=self.now(), identity=identity)

    # What the publisher reports

    def told(self, message: Message) -> None:
        """Alexa has accepted the message."""
        with self.database.step() as sql:
            self.queue.done(message)
            sql.execute("DELETE FROM suspensions WHERE interface = ?", (message.interface,))
            if message.kind == "MediaCreatedOrUpdated":
                sql.execute("UPDATE recordings SET told = ? WHERE identity = ?", (self.now(), message.identity))
            elif "value" in message.body:
                self.states.told(message.camera_id, message.body["property"], message.body["value"])

    def set_state(self, camera_id: str, name: str, value: str, since: int) -> None:
        """A camera's property has this value since then (Unix milliseconds); a change is told."""
        interface = "motion" if name == DETECTION else "health"
        with self.database.step():
            if self.states.set(camera_id, name, value, since) and interface in self.interfaces:
                self.queue.add(interface, camera_id, "ChangeReport", {"property": name, "value": value}, happened=since)

    def suspensions(self) -> dict[str, int]:
        """Interfaces that Amazon refuses, and until when they are left alone, Unix milliseconds."""
        with self.database.look() as sql:
            return dict(sql.execute("SELECT interface, until FROM suspensions").fetchall())

    def suspend(self, interface: str, until: int, reason: str) -> bool:
        """Leave an interface alone until then (Unix milliseconds); whether it was not so before."""
        with self.database.step() as sql:
            known = sql.execute("DELETE FROM suspensions WHERE interface = ?", (interface,)).rowcount
            sql.execute("INSERT INTO suspensions VALUES (?, ?, ?)", (interface, until, reason))
        return known == 0

    def lift_suspensions(self) -> None:
        """Try every interface again now."""
        with self.database.step() as sql:
            sql.execute("UPDATE suspensions SET until = 0")

    def announce(self, endpoints: Sequence[Mapping[str, Any]]) -> None:
        """Tell Alexa what is new or other among its devices, and what is gone, since this was last called.

        Args:
            endpoints: all of the site's, as the skill's discovery lists them.
        """
        digests = {one["endpointId"]: _digest(one) for one in endpoints}
        with self.database.step() as sql:
            known = dict(sql.execute("SELECT endpoint, digest FROM announced").fetchall())
            changed = [one for one in endpoints if known.get(one["endpointId"]) != digests[one["endpointId"]]]
            gone = [{"endpointId": name} for name in known if name not in digests]
            for kind, some in (("AddOrUpdateReport", changed), ("DeleteReport", gone)):
                for first in range(0, len(some), MAX_ENDPOINTS):
                    body = {"endpoints": some[first : first + MAX_ENDPOINTS]}
                    self.queue.add("discovery", "", kind, body, happened=self.now())
            sql.execute("DELETE FROM announced")
            sql.executemany("INSERT INTO announced VALUES (?, ?)", digests.items())

    def deletions(self) -> list[str]:
        """Media ids of clips that were deleted and that the skill's store has not heard of."""
        with self.database.look() as sql:
            return [row[0] for row in sql.execute("SELECT identity FROM deletions LIMIT 100").fetchall()]

    def deletion_stored(self, identity: str) -> None:
        """The skill's store knows that this clip was deleted."""
        with self.database.step() as sql:
            sql.execute("DELETE FROM deletions WHERE identity = ?", (identity,))

    # What the owner is shown

    def failures(self) -> list[Failure]:
        """Recordings without a clip: for good, or waiting for another try."""
        with self.database.look() as sql:
            rows = sql.execute("SELECT * FROM recordings WHERE stage = 'failed' ORDER BY id").fetchall()
            rows += sql.execute("SELECT * FROM recordings WHERE stage = 'found' AND reason IS NOT NULL").fetchall()
        return [
            Failure(
                row["id"],
                row["camera"],
                row["key"],
                moment(row["start"]),
                row["stage"] == "failed",
                row["tries"],
                row["reason"],
            )
            for row in rows
        ]

    def retry_clips(self, ids: Collection[int] | None = None) -> int:
        """Make these clips, or all that failed, now; how many."""
        with self.database.step() as sql:
            chosen = [one.id for one in self.failures() if ids is None or one.id in ids]
            sql.executemany(
                "UPDATE recordings SET stage = 'found', tries = 0, due = 0 WHERE id = ?", [(one,) for one in chosen]
            )
        return len(chosen)

    def drop_recordings(self, ids: Collection[int]) -> int:
        """Make no clip of these, ever; how many there were."""
        with self.database.step() as sql:
            return sum(
                sql.execute(
                    "UPDATE recordings SET stage = 'dropped', files = NULL"
                    " WHERE id = ? AND stage IN ('failed', 'found')",
                    (one,),
                ).rowcount
                for one in ids
            )

    def refusals(self) -> dict[str, str]:
        """Interfaces that Amazon refuses, and its words."""
        with self.database.look() as sql:
            return dict(sql.execute("SELECT interface, reason FROM suspensions").fetchall())

    def stages(self) -> dict[str, int]:
        """How many recordings are at which stage and wait there; those that are done with are not counted."""
        with self.database.look() as sql:
            return {
                stage: sql.execute(f"SELECT count(*) FROM recordings WHERE stage = '{stage}'").fetchone()[0]  # noqa: S608
                for stage in ("recording", "found", "failed")
            }

    @staticmethod
    def _head_of(sql: sqlite3.Connection, camera: str, now: int) -> list[sqlite3.Row]:
        rows = sql.execute(
            "SELECT * FROM recordings WHERE stage = 'found' AND camera = ? ORDER BY start LIMIT ?",
            (camera, _LOOK_AHEAD),
        )
        for row in rows:
            if not now < row["due"] <= now + _LONGEST_WAIT_SECONDS * 2000:  # further off: the clock has been set
                return [row]
            if row["tries"] <= _QUICK_TRIES:
                break
        return []

    def _settled(self, row: sqlite3.Row, *, complete: bool) -> bool:
        if row["stage"] == "recording":
            return not complete
        return row["stage"] != "old" or self._too_old(row["start"])  # a clock that was wrong may be right now

    def _too_old(self, start: int) -> bool:
        return self.oldest is not None and self.now() - start > self.oldest // timedelta(milliseconds=1)

    def _announce(self, recording: Recording, *, pressed: bool) -> None:
        camera_id, start = recording.camera_id, _milliseconds(recording.start)
        end = _milliseconds(recording.end) if recording.end is not None else start
        age = (self.now() - (end if recording.complete else start)) / 1000
        limit = FRESH_SECONDS if recording.complete else _LONG_RECORDING_SECONDS
        fresh = -_CLOCKS_APART_SECONDS < age < limit
        if pressed and fresh and "doorbell" in self.interfaces:
            self.queue.add("doorbell", camera_id, "DoorbellPress", {}, happened=min(start, self.now()))
        if recording.cause not in _MOTION_CAUSES:
            return
        if fresh:
            self.set_state(camera_id, DETECTION, "DETECTED", min(start, self.now()))
        if recording.complete:
            self._end_motion(camera_id, min(max(end, start), self.now()))

    def _end_motion(self, camera_id: str, at: int) -> None:
        with self.database.look() as sql:
            others = sql.execute(
                "SELECT 1 FROM recordings WHERE stage = 'recording' AND camera = ? AND cause IN ('motion', 'person')",
                (camera_id,),
            ).fetchone()
        state = self.states.get(camera_id, DETECTION)
        if others is None and state is not None and state.value == "DETECTED":
            self.set_state(camera_id, DETECTION, "NOT_DETECTED", max(at, state.since))


# Each camera that has something waiting, by one step through the index for each, however much there is.
_WAITING_CAMERAS = """
WITH RECURSIVE cameras(camera) AS (
    SELECT min(camera) FROM recordings WHERE stage = 'found'
    UNION ALL
    SELECT (SELECT min(camera) FROM recordings WHERE stage = 'found' AND camera > cameras.camera)
    FROM cameras WHERE cameras.camera IS NOT NULL
)
SELECT camera FROM cameras
"""


def moment(milliseconds: int) -> datetime:
    """Unix milliseconds as an aware time."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def _milliseconds(when: datetime) -> int:
    return int((when - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _digest(endpoint: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(endpoint, sort_keys=True).encode()).hexdigest()


def _columns(recording: Recording) -> tuple[str, int, int | None, str, int]:
    return (
        json.dumps([str(file) for file in recording.files]),
        _milliseconds(recording.start),
        _milliseconds(recording.end) if recording.end is not None else None,
        recording.cause,
        int(recording.pressed),
    )


def _recording(row: sqlite3.Row) -> Recording:
    return Recording(
        camera_id=row["camera"],
        key=row["key"],
        files=tuple(Path(file) for file in json.loads(row["files"])),
        start=moment(row["start"]),
        end=moment(row["finish"]) if row["finish"] is not None else None,
        cause=row["cause"],
        complete=True,
        pressed=bool(row["pressed"]),
    )
