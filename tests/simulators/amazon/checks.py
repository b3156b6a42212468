"""Small checks that a JSON document is put together from: exact types, no missing key, no extra key.

A check is a function of a value and of where it stands in the document; it raises `ProtocolError` or returns nothing.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Check = Callable[[Any, str], None]


class ProtocolError(AssertionError):
    """An answer that Amazon's documents do not allow; the message says where and why."""


def refuse_unless(condition: object, where: str, why: str) -> None:
    """Raise ProtocolError unless the condition holds."""
    if not condition:
        raise ProtocolError(f"{where}: {why}")


def text(pattern: str = r".+", longest: int = 2**20) -> Check:
    """A string that matches as a whole and is not longer."""

    def check(value: Any, where: str) -> None:
        refuse_unless(isinstance(value, str), where, f"must be a string, not {value!r}")
        refuse_unless(len(value) <= longest, where, f"has {len(value)} characters, at most {longest} are allowed")
        refuse_unless(re.fullmatch(pattern, value), where, f"{value!r} does not match {pattern}")

    return check


def one_of(*allowed: Any) -> Check:
    """One of the values given."""

    def check(value: Any, where: str) -> None:
        refuse_unless(
            any(value == one and type(value) is type(one) for one in allowed),
            where,
            f"{value!r} is not one of {sorted(allowed)}",
        )

    return check


def whole(lowest: int) -> Check:
    """A whole number that is not lower."""

    def check(value: Any, where: str) -> None:
        refuse_unless(type(value) is int, where, f"must be a whole number, not {value!r}")
        refuse_unless(value >= lowest, where, f"must be at least {lowest}, not {value}")

    return check


def items(each: Check, *, least: int = 1, most: int = 2**20) -> Check:
    """A list of different items."""

    def check(value: Any, where: str) -> None:
        refuse_unless(isinstance(value, list), where, f"must be a list, not {value!r}")
        refuse_unless(least <= len(value) <= most, where, f"has {len(value)} items, {least} to {most} are allowed")
        for number, item in enumerate(value):
            each(item, f"{where}[{number}]")
            refuse_unless(item not in value[:number], f"{where}[{number}]", "appears twice")

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with all of the required keys and no key that is not named."""
    known = {**required, **(optional or {})}

    def check(value: Any, where: str) -> None:
        refuse_unless(isinstance(value, dict), where, f"must be an object, not {value!r}")
        for key in required:
            refuse_unless(key in value, where, f"{key} is missing")
        for key, item in value.items():
            refuse_unless(key in known, where, f"{key} is not allowed")
            known[key](item, f"{where}.{key}")

    return check


def moment(value: Any, where: str) -> None:
    """A time in UTC with at most three digits of a second's fraction."""
    text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")(value, where)
    try:
        datetime.fromisoformat(value)
    except ValueError as problem:
        raise ProtocolError(f"{where}: {problem}") from None
