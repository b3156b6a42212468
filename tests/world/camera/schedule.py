"""When each unit of a free-running track is due: a function of the clock alone, not of who watches."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from fractions import Fraction

_NS = 1_000_000_000
_PHASE_RANGE_NS = 60 * _NS


def phase_ns(camera_id: str) -> int:
    """Return how far a camera's clock is ahead, in nanoseconds, so that cameras do not tick in step."""
    return zlib.crc32(camera_id.encode()) * 1_000_003 % _PHASE_RANGE_NS


@dataclass(frozen=True)
class Schedule:
    """Units of `rate` per second, counted from the Unix epoch less `phase` nanoseconds."""

    rate: Fraction
    phase: int

    def due_ns(self, number: int) -> int:
        """Return the Unix time in nanoseconds at which unit `number` is captured."""
        return -(-number * _NS * self.rate.denominator // self.rate.numerator) - self.phase

    def number_at(self, unix_ns: int) -> int:
        """Return the number of the newest unit at the Unix time `unix_ns`."""
        return (unix_ns + self.phase) * self.rate.numerator // (_NS * self.rate.denominator)
