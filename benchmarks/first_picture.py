"""From the TCP connect to the first complete keyframe: through the gateway, and straight from LIVE555.

Joins at random moments, the three ways taking turns in one run, because the machines are noisy.
"""

from __future__ import annotations

import random
import time

from benchmarks.direct import Way, direct
from benchmarks.figures import Figures, percentile
from home import Home

_JOINS = {"front-porch": 50, "side-gate": 10, "back-garden": 10}
# Long enough that LIVE555 has paused the camera after its last viewer left.
_SHORTEST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 1.5


def run(home: Home) -> Figures:
    """Measure; the camera of the ancestor's profile gives the figures with targets."""
    figures = Figures()
    with direct(home, list(_JOINS)) as ways, home.alexa() as alexa:
        alexa.discover()
        for camera_id, joins in _JOINS.items():
            endpoint = alexa.find(camera_id.replace("-", " "))
            taken: dict[str, list[float]] = {"gateway": [], "direct_warm": [], "direct_cold": []}
            for _ in range(joins):
                turns = {
                    "gateway": Way(alexa.show(endpoint).uri, 443),
                    "direct_warm": ways[camera_id].warm,
                    "direct_cold": ways[camera_id].cold,
                }
                for name, way in turns.items():
                    time.sleep(random.uniform(_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S))  # noqa: S311  # no secret
                    taken[name].append(home.echo(way.uri, port=way.port).steps_ms["first_picture"])
            _add(figures, camera_id, taken)
    return figures


def _add(figures: Figures, camera_id: str, taken: dict[str, list[float]]) -> None:
    main = camera_id == "front-porch"
    prefix = "" if main else camera_id.replace("-", "_") + "_"
    targets = {"gateway_p50_ms": "<= 60", "gateway_p95_ms": "<= 150", "ratio_cold": ">= 20", "ratio_warm": ">= 20"}

    def add(name: str, value: float) -> None:
        figures.add(prefix + name, value, targets.get(name) if main else None)

    medians = {name: percentile(values, 0.5) for name, values in taken.items()}
    for name, values in taken.items():
        add(f"{name}_p50_ms", medians[name])
        add(f"{name}_p95_ms", percentile(values, 0.95))
        add(f"{name}_max_ms", max(values))
    add("ratio_warm", medians["direct_warm"] / medians["gateway"])
    add("ratio_cold", medians["direct_cold"] / medians["gateway"])
