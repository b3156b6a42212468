"""Where the recordings of a camera come from: one class for each kind of recorder, chosen in the inventory."""

from collections.abc import Callable, Mapping

from alexa_ip_cam.events.recording import Source
from alexa_ip_cam.events.sources.axis import AxisSource
from alexa_ip_cam.events.sources.block import Block, SourceError
from alexa_ip_cam.events.sources.command import CommandSource
from alexa_ip_cam.events.sources.directory import DirectorySource
from alexa_ip_cam.events.sources.zoneminder import ZoneMinderSource

__all__ = ["SourceError", "make_source"]

_TYPES: Mapping[str, Callable[[str, Block], Source]] = {
    "axis": AxisSource,
    "command": CommandSource,
    "directory": DirectorySource,
    "zoneminder": ZoneMinderSource,
}


def make_source(camera_id: str, block: Mapping[str, object]) -> Source:
    """The source of a camera's recordings. Nothing is read yet; what it names need not be there.

    Args:
        camera_id: the camera.
        block: its `recordings:` block, as docs/design.md describes it.

    Raises:
        SourceError: the block is wrong; the message names the camera, the option and the mend.
    """
    options = Block(camera_id, block)
    return _TYPES[options.choice("type", tuple(_TYPES))](camera_id, options)
