"""How many viewers it takes until pictures suffer on this machine, with and without the gateway.

The machine plays cameras and viewers as well, so the figures are good for comparing the two ways. Pictures suffer
when a viewer sees one stand still for more than a second, gets them more than a second late, or is refused.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence

from benchmarks.crowd import Crowd
from benchmarks.direct import Way, direct
from benchmarks.figures import Figures
from benchmarks.gaps import Frame, between, lag, largest_gap
from benchmarks.load import CAMERAS, profiles
from benchmarks.services import GATEWAY
from benchmarks.streams import gateway_way, only_cameras
from benchmarks.viewer import RefusedError, view
from home import Home

_STEP = 16
_MOST = 200
_SETTLE_S = 2.0
_STEP_S = 4.0
_LONGEST_GAP_S = 1.0
_MOST_LAG_S = 1.0
_CONFIG = "/etc/alexa-ip-cam/gateway.json"
# Above what this benchmark tries, so that it finds the machine's limit and not the configured one.
_LIMITS = {"max_connections": 1024, "max_viewers": 1024}


def run(home: Home) -> Figures:
    """First with the gateway, then straight from LIVE555, on the same eight cameras."""
    figures = Figures()
    cameras = list(profiles())
    with only_cameras(home, profiles()):
        time.sleep(_SETTLE_S)
        with _without_limits(home):
            reached, why = _raise(home, lambda number: gateway_way(home, cameras[number % CAMERAS]))
        print(f"  with the gateway: {why}")
        figures.add("gateway_viewers", reached, ">= 16")
        with direct(home, cameras) as ways:
            reached, why = _raise(home, lambda number: ways[cameras[number % CAMERAS]].warm)
        print(f"  without: {why}")
        figures.add("direct_viewers", reached)
    return figures


def _raise(home: Home, way: Callable[[int], Way]) -> tuple[int, str]:
    """The largest number of viewers that all saw well, and what happened with more."""
    well = 0
    roots_pem = home.roots_pem
    with Crowd() as crowd:
        while well < _MOST:
            try:
                for number in range(len(crowd.viewers), len(crowd.viewers) + _STEP):
                    crowd.add(view(way(number), address=home.appliance.address, roots_pem=roots_pem))
            except (RefusedError, OSError) as error:
                return well, f"viewer {len(crowd.viewers) + 1}: {error}"
            time.sleep(_SETTLE_S)
            begun = time.time()
            time.sleep(_STEP_S)
            seen = [list(viewer.marks.frames) for viewer in crowd.viewers]
            trouble = suffering(seen, begun, time.time()) or _lost(crowd)
            if trouble:
                return well, f"{len(crowd.viewers)} viewers: {trouble}"
            well = len(crowd.viewers)
    return well, f"no trouble up to {well}"


def suffering(seen: Sequence[Sequence[Frame]], since: float, until: float) -> str:
    """What is wrong with the pictures that viewers got in this time; empty when nothing is."""
    gap = max(largest_gap(frames, since, until) for frames in seen)
    if gap > _LONGEST_GAP_S:
        return f"a picture stood still for {gap:.1f} s"
    late = max(lag(between(frames, since, until), 0.5) for frames in seen)
    if late > _MOST_LAG_S:
        return f"pictures came {late:.1f} s late"
    return ""


def _lost(crowd: Crowd) -> str:
    lost = len(crowd.viewers) - len(crowd.open)
    return f"{lost} were closed" if lost else ""


@contextlib.contextmanager
def _without_limits(home: Home) -> Iterator[None]:
    """Let the gateway take as many viewers as come; its own configuration again at the end."""
    configured = home.appliance.read(_CONFIG)
    document = {**json.loads(configured), **_LIMITS}
    _configure(home, json.dumps(document).encode())
    try:
        yield
    finally:
        _configure(home, configured)


def _configure(home: Home, content: bytes) -> None:
    home.appliance.run(["sh", "-c", f"cat > {_CONFIG}"], input=content.decode())
    home.appliance.run(["systemctl", "restart", GATEWAY])
    time.sleep(_SETTLE_S)
