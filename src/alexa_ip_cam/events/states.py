"""What is true of each camera now, what Alexa was told of it, and what the skill's store knows."""

from typing import NamedTuple

from alexa_ip_cam.events.database import Database

DETECTION = "detection"
CONNECTIVITY = "connectivity"


class State(NamedTuple):
    """One property of one camera. `since`: Unix milliseconds; `told`: the value Alexa knows."""

    camera_id: str
    property: str
    value: str
    since: int
    told: str | None


class States:
    """States on disk.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, camera_id: str, name: str) -> State | None:
        """What is known."""
        with self._database.look() as sql:
            row = sql.execute(
                "SELECT value, since, told FROM states WHERE camera = ? AND property = ?", (camera_id, name)
            ).fetchone()
        return State(camera_id, name, row["value"], row["since"], row["told"]) if row is not None else None

    def set(self, camera_id: str, name: str, value: str, since: int) -> bool:
        """Take a value down; whether it is another one than before."""
        with self._database.step() as sql:
            return (
                sql.execute(
                    "INSERT INTO states (camera, property, value, since) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET value = excluded.value, since = excluded.since, stored = 0"
                    " WHERE value <> excluded.value",
                    (camera_id, name, value, since),
                ).rowcount
                > 0
            )

    def told(self, camera_id: str, name: str, value: str) -> None:
        """Alexa knows this value."""
        with self._database.step() as sql:
            sql.execute("UPDATE states SET told = ? WHERE camera = ? AND property = ?", (value, camera_id, name))

    def to_store(self) -> list[State]:
        """What the skill's store does not know yet."""
        with self._database.look() as sql:
            return [
                State(row["camera"], row["property"], row["value"], row["since"], row["told"])
                for row in sql.execute("SELECT * FROM states WHERE stored = 0").fetchall()
            ]

    def stored(self, state: State) -> None:
        """The skill's store knows it, unless it has changed meanwhile."""
        with self._database.step() as sql:
            sql.execute(
                "UPDATE states SET stored = 1 WHERE camera = ? AND property = ? AND value = ? AND since = ?",
                (state.camera_id, state.property, state.value, state.since),
            )
