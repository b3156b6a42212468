"""What a request asks for: the camera, token and track in its URI, and the channels in its Transport header."""

import re
from dataclasses import dataclass
from typing import NamedTuple

_URI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*))?(/[^?#]*)?(?:[?#].*)?")
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_TRACK = re.compile(r"/(track[0-9]{1,3})/*$")
_CHANNELS = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True)
class Target:
    """A request URI taken apart.

    Attributes:
        authority: host and port as asked for, or None when there was nothing fit to be repeated.
        camera_id: the first segment of the path.
        token: the second segment, empty when there is none.
        track: the track's name, or empty for the whole stream.
        plain: whether there is nothing else in the path.
    """

    authority: str | None
    camera_id: str
    token: str
    track: str
    plain: bool

    @property
    def path(self) -> str:
        """Camera and token, as they stood in the path."""
        return f"{self.camera_id}/{self.token}" if self.token else self.camera_id


def parse_uri(uri: str) -> Target | None:
    """Take a request URI apart; None when it is none.

    Host, scheme and query are ignored. A track's name is found at the end of the whole, because players append it
    behind a query too; slashes at the end mean nothing.
    """
    match = _URI.fullmatch(uri)
    if match is None or (match[1] is None and match[2] is None):
        return None
    authority, path = match[1], match[2] or ""
    if authority is not None:
        authority = authority.rpartition("@")[2]  # a user name is of no use here
    track = _TRACK.search(uri)
    name = track[1] if track else ""
    segments = [segment for segment in path.split("/") if segment]
    if name and segments and segments[-1] == name:
        segments.pop()
    fit = authority is not None and _AUTHORITY.fullmatch(authority) is not None
    return Target(
        authority=authority if fit else None,
        camera_id=segments[0] if segments else "",
        token=segments[1] if len(segments) > 1 else "",
        track=name,
        plain=len(segments) <= 2,
    )


class Channels(NamedTuple):
    """Interleaved channels of one track; both None when the client leaves the choice to the server."""

    rtp: int | None
    rtcp: int | None


def parse_transport(value: str) -> Channels | None:
    """The first interleaved transport that a Transport header offers (RFC 2326 section 12.39).

    Returns:
        None when it offers none that this server speaks: UDP, multicast, recording or impossible channels.
    """
    for offer in value.split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name.upper() != "RTP/AVP/TCP":
            continue
        fields = {}
        for parameter in parameters:
            key, _, text = parameter.partition("=")
            fields[key.strip().lower()] = text.strip().strip('"')
        if "multicast" in fields or fields.get("mode", "play").upper() != "PLAY":
            continue
        if "interleaved" not in fields:
            return Channels(None, None)
        match = _CHANNELS.fullmatch(fields["interleaved"])
        if match is None:
            continue
        rtp = int(match[1])
        rtcp = int(match[2]) if match[2] else rtp + 1
        if rtp != rtcp and rtp < 256 and rtcp < 256:
            return Channels(rtp, rtcp)
    return None
