"""The messages that wait for Alexa, in lanes: what one camera's one interface has to tell is told in order."""

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from alexa_ip_cam.events.database import Database

MAX_WAITING = 20_000
"""Per interface. Whoever does not link the skill again for months keeps the newest."""

_CHECK_EVERY = 64  # additions between two looks at the bound


class Message(NamedTuple):
    """One message that waits. Times are Unix milliseconds."""

    id: int
    interface: str
    """A key of `messages.INTERFACES`."""
    camera_id: str
    kind: str
    message_id: str
    """The same at every try."""
    identity: str | None
    """The media id it is about, if any."""
    body: dict[str, Any]
    """What `messages.build` needs."""
    happened: int
    queued: int
    tries: int
    due: int
    parked: bool
    reason: str | None


class Queue:
    """Messages on disk.

    Args:
        database: where they are kept.
        now: Unix milliseconds.
    """

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now
        self._added = 0
        self._lanes: set[tuple[str, str]] = set()
        self.look_around()

    def look_around(self) -> None:
        """Take notice of what another program put into the queue."""
        with self._database.look() as sql:
            rows = sql.execute("SELECT DISTINCT interface, camera FROM messages WHERE parked = 0").fetchall()
        self._lanes = {(row["interface"], row["camera"]) for row in rows}

    def add(
        self,
        interface: str,
        camera_id: str,
        kind: str,
        body: dict[str, Any],
        *,
        happened: int,
        identity: str | None = None,
    ) -> None:
        """Queue a message. About one recording each kind is queued once, however often this is called."""
        with self._database.step() as sql:
            sql.execute(
                "INSERT INTO messages (interface, camera, kind, message_id, identity, body, happened, queued)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (interface, camera_id, kind, str(uuid.uuid4()), identity, json.dumps(body), happened, self._now()),
            )
            self._lanes.add((interface, camera_id))
            self._added += 1
            if self._added % _CHECK_EVERY == 1:
                self._keep_bound(sql, interface)

    def heads(self) -> list[Message]:
        """The message whose turn it is in every lane, due or not."""
        heads = []
        with self._database.look() as sql:
            for interface, camera_id in sorted(self._lanes):
                row = sql.execute(
                    "SELECT * FROM messages WHERE parked = 0 AND interface = ? AND camera = ? ORDER BY id LIMIT 1",
                    (interface, camera_id),
                ).fetchone()
                if row is not None:
                    heads.append(_message(row))
                else:
                    self._lanes.discard((interface, camera_id))
        return heads

    def done(self, message: Message) -> None:
        """It is told, or need not be told any more."""
        with self._database.step() as sql:
            sql.execute("DELETE FROM messages WHERE id = ?", (message.id,))

    def later(self, message: Message, due: int, reason: str, *, counts: bool) -> None:
        """Try it again.

        Args:
            message: the message.
            due: not before, Unix milliseconds.
            reason: what went wrong.
            counts: whether the message itself may be at fault, so that this was one of its tries.
        """
        with self._database.step() as sql:
            sql.execute(
                "UPDATE messages SET due = ?, reason = ?, tries = tries + ? WHERE id = ?",
                (due, reason, int(counts), message.id),
            )

    def park(self, message: Message, reason: str) -> None:
        """Keep it for the owner to look at; those behind it go on."""
        with self._database.step() as sql:
            sql.execute(
                "UPDATE messages SET parked = 1, reason = ?, tries = tries + 1 WHERE id = ?", (reason, message.id)
            )

    def split(self, message: Message) -> None:
        """Replace a message about several endpoints by two about half of them each."""
        endpoints = message.body["endpoints"]
        half = len(endpoints) // 2
        with self._database.step():
            self.done(message)
            for part in (endpoints[:half], endpoints[half:]):
                body = {**message.body, "endpoints": part}
                self.add(message.interface, message.camera_id, message.kind, body, happened=message.happened)

    def forget(self, kind: str, identity: str) -> bool:
        """Take a message back that has not been told; whether there was one."""
        with self._database.step() as sql:
            found = sql.execute("DELETE FROM messages WHERE kind = ? AND identity = ?", (kind, identity))
            return found.rowcount > 0

    def listed(self, *, parked: bool | None = None) -> list[Message]:
        """All of them, or those that are parked or not, in order."""
        wanted = (0, 1) if parked is None else (int(parked),)
        with self._database.look() as sql:
            rows = [
                sql.execute("SELECT * FROM messages WHERE parked = ? ORDER BY id", (one,)).fetchall() for one in wanted
            ]
        return [_message(row) for some in rows for row in some]

    def retry(self, ids: Iterable[int]) -> int:
        """Put these back into their lanes, due now; how many there were."""
        with self._database.step() as sql:
            rows = [
                sql.execute("UPDATE messages SET parked = 0, due = 0, tries = 0 WHERE id = ?", (one,)).rowcount
                for one in ids
            ]
        self.look_around()
        return sum(rows)

    def drop(self, ids: Iterable[int]) -> int:
        """Never tell these; how many there were."""
        with self._database.step() as sql:
            return sum(sql.execute("DELETE FROM messages WHERE id = ?", (one,)).rowcount for one in ids)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many messages wait and how many are parked, by interface."""
        with self._database.look() as sql:
            rows = sql.execute("SELECT interface, parked, count(*) FROM messages GROUP BY parked, interface").fetchall()
        counts: dict[str, dict[str, int]] = {}
        for interface, parked, number in rows:
            counts.setdefault(interface, {"waiting": 0, "parked": 0})["parked" if parked else "waiting"] = number
        return counts

    def parked(self) -> tuple[int, Message | None]:
        """How many messages are parked, and the newest of them."""
        with self._database.look() as sql:
            number = sql.execute("SELECT count(*) FROM messages WHERE parked = 1").fetchone()[0]
            row = sql.execute("SELECT * FROM messages WHERE parked = 1 ORDER BY id DESC LIMIT 1").fetchone()
        return number, _message(row) if row is not None else None

    @staticmethod
    def _keep_bound(sql: sqlite3.Connection, interface: str) -> None:
        over = (
            sql.execute("SELECT count(*) FROM messages WHERE interface = ?", (interface,)).fetchone()[0] - MAX_WAITING
        )
        if over > 0:
            sql.execute(
                "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE interface = ? ORDER BY id LIMIT ?)",
                (interface, over),
            )


def _message(row: sqlite3.Row) -> Message:
    return Message(
        row["id"],
        row["interface"],
        row["camera"],
        row["kind"],
        row["message_id"],
        row["identity"],
        json.loads(row["body"]),
        row["happened"],
        row["queued"],
        row["tries"],
        row["due"],
        bool(row["parked"]),
        row["reason"],
    )
