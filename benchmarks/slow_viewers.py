"""One viewer takes nothing, one reads at half the stream's rate: what another viewer notices, and what they get.

The direct path's viewers are on a LIVE555 instance of their own, so that the gateway's is left alone.
"""

from __future__ import annotations

import time
from dataclasses import replace

from benchmarks.crowd import Crowd
from benchmarks.direct import Way, direct
from benchmarks.figures import Figures
from benchmarks.gaps import between, lag, largest_gap
from benchmarks.pictures import access_units, judge
from benchmarks.streams import gateway_way, only_cameras
from benchmarks.viewer import Viewer, view
from home import Home
from simulators.echo.sdp import parse_sdp
from world import PROFILES

_RATES_MBIT = (4, 20)
# At 20 Mbit/s a keyframe in one piece is larger than what LIVE555 is built to pass.
_SLICES = 4
_SETTLE_S = 4.0
_UNDISTURBED_S = 20.0
_DISTURBED_S = 60.0
_DIRECT_DISTURBED_S = 20.0
# A device whose stream was closed asks again; the gateway closes a viewer that reads nothing for 10 s.
_STALLED_AGAIN_S = 12.0
_RECOVERY_S = 2.0
_AFTER_S = 6.0
_RECEIVE_BUFFER = 64 * 1024
_MOST_GROWTH_FRAMES = 2
_MOST_PROBLEMS = 5
# Stands for "nothing came at all".
_NEVER_S = 999.0


def run(home: Home) -> Figures:
    """Both rates, each through the gateway and without."""
    figures = Figures()
    profile = replace(PROFILES["front-porch"], slices=_SLICES)
    profiles = {f"rate-{rate}": replace(profile, bitrate_kbps=1000 * rate) for rate in _RATES_MBIT}
    with only_cameras(home, profiles):
        for rate, camera_id in zip(_RATES_MBIT, profiles, strict=True):
            _gateway(home, figures, rate, gateway_way(home, camera_id))
            with direct(home, [camera_id]) as ways:
                _direct(home, figures, rate, ways[camera_id].cold)
    return figures


def _gateway(home: Home, figures: Figures, rate: int, way: Way) -> None:
    scene = _Scene(home, way, rate, _DISTURBED_S)
    prefix, frame_s = f"gateway_{rate}_mbit_", 1 / PROFILES["front-porch"].fps
    figures.add(prefix + "undisturbed_gap_ms", 1000 * scene.undisturbed_s)
    figures.add(prefix + "disturbed_gap_ms", 1000 * scene.disturbed_s)
    growth = (scene.disturbed_s - scene.undisturbed_s) / frame_s
    figures.add(prefix + "gap_growth_frames", growth, f"<= {_MOST_GROWTH_FRAMES}")
    figures.add(prefix + "half_speed_pictures", scene.verdict.pictures, ">= 1")
    figures.add(prefix + "half_speed_cuts", scene.verdict.skips)
    figures.add(prefix + "half_speed_broken", len(scene.verdict.broken), "== 0")
    figures.add(prefix + "half_speed_undecodable", scene.undecodable, "== 0")
    figures.add(prefix + "half_speed_older_s", scene.older_s, "<= 1")
    figures.add(prefix + "closed", scene.closed, "== 0")


def _direct(home: Home, figures: Figures, rate: int, way: Way) -> None:
    scene = _Scene(home, way, rate, _DIRECT_DISTURBED_S)
    prefix = f"direct_{rate}_mbit_"
    figures.add(prefix + "undisturbed_gap_ms", 1000 * scene.undisturbed_s)
    figures.add(prefix + "disturbed_gap_ms", 1000 * scene.disturbed_s)
    figures.add(prefix + "half_speed_pictures", scene.verdict.pictures)
    figures.add(prefix + "half_speed_broken", len(scene.verdict.broken))
    figures.add(prefix + "half_speed_undecodable", scene.undecodable)
    figures.add(prefix + "half_speed_older_s", scene.older_s)
    figures.add(prefix + "closed", scene.closed)


class _Scene:
    """One run: an ordinary viewer, then beside it one that stalls and one at half speed."""

    def __init__(self, home: Home, way: Way, rate_mbit: int, disturbed_s: float) -> None:
        self._address, self._roots_pem = home.appliance.address, home.roots_pem
        with Crowd() as crowd:
            ordinary = crowd.add(self._view(way))
            time.sleep(_SETTLE_S)
            self.undisturbed_s = _largest_gap_during(ordinary, _UNDISTURBED_S)
            stalled = self._stall(crowd, way)
            half = self._view(way, receive_buffer=_RECEIVE_BUFFER, keep=True)
            half.rate = rate_mbit * 1e6 / 8 / 2
            crowd.add(half)
            self.disturbed_s = 0.0
            left = disturbed_s
            while left > 0:
                span = min(left, _STALLED_AGAIN_S)
                self.disturbed_s = max(self.disturbed_s, _largest_gap_during(ordinary, span))
                left -= span
                crowd.drop(stalled)
                if left > 0:
                    stalled = self._stall(crowd, way)
            recovered = time.time()
            half.rate = None
            time.sleep(_AFTER_S)
            self.closed = sum(viewer.closed_at is not None for viewer in (ordinary, half))
            handed = between(half.marks.frames, recovered + _RECOVERY_S)
            self.older_s = _NEVER_S
            if handed:
                self.older_s = lag(handed, 1) - lag(between(ordinary.marks.frames, recovered), 0.5)
        assert half.kept is not None
        video = next(track for track in parse_sdp(half.sdp).tracks if track.media == "video")
        self.verdict = judge(access_units(half.kept), video.parameter_sets)
        for problem in self.verdict.broken[:_MOST_PROBLEMS]:
            print(f"  half speed, {way.uri.rpartition('/')[0]}: {problem}")
        self.undecodable = self.verdict.pictures - self.verdict.shown
        if self.verdict.complaint:
            print(f"  half speed, {way.uri.rpartition('/')[0]}: {self.verdict.complaint[:500]}")
            self.undecodable = max(1, self.undecodable)

    def _view(self, way: Way, *, receive_buffer: int | None = None, keep: bool = False) -> Viewer:
        return view(way, address=self._address, roots_pem=self._roots_pem, receive_buffer=receive_buffer, keep=keep)

    def _stall(self, crowd: Crowd, way: Way) -> Viewer:
        viewer = self._view(way, receive_buffer=_RECEIVE_BUFFER)
        viewer.rate = 0
        return crowd.add(viewer)


def _largest_gap_during(viewer: Viewer, seconds: float) -> float:
    begin = time.time()
    time.sleep(seconds)
    return largest_gap(list(viewer.marks.frames), begin, time.time())
