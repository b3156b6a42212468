"""Media time: from RTP time by the newest sender report of each track.

The player knows no wrap of RTP time, keeps access units back until every track has a report, and drops those that
are older than the first report's instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulators.echo.depacketise import AccessUnit
from simulators.echo.rtp import SenderReport


@dataclass(frozen=True, slots=True)
class Timed:
    """An access unit with its media time in seconds."""

    t: float
    unit: AccessUnit


@dataclass(slots=True)
class _TrackTime:
    scale: int
    anchor: tuple[int, float] | None = None
    waiting: list[AccessUnit] = field(default_factory=list)
    first_sequence: int | None = None


class Timeline:
    """Media times of one session. ``dropped_early`` counts what was older than the first report."""

    def __init__(self, scales: Sequence[int]) -> None:
        self.dropped_early = 0
        self.reports = 0
        self._tracks = [_TrackTime(scale) for scale in scales]
        self._origin: float | None = None

    @property
    def known(self) -> bool:
        """Every track has its anchor."""
        return all(track.anchor is not None for track in self._tracks)

    @property
    def every_track_waits(self) -> bool:
        """Every track has an access unit."""
        return all(track.waiting for track in self._tracks)

    def add(self, number: int, unit: AccessUnit) -> None:
        """Keep an access unit of track ``number`` until it can be drained."""
        self._tracks[number].waiting.append(unit)

    def report(self, number: int, report: SenderReport) -> None:
        """Anchor track ``number`` anew."""
        self.reports += 1
        self._tracks[number].anchor = (report.rtp, report.ntp)
        if self._origin is None:
            self._origin = report.ntp

    def fake(self) -> None:
        """Give up waiting for reports: RTP time 0 of every track counts as media time 0."""
        self._origin = 0.0
        for track in self._tracks:
            track.anchor = (0, 0.0)

    def drain(self, number: int) -> list[Timed]:
        """What track ``number`` can hand on now, in order; damaged and early access units are left out."""
        track = self._tracks[number]
        units, track.waiting = track.waiting, []
        ready = []
        for unit in units:
            if track.first_sequence is None:
                track.first_sequence = unit.sequence
            if unit.sequence < track.first_sequence:
                continue
            t = self._media_time(track, unit)
            if t < 0:
                self.dropped_early += 1
            elif unit.complete:
                ready.append(Timed(t, unit))
        return ready

    def _media_time(self, track: _TrackTime, unit: AccessUnit) -> float:
        assert track.anchor is not None
        assert self._origin is not None
        rtp, ntp = track.anchor
        return round(ntp - self._origin + (unit.rtp - rtp) / track.scale, 6)  # the player counts microseconds
