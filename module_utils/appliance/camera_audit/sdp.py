"""The parts of a session description (RFC 4566) that the audit needs."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re

_STATIC = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 14: ("MPA", 90000), 26: ("JPEG", 90000), 33: ("MP2T", 90000)}
"""Payload types that need no a=rtpmap (RFC 3551, tables 4 and 5)."""

_MOST_TRACKS = 16


@dataclasses.dataclass
class Track:
    """One m= part: kind, payload type, codec in capitals, clock rate in Hz, control URL, fmtp parameters."""

    kind: str
    payload_type: int
    codec: str = ""
    rate: int = 0
    control: str = ""
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)

    def parameter_sets(self) -> list[bytes]:
        """SPS and PPS of H.264 (sprop-parameter-sets, RFC 6184, 8.1); what is no base64 is left out."""
        found = []
        for text in self.parameters.get("sprop-parameter-sets", "").split(","):
            try:
                found.append(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
            except (binascii.Error, ValueError):
                continue
        return [nal for nal in found if nal]


def parse(text: str) -> list[Track]:
    """The tracks; lines that make no sense are left out."""
    tracks: list[Track] = []
    for line in re.split(r"[\r\n]+", text):
        if line.startswith("m=") and len(tracks) < _MOST_TRACKS:
            words = line[2:].split()
            number = int(words[3]) if len(words) > 3 and re.fullmatch(r"[0-9]{1,3}", words[3]) else -1
            codec, rate = _STATIC.get(number, ("", 0))
            tracks.append(Track(words[0].lower() if words else "", number, codec, rate))
        elif tracks and line.startswith("a="):
            _attribute(tracks[-1], line[2:])
    return tracks


def _attribute(track: Track, text: str) -> None:
    name, _, value = text.partition(":")
    number, _, rest = value.strip().partition(" ")
    if name == "control":
        track.control = value.strip()
    elif number != str(track.payload_type):
        return
    elif name == "rtpmap":
        codec, _, rate = rest.strip().partition("/")
        track.codec = codec.strip().upper()
        match = re.match(r"[0-9]{1,7}", rate)
        track.rate = int(match[0]) if match else 0
    elif name == "fmtp":
        for pair in rest.split(";"):
            key, _, setting = pair.strip().partition("=")
            track.parameters[key.lower()] = setting.strip()
