"""How single entries of the configuration are checked, and the limits that bound memory, time and numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """One entry: what it is when it is left out, and the check that returns its value or raises ValueError."""

    default: Any
    check: Callable[[object], Any]


def take(document: dict[str, Any], settings: dict[str, Setting]) -> dict[str, Any]:
    """Every setting's checked value, or its default.

    Raises:
        ValueError: a value is wrong; the message begins with the entry's name.
    """
    values = {}
    for name, setting in settings.items():
        if name not in document:
            values[name] = setting.default
            continue
        try:
            values[name] = setting.check(document[name])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return values


def a_number(least: float, most: float) -> Callable[[object], float]:
    """A check for a number within limits."""

    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"must be a number between {least:g} and {most:g}")
        return float(value)

    return check


def a_whole_number(least: int, most: int) -> Callable[[object], int]:
    """A check for a whole number within limits."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number between {least} and {most}")
        return value

    return check


def a_choice(*choices: str) -> Callable[[object], str]:
    """A check for one of a few words."""

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"must be one of: {', '.join(choices)}")
        return value

    return check


def a_bool(value: object) -> bool:
    """Check for true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def a_path(value: object) -> Path | None:
    """Check for an absolute path, or null for none."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        raise ValueError("must be an absolute path, or null")
    return Path(value)


def a_list_of_texts(value: object) -> tuple[str, ...]:
    """Check for a list of non-empty texts."""
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise ValueError("must be a list of non-empty texts")
    return tuple(value)


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the gateway. Seconds and bytes; docs/gateway.md has the reason for each figure."""

    max_connections: int
    max_viewers: int
    head_seconds: float
    before_play_seconds: float
    session_seconds: float
    stall_seconds: float
    queue_seconds: float
    queue_bytes: int
    send_buffer_bytes: int
    packet_bytes: int
    ring_seconds: float
    ring_bytes: int
    silence_seconds: float
    wake_seconds: float
    idle_seconds: float

    @staticmethod
    def settings() -> dict[str, Setting]:
        """The limits' names in the file, defaults and checks."""
        return {
            "max_connections": Setting(256, a_whole_number(2, 4096)),
            "max_viewers": Setting(64, a_whole_number(1, 2048)),
            "head_seconds": Setting(10.0, a_number(1, 120)),
            "before_play_seconds": Setting(20.0, a_number(1, 300)),
            "session_seconds": Setting(60.0, a_number(15, 3600)),
            "stall_seconds": Setting(10.0, a_number(1, 120)),
            "queue_seconds": Setting(3.5, a_number(0.5, 60)),
            "queue_bytes": Setting(16 << 20, a_whole_number(1 << 16, 1 << 28)),
            "send_buffer_bytes": Setting(64 << 10, a_whole_number(4096, 1 << 24)),
            "packet_bytes": Setting(8000, a_whole_number(200, 65000)),
            "ring_seconds": Setting(20.0, a_number(4, 120)),
            "ring_bytes": Setting(16 << 20, a_whole_number(1 << 18, 1 << 30)),
            "silence_seconds": Setting(4.5, a_number(1, 60)),
            "wake_seconds": Setting(4.5, a_number(0.5, 30)),
            "idle_seconds": Setting(60.0, a_number(1, 86400)),
        }
