"""How single entries of a service's configuration file are checked."""

from collections.abc import Callable
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
