"""Sizes of the long benchmarks, which a person in a hurry may lower through the environment."""

from __future__ import annotations

import os


class OptionError(ValueError):
    """A variable of the environment is no usable number; the message says what it should be."""


def option(name: str, default: float) -> float:
    """The number in the environment variable ``name``, or ``default``. Raises OptionError unless it is above 0."""
    text = os.environ.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise OptionError(f"{name} must be a number above 0, such as {default:g}, not {text!r}")
    return value
