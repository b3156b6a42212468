"""What several tests of the running appliance need."""

from __future__ import annotations

import dataclasses

from home import Home, Recap
from simulators.echo.watch import Watch
from world import sei


@dataclasses.dataclass(frozen=True)
class Runs:
    """The first three runs of site.yml on one machine."""

    check: Recap
    first: Recap
    second: Recap


def show(home: Home, camera_id: str, seconds: float | None = None, *, sign_streams: bool = True) -> Watch:
    """Ask Alexa for a camera and watch it."""
    name = next(camera["name"] for camera in home.inventory.cameras if camera["id"] == camera_id)
    with home.alexa(sign_streams=sign_streams) as alexa:
        alexa.discover()
        stream = alexa.show(alexa.find(f"the {name.lower()} camera"))
    return home.echo(stream.uri, seconds=seconds)


def marked(nals: list[bytes] | tuple[bytes, ...]) -> int | None:
    """The number that the camera wrote into the picture."""
    return next((found[0] for found in map(sei.parse, nals) if found is not None), None)
