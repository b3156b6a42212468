"""Things that break, again and again, under two viewers: how soon it is noticed, how soon there are pictures again.

A viewer whose stream was closed asks again at once and then four times a second, as an impatient family does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks import services
from benchmarks.crowd import Crowd
from benchmarks.figures import Figures, percentile
from benchmarks.gaps import first_captured, largest_gap
from benchmarks.options import option
from benchmarks.streams import gateway_way
from benchmarks.viewer import RefusedError, Viewer, view
from home import Home

_CAMERA = "front-porch"
_VIEWERS = 2
_ROUNDS = 10
_AGAIN_S = 0.25
_STEADY_S = 3.0
# Until the new gateway keeps as many seconds of every camera as it ever will.
_WARM_S = 15.0
_PATIENCE_S = 30.0
_TICK_S = 0.01
_LIVE555 = services.live555(_CAMERA)
_STEADY_UNITS = (services.GATEWAY, _LIVE555, services.STUNNEL)


@dataclass
class Round:
    """Seconds from the fault: until the viewers were closed; from the mend: until all had pictures again."""

    noticed: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    gap: list[float] = field(default_factory=list)


class Watchers:
    """Two viewers of one camera that open their stream again whenever it was closed."""

    def __init__(self, home: Home, crowd: Crowd) -> None:
        self._home = home
        self._crowd = crowd
        self._roots = home.roots_pem
        self.viewers: list[Viewer] = []

    def open(self) -> float:
        """One more viewer; gives the seconds that opening took. Raises RefusedError, OSError."""
        begun = time.monotonic()
        way = gateway_way(self._home, _CAMERA)
        self.viewers.append(self._crowd.add(view(way, address=self._home.appliance.address, roots_pem=self._roots)))
        return time.monotonic() - begun

    def closed(self, since: float) -> list[float]:
        """For each viewer that the server closed, seconds from ``since`` until then."""
        return [viewer.closed_at - since for viewer in self.viewers if viewer.closed_at is not None]

    def wait_closed(self, since: float) -> list[float]:
        """Wait until every viewer is closed, then forget them."""
        _wait(lambda: len(self.closed(since)) == len(self.viewers), "the viewers are not closed")
        seconds = self.closed(since)
        self.viewers.clear()
        return seconds

    def wait_pictures(self, since: float) -> list[float]:
        """Seconds from ``since`` until each of two viewers had a new picture; closed ones ask again."""
        found: list[float] = []
        deadline = time.time() + _PATIENCE_S
        while len(found) < _VIEWERS:
            if time.time() > deadline:
                raise TimeoutError(f"no picture again within {_PATIENCE_S:g} s")
            self.viewers = [viewer for viewer in self.viewers if viewer.closed_at is None]
            while len(self.viewers) < _VIEWERS:
                try:
                    self.open()
                except (RefusedError, OSError):
                    time.sleep(_AGAIN_S)
                    break
            frames = [first_captured(list(viewer.marks.frames), since) for viewer in self.viewers]
            found = [frame.at - since for frame in frames if frame is not None]
            time.sleep(_TICK_S)
        return found

    def refused_s(self) -> float:
        """How long the answer to a new viewer takes while the camera is away. Raises RuntimeError when it is let in."""
        begun = time.monotonic()
        try:
            view(gateway_way(self._home, _CAMERA), address=self._home.appliance.address, roots_pem=self._roots).close()
        except RefusedError:
            return time.monotonic() - begun
        raise RuntimeError("a viewer was let in although the camera is away")


def run(home: Home) -> Figures:
    """All faults, then what the services hold compared with before."""
    figures = Figures()
    rounds = int(option("BENCH_ROUNDS", _ROUNDS))
    with Crowd() as crowd:
        watchers = Watchers(home, crowd)
        # First, because it is the one that gives the gateway a new process.
        _report(figures, "gateway_killed", [_gateway_killed(home, watchers) for _ in range(rounds)], back="<= 5")
        watchers.wait_pictures(time.time())
        time.sleep(_WARM_S)
        before = services.use(home.appliance, _STEADY_UNITS)
        _report(
            figures,
            "camera_killed",
            [_camera_killed(home, watchers) for _ in range(rounds)],
            noticed="<= 5",
            back="<= 5",
        )
        _report(
            figures, "camera_hung", [_camera_hung(home, watchers) for _ in range(rounds)], noticed="<= 10", back="<= 5"
        )
        _report(figures, "stunnel_reloaded", [_stunnel_reloaded(home, watchers) for _ in range(rounds)])
        watchers.wait_pictures(time.time())
        time.sleep(_WARM_S)
        after = services.use(home.appliance, _STEADY_UNITS)
        _report(figures, "live555_killed", [_live555_killed(home, watchers) for _ in range(rounds)], back="<= 5")
    _leaks(figures, before, after)
    return figures


@contextmanager
def _round(watchers: Watchers) -> Iterator[Round]:
    """Two viewers with steady pictures, before."""
    watchers.wait_pictures(time.time())
    time.sleep(_STEADY_S)
    yield Round()


def _camera_killed(home: Home, watchers: Watchers) -> Round:
    with _round(watchers) as done:
        broken = time.time()
        home.world.kill_camera(_CAMERA)
        done.noticed = watchers.wait_closed(broken)
        done.refused.append(watchers.refused_s())
        home.world.start_camera(_CAMERA)
        done.back = watchers.wait_pictures(time.time())
    return done


def _camera_hung(home: Home, watchers: Watchers) -> Round:
    with _round(watchers) as done:
        broken = time.time()
        home.world.hang_camera(_CAMERA)
        try:
            done.noticed = watchers.wait_closed(broken)
            done.refused.append(watchers.refused_s())
        finally:
            home.world.resume_camera(_CAMERA)
        done.back = watchers.wait_pictures(time.time())
    return done


def _live555_killed(home: Home, watchers: Watchers) -> Round:
    return _unit_killed(home, watchers, _LIVE555)


def _gateway_killed(home: Home, watchers: Watchers) -> Round:
    return _unit_killed(home, watchers, services.GATEWAY)


def _unit_killed(home: Home, watchers: Watchers, unit: str) -> Round:
    """systemd starts it again by itself, so that the time back counts from the fault."""
    with _round(watchers) as done:
        broken = time.time()
        home.appliance.run(["systemctl", "kill", "--signal=KILL", unit])
        viewers = list(watchers.viewers)
        done.back = watchers.wait_pictures(time.time())
        done.noticed = [viewer.closed_at - broken for viewer in viewers if viewer.closed_at is not None]
    return done


def _stunnel_reloaded(home: Home, watchers: Watchers) -> Round:
    with _round(watchers) as done:
        begun = time.time()
        home.appliance.run(["systemctl", "reload", services.STUNNEL])
        time.sleep(_STEADY_S)
        done.noticed = watchers.closed(begun)
        done.gap = [largest_gap(list(viewer.marks.frames), begun, time.time()) for viewer in watchers.viewers]
    return done


def _report(figures: Figures, name: str, rounds: list[Round], *, noticed: str = "", back: str = "") -> None:
    if name == "stunnel_reloaded":
        figures.add(f"{name}_viewers_closed", sum(len(each.noticed) for each in rounds), "== 0")
        figures.add(f"{name}_gap_ms_max", 1000 * max(max(each.gap) for each in rounds))
        return
    for what, target in (("noticed", noticed), ("refused", "<= 1"), ("back", back)):
        seconds = [value for each in rounds for value in getattr(each, what)]
        if seconds:
            figures.add(f"{name}_{what}_s_p50", percentile(seconds, 0.5))
            figures.add(f"{name}_{what}_s_max", max(seconds), target or None)


def _leaks(figures: Figures, before: dict[str, services.Use], after: dict[str, services.Use]) -> None:
    for unit in _STEADY_UNITS:
        name = unit.partition(".")[0].partition("@")[0].rpartition("-")[2]
        earlier, later = before[unit], after[unit]
        figures.add(f"{name}_same_process", float(earlier.pid == later.pid), "== 1")
        figures.add(f"{name}_files_before", earlier.files)
        figures.add(f"{name}_files_after", later.files, f"<= {earlier.files + 2}")
        figures.add(f"{name}_tasks_before", earlier.tasks)
        figures.add(f"{name}_tasks_after", later.tasks, f"<= {earlier.tasks + 2}")
        figures.add(f"{name}_rss_mb_before", earlier.rss_mb)
        figures.add(f"{name}_rss_mb_after", later.rss_mb, f"<= {earlier.rss_mb + 20:.1f}")


def _wait(done: Callable[[], bool], problem: str) -> None:
    deadline = time.time() + _PATIENCE_S
    while not done():
        if time.time() > deadline:
            raise TimeoutError(f"{problem} within {_PATIENCE_S:g} s")
        time.sleep(_TICK_S)
