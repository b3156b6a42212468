"""The board: what is wrong just now, one file for each alarm, in a directory that the appliance's services share."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from alexa_ip_cam.alarm.files import read_json, write_json

BOARD = Path("/var/lib/alexa-ip-cam-alarm")
"""Owned by root and the group alexa-alarm, with the set-group-id bit: whoever is in the group may raise and clear."""

KEY = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}")
LONGEST_TEXT = 2000
"""Characters of an alarm's text that are kept."""


@dataclass(frozen=True)
class Alarm:
    """Something is wrong. `since` is in Unix seconds; a `test` is told once and then forgotten."""

    key: str
    text: str
    since: float
    test: bool = False


class Board:
    """The alarms below one directory."""

    def __init__(self, directory: Path = BOARD) -> None:
        self._directory = directory / "raised"

    def raise_alarm(self, key: str, text: str, *, test: bool = False) -> None:
        """Raise an alarm, or give one that is raised already a newer text.

        Raises:
            ValueError: the key or the text cannot be used; says why.
            OSError: the board cannot be written.
        """
        require_key(key)
        cleaned = clean(text)
        if not cleaned:
            raise ValueError("an alarm needs a text that says what is wrong and how to mend it")
        path = self._path(key)
        before = read_json(path)
        value = {"text": cleaned, "since": before.get("since", time.time()), "test": test}
        if value != before:
            # Prepared beside, so that systemd sees one change, and that when it is whole.
            write_json(path, value, scratch_in=self._directory.parent)

    def clear(self, key: str) -> bool:
        """Take an alarm down; tells whether there was one.

        Raises:
            ValueError: the key cannot be used.
            OSError: the board cannot be written.
        """
        require_key(key)
        path = self._path(key)
        there = path.exists()
        path.unlink(missing_ok=True)
        return there

    def alarms(self) -> dict[str, Alarm]:
        """All that are raised, by key. A file that is no alarm is left out."""
        found = {}
        for path in sorted(self._directory.glob("*.json")):
            value = read_json(path)
            text, since = value.get("text"), value.get("since")
            if KEY.fullmatch(path.stem) and isinstance(text, str) and isinstance(since, int | float):
                found[path.stem] = Alarm(path.stem, text, float(since), value.get("test") is True)
        return found

    def changed_at(self) -> int:
        """When an alarm was last raised or cleared, for comparing; raises OSError."""
        return self._directory.stat().st_mtime_ns

    def _path(self, key: str) -> Path:
        return self._directory / f"{key}.json"


def require_key(key: str) -> None:
    """Raise ValueError for what cannot be an alarm's key."""
    if not KEY.fullmatch(key):
        raise ValueError(f"an alarm's key takes small letters, digits, dots and hyphens, at most 80; got {key!r}")


def clean(text: str) -> str:
    """Text without control characters but line ends, without white space around, and not too long."""
    kept = "".join(char if char == "\n" or char.isprintable() else " " for char in text).strip()
    return kept if len(kept) <= LONGEST_TEXT else kept[: LONGEST_TEXT - 4].rstrip() + " ..."
