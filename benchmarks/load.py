"""Eight cameras of 4 Mbit/s with sixteen viewers: what it costs, and the longest that a picture stood still."""

from __future__ import annotations

import time
from dataclasses import replace

from benchmarks import services
from benchmarks.crowd import Crowd
from benchmarks.figures import Figures, percentile
from benchmarks.gaps import between, lag, largest_gap
from benchmarks.options import option
from benchmarks.streams import gateway_way, only_cameras
from benchmarks.viewer import view
from home import Home
from world import PROFILES, Profile

CAMERAS = 8
_VIEWERS = 16
_SECONDS = 300.0
_SETTLE_S = 6.0
_MOST_TIMES_LIVE555 = 2


def profiles() -> dict[str, Profile]:
    """The cameras by id."""
    profile = replace(PROFILES["front-porch"], bitrate_kbps=4000)
    return {f"load-{number}": profile for number in range(1, CAMERAS + 1)}


def run(home: Home) -> Figures:
    """Two viewers on each camera."""
    figures = Figures()
    seconds = option("BENCH_LOAD_S", _SECONDS)
    cameras = list(profiles())
    live555 = [services.live555(camera_id) for camera_id in cameras]
    units = [services.GATEWAY, services.STUNNEL, *live555]
    with only_cameras(home, profiles()), Crowd() as crowd:
        time.sleep(_SETTLE_S)
        address, roots_pem = home.appliance.address, home.roots_pem
        for number in range(_VIEWERS):
            way = gateway_way(home, cameras[number % CAMERAS])
            crowd.add(view(way, address=address, roots_pem=roots_pem))
        time.sleep(_SETTLE_S)
        begun, before, reading = time.time(), services.use(home.appliance, units), crowd.cpu_s
        time.sleep(seconds)
        after, ended = services.use(home.appliance, units), time.time()
        seconds = ended - begun
        share = services.cpu_share(before, after, [services.GATEWAY], seconds)
        share_live555 = services.cpu_share(before, after, live555, seconds)
        figures.add("gateway_cpu_share", share)
        figures.add("live555_cpu_share", share_live555)
        figures.add("stunnel_cpu_share", services.cpu_share(before, after, [services.STUNNEL], seconds))
        figures.add("gateway_to_live555_cpu", share / share_live555, f"<= {_MOST_TIMES_LIVE555}")
        figures.add("viewers_cpu_share", (crowd.cpu_s - reading) / seconds)
        figures.add("gateway_rss_mb", after[services.GATEWAY].rss_mb)
        figures.add("live555_rss_mb", sum(after[unit].rss_mb for unit in live555))
        figures.add("stunnel_rss_mb", after[services.STUNNEL].rss_mb)
        frames = [between(list(viewer.marks.frames), begun, ended) for viewer in crowd.viewers]
        gaps = [largest_gap(each, begun, ended) for each in frames]
        figures.add("largest_gap_ms_p50", 1000 * percentile(gaps, 0.5))
        figures.add("largest_gap_ms_max", 1000 * max(gaps), "<= 1000")
        figures.add("lag_ms_p50", 1000 * percentile([lag(each, 0.5) for each in frames], 0.5))
        figures.add("lag_ms_p99", 1000 * max(lag(each, 0.99) for each in frames))
        figures.add("pictures_per_viewer_and_s", min(len(each) for each in frames) / seconds)
        figures.add("viewers_lost", _VIEWERS - len(crowd.open), "== 0")
    return figures
