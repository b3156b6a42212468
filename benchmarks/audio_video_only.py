"""Only the picture of a camera that has sound too: no slower than a camera without.

LIVE555 alone holds PLAY back for about 5 s when a viewer sets fewer tracks up than the camera offers.
"""

from __future__ import annotations

import time

from benchmarks.crowd import Crowd
from benchmarks.direct import Way, direct
from benchmarks.figures import Figures, percentile
from benchmarks.streams import gateway_way
from benchmarks.viewer import view
from home import Home

_SILENT, _AUDIBLE = "front-porch", "driveway"
_JOINS = 15
_DIRECT_JOINS = 3
# Two cameras' keyframes differ in size; a wait for a track that nobody asked for is seconds.
_MOST_SLOWER_MS = 20
_PATIENCE_S = 20.0


def run(home: Home) -> Figures:
    """The two cameras take turns."""
    figures = Figures()
    taken: dict[str, list[float]] = {_SILENT: [], _AUDIBLE: []}
    for _ in range(_JOINS):
        for camera_id, values in taken.items():
            values.append(_first_picture_ms(home, gateway_way(home, camera_id)))
    medians = {camera_id: percentile(values, 0.5) for camera_id, values in taken.items()}
    figures.add("gateway_silent_p50_ms", medians[_SILENT])
    figures.add("gateway_video_only_p50_ms", medians[_AUDIBLE])
    figures.add("gateway_video_only_max_ms", max(taken[_AUDIBLE]))
    figures.add("gateway_slower_ms", medians[_AUDIBLE] - medians[_SILENT], f"<= {_MOST_SLOWER_MS}")
    for name, camera_id in (("silent", _SILENT), ("video_only", _AUDIBLE)):
        direct_ms = [_direct_first_frame_ms(home, camera_id) for _ in range(_DIRECT_JOINS)]
        figures.add(f"direct_{name}_p50_ms", percentile(direct_ms, 0.5))
    return figures


def _first_picture_ms(home: Home, way: Way) -> float:
    return home.echo(way.uri, port=way.port, media=frozenset({"video"})).steps_ms["first_picture"]


def _direct_first_frame_ms(home: Home, camera_id: str) -> float:
    """From a LIVE555 instance that no one has used yet, because it waits when it starts the camera.

    Without the player's checks: LIVE555's RTP-Info names the track that was not set up, which an Echo dies of.
    """
    with direct(home, [camera_id]) as ways, Crowd() as crowd:
        way = ways[camera_id].cold
        begun = time.time()
        viewer = crowd.add(view(way, address=home.appliance.address, roots_pem=home.roots_pem))
        while not viewer.marks.frames:
            if time.time() - begun > _PATIENCE_S:
                raise TimeoutError(f"no picture from {way.uri} within {_PATIENCE_S:g} s")
            time.sleep(0.005)
        return 1000 * (viewer.marks.frames[0].at - begun)
