"""What the Alexa app shows of a camera: its picture, and whether it can be reached."""

from __future__ import annotations

import time
from pathlib import Path

from demo.recordings import changes, fetch, wait_for
from demo.report import Report
from demo.stages import Stages
from home import Home
from home.cloud import Cloud
from simulators.amazon.alexa import Alexa, Endpoint
from simulators.amazon.event_gateway import Accepted

_CAMERA = "side-gate"
_PATIENCE_S = 30.0


def take_away(home: Home) -> float:
    """Switch a camera off; gives the monotonic time. Alexa hears of it when it has been away for a minute."""
    home.world.stop_camera(_CAMERA)
    return time.monotonic()


def show_states(
    home: Home, cloud: Cloud, alexa: Alexa, stages: Stages, report: Report, *, gone_at: float, directory: Path
) -> None:
    """Fetch a snapshot, see that the camera is told to be away, and bring it back."""
    with stages.stage("states", "what the Alexa app shows; one camera is off, and comes back"):
        snapshot = directory / "front-porch-snapshot.jpg"
        snapshot.write_bytes(fetch(home, alexa.snapshot(alexa.find("the front porch camera")).uri))
        gate = alexa.find("the side gate camera")
        gone = wait_for(cloud, lambda message: message.at > gone_at and _tells(message, gate, "UNREACHABLE"))
        _wait_state(alexa, gate, "UNREACHABLE")
        back_at = time.monotonic()
        home.world.start_camera(_CAMERA)
        back = wait_for(cloud, lambda message: message.at > back_at and _tells(message, gate, "OK"))
        _wait_state(alexa, gate, "OK")
    gone_s, back_s = gone.at - gone_at, back.at - back_at
    report.states = {"snapshot": snapshot.name, "gone_s": round(gone_s, 1), "back_s": round(back_s, 1)}
    print(f"   side gate off: Alexa knows after {gone_s:.1f} s; on again: after {back_s:.1f} s", flush=True)


def _tells(message: Accepted, endpoint: Endpoint, connectivity: str) -> bool:
    told = changes(message).get("connectivity")
    return message.endpoint_id == endpoint.endpoint_id and told == {"value": connectivity}


def _wait_state(alexa: Alexa, endpoint: Endpoint, connectivity: str) -> None:
    """The skill has it from the store, which is written beside the message."""
    deadline = time.monotonic() + _PATIENCE_S
    while alexa.report_state(endpoint).connectivity != connectivity:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the skill does not report {connectivity} within {_PATIENCE_S:g} s")
        time.sleep(0.1)
