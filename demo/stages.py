"""Progress that a person can follow, and how long each stage took."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator


class Stages:
    """Times stages into ``durations`` (seconds by name) and says what is going on."""

    def __init__(self, durations: dict[str, float]) -> None:
        """Write into ``durations``."""
        self._durations = durations

    @contextlib.contextmanager
    def stage(self, name: str, says: str) -> Iterator[None]:
        """One stage: a line before it, a line with its seconds after it."""
        print(f"\n== {name}: {says}", flush=True)
        started = time.monotonic()
        yield
        self._durations[name] = round(time.monotonic() - started, 1)
        print(f"   {name}: {self._durations[name]:.1f} s", flush=True)

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """All stages together: ``total``."""
        started = time.monotonic()
        yield
        self._durations["total"] = round(time.monotonic() - started, 1)
