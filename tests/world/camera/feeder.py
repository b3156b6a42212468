"""Hands each track's units to GStreamer at the moment they are due."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Sequence

from world.camera.schedule import Schedule
from world.camera.tracks import Track

# Takes a unit and its age in nanoseconds.
Push = Callable[[bytes, int], None]


class Feeder(threading.Thread):
    """A thread that calls `push(unit, age)` of each track in real time, for ever.

    Time is the Unix time at the start carried on by the monotonic clock, so that a step of the wall clock
    neither repeats nor skips a frame.
    """

    def __init__(self, tracks: Sequence[tuple[Track, Push]], phase: int) -> None:
        super().__init__(name="feeder", daemon=True)
        self._tracks = tracks
        self._schedules = [Schedule(track.rate, phase) for track, _ in tracks]
        self._unix_less_monotonic = time.time_ns() - time.monotonic_ns()

    def unix_ns(self) -> int:
        """Return the camera's own Unix time in nanoseconds."""
        return time.monotonic_ns() + self._unix_less_monotonic

    def run(self) -> None:
        """Push from the next unit on; what is overdue after a pause of the process is left out."""
        now = self.unix_ns()
        queue = []
        for index, schedule in enumerate(self._schedules):
            number = schedule.number_at(now) + 1
            queue.append((schedule.due_ns(number), index, number))
        heapq.heapify(queue)
        while True:
            due, index, number = queue[0]
            now = self.unix_ns()
            if due > now:
                time.sleep((due - now) / 1e9)
                continue
            track, push = self._tracks[index]
            schedule = self._schedules[index]
            newest = schedule.number_at(now)
            if newest - number > schedule.rate:
                number, due = newest, schedule.due_ns(newest)
            push(track.unit(number, due), now - due)
            heapq.heapreplace(queue, (schedule.due_ns(number + 1), index, number + 1))
