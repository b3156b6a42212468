"""What is made of a recording, and who makes it."""

from typing import NamedTuple, Protocol

from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.media_id import Media


class Clip(NamedTuple):
    """A finished clip, in its place below the directory that Apache serves."""

    media: Media
    identity: str
    """The media id: `media_id.media_id` of `media`."""
    size: int
    """Bytes."""


class ClipError(Exception):
    """No clip was made; the message says why, for the owner.

    Args:
        reason: one line.
        permanent: whether trying again is of no use: the recording itself is at fault.
    """

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


class ClipMaker(Protocol):
    """Makes clips. Called from several threads at once, for different cameras."""

    def make(self, recording: Recording) -> Clip:
        """Make the clip, or find it made already. The recording's own files stay as they are.

        Raises:
            ClipError: as it says.
        """
