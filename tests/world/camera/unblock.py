"""Keeps a stream going that GStreamer's RTSP server has left standing.

When a viewer's connection breaks while pictures are on their way to it, the server (1.22) may wait for a word from that
connection before it takes the next picture, for everybody, until its next RTCP report up to 5 s later. No real camera
does; and here it would look as if whoever watches were slow to come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# A source this full has not been read for as long.
_FULL_TICKS = 2


class Unblocker:
    """Looks after one media; call `tick()` a few times a second.

    Args:
        element: the media's own element, whose pipeline also holds the sinks that the server takes packets from.
        sources: its application sources.
        full: how many units wait in a source that nobody reads.
    """

    def __init__(self, element: Any, sources: Sequence[Any], full: int) -> None:
        self._element = element
        self._sources = sources
        self._full = full
        self._ticks = 0

    def tick(self) -> bool:
        """Let the sinks take another buffer, which makes the server look at them again, where a source stays full."""
        full = any(source.get_property("current-level-buffers") >= self._full for source in self._sources)
        self._ticks = self._ticks + 1 if full else 0
        if self._ticks >= _FULL_TICKS:
            for sink in self._sinks():
                sink.set_property("max-buffers", 3 - sink.get_property("max-buffers"))
        return True  # and again

    def _sinks(self) -> list[Any]:
        pipeline = self._element.get_parent()
        elements = [] if pipeline is None else pipeline.children
        # The server's own for RTP over TCP hold one buffer; the ones for RTCP hold as many as come.
        return [
            element
            for element in elements
            if element.get_factory().get_name() == "appsink" and element.get_property("max-buffers") in (1, 2)
        ]
