"""What frames tell about a stream: how long the picture stood still, and how old what came was."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.figures import percentile


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture by the marker in it: its number, and Unix times in seconds of its arrival and its capture."""

    at: float
    number: int
    captured: float

    @property
    def lag(self) -> float:
        """Seconds from capture to arrival."""
        return self.at - self.captured


def largest_gap(frames: Iterable[Frame], since: float, until: float) -> float:
    """The longest time within ``since`` to ``until`` in which no frame came, in seconds.

    The times from ``since`` to the first frame and from the last to ``until`` count: who gets nothing has a gap too.
    """
    times = [since, *(frame.at for frame in frames if since < frame.at < until), until]
    return max(later - earlier for earlier, later in itertools.pairwise(times))


def between(frames: Sequence[Frame], since: float, until: float = float("inf")) -> list[Frame]:
    """The frames that came within ``since`` to ``until``."""
    return [frame for frame in frames if since <= frame.at < until]


def first_captured(frames: Sequence[Frame], moment: float) -> Frame | None:
    """The first frame that was captured after ``moment``: what a new viewer is started with is older."""
    return next((frame for frame in frames if frame.captured > moment), None)


def lag(frames: Iterable[Frame], share: float) -> float:
    """How old frames were when they came, in seconds: what ``share`` of them did not exceed (1: the oldest).

    Raises LookupError without frames.
    """
    lags = [frame.lag for frame in frames]
    if not lags:
        raise LookupError("no frame came")
    return percentile(lags, share)
