"""Session descriptions (RFC 4566): read from LIVE555, written for viewers."""

import re
from dataclasses import dataclass, field

from alexa_ip_cam.gateway.h264 import ParameterSets

VIDEO_TYPE = 96
VIDEO_RATE = 90000

# The rates that stagefright packs into ADTS headers; others make it abort.
_AAC_RATES = {96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000}
# Types with a fixed number need no rtpmap upstream (RFC 3551 section 6).
_STATIC = {0: ("PCMU", 8000, ""), 8: ("PCMA", 8000, "")}


@dataclass(slots=True)
class Media:
    """One m= section.

    Attributes:
        kind: ``video``, ``audio`` or another word.
        payload_type: of its first format.
        encoding: the codec's name in upper case, empty when unknown.
        rate: ticks per second.
        channels: what rtpmap says behind the rate, with its slash; empty for one channel.
        format: the parameters of fmtp as they stood.
        control: the value of its a=control.
    """

    kind: str
    payload_type: int
    encoding: str = ""
    rate: int = 0
    channels: str = ""
    format: str = ""
    control: str = ""

    def parameters(self) -> dict[str, str]:
        """The fmtp parameters, names in lower case."""
        found = {}
        for part in self.format.split(";"):
            name, _, value = part.partition("=")
            found[name.strip().lower()] = value.strip()
        return found

    @property
    def is_h264(self) -> bool:
        """Whether it is the kind of video that Alexa devices show."""
        return self.kind == "video" and self.encoding == "H264" and self.rate == VIDEO_RATE

    @property
    def is_playable_sound(self) -> bool:
        """Whether an Echo's player takes it: G.711, or AAC in the mode and at a rate it knows."""
        if self.kind != "audio":
            return False
        if self.encoding in {"PCMU", "PCMA"}:
            return self.rate == 8000 and self.channels in {"", "/1"}
        if self.encoding != "MPEG4-GENERIC" or self.rate not in _AAC_RATES:
            return False
        parameters = self.parameters()
        return (
            parameters.get("mode", "").lower() in {"aac-hbr", "aac-lbr"}
            and re.fullmatch(r"(?:[0-9A-Fa-f]{2}){2,64}", parameters.get("config", "")) is not None
            and re.fullmatch(r"[1-9][0-9]?", parameters.get("sizelength", "")) is not None
            and all(parameters.get(name, "").isdecimal() for name in ("indexlength", "indexdeltalength"))
        )


@dataclass(slots=True)
class Description:
    """What LIVE555 offers: the session's control URL and its media, in order."""

    control: str = ""
    media: list[Media] = field(default_factory=list)


def parse(text: str) -> Description:
    """Read a description; lines that are not understood are passed over."""
    description = Description()
    current: Media | None = None
    for raw in text.splitlines():
        line = raw.strip()
        if match := re.match(r"m=([a-z]+) [0-9/]+ \S+ ([0-9]{1,3})\b", line, re.ASCII):
            number = int(match[2])
            encoding, rate, channels = _STATIC.get(number, ("", 0, ""))
            current = Media(match[1], number, encoding, rate, channels)
            description.media.append(current)
        elif line.startswith("m="):
            current = Media("", 0)  # takes the attributes of a section nobody can use
        elif match := re.match(r"a=control:(.*)", line):
            if current is None:
                description.control = match[1].strip()
            else:
                current.control = match[1].strip()
        elif current is not None:
            _attribute(current, line)
    return description


def _attribute(media: Media, line: str) -> None:
    prefix = rf"a=(rtpmap|fmtp):{media.payload_type}\s+(.*)"
    match = re.match(prefix, line)
    if match is None:
        return
    if match[1] == "fmtp":
        media.format = match[2].strip()
    elif parts := re.match(r"([A-Za-z0-9_.+-]+)/([0-9]{1,7})(/[0-9]{1,2})?", match[2], re.ASCII):
        media.encoding, media.rate, media.channels = parts[1].upper(), int(parts[2]), parts[3] or ""


def sound_type(sound: Media) -> int:
    """The payload type that we announce the sound with."""
    return {"PCMU": 0, "PCMA": 8}.get(sound.encoding, 97)


def write(camera_id: str, session_id: int, sets: ParameterSets, sound: Media | None) -> bytes:
    """The description for viewers.

    What an Echo's player needs (docs/gateway.md): no a=range, rtpmap for every track, padded parameter sets with the
    SPS first, a relative control for each track, and every line ended.

    Args:
        camera_id: names the session.
        session_id: a number for the origin line.
        sets: the stream's parameter sets, complete.
        sound: the sound to announce, if any.
    """
    parameters = f"packetization-mode=1;profile-level-id={sets.profile_level_id};sprop-parameter-sets={sets.sprop}"
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN IP4 127.0.0.1",
        f"s={camera_id}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        f"m=video 0 RTP/AVP {VIDEO_TYPE}",
        f"a=rtpmap:{VIDEO_TYPE} H264/{VIDEO_RATE}",
        f"a=fmtp:{VIDEO_TYPE} {parameters}",
        "a=control:track1",
    ]
    if sound is not None:
        number = sound_type(sound)
        lines.append(f"m=audio 0 RTP/AVP {number}")
        lines.append(f"a=rtpmap:{number} {sound.encoding}/{sound.rate}{sound.channels}")
        if sound.encoding == "MPEG4-GENERIC":
            lines.append(f"a=fmtp:{number} {_aac_format(sound)}")
        lines.append("a=control:track2")
    return "".join(line + "\r\n" for line in lines).encode("ascii")


def _aac_format(sound: Media) -> str:
    """Only what is needed, in the letters of RFC 3640 section 4.1: not every player ignores case."""
    found = sound.parameters()
    mode = {"aac-hbr": "AAC-hbr", "aac-lbr": "AAC-lbr"}[found["mode"].lower()]
    lengths = ";".join(f"{name}={found[name.lower()]}" for name in ("sizeLength", "indexLength", "indexDeltaLength"))
    return f"streamtype=5;profile-level-id=1;mode={mode};config={found['config']};{lengths}"
