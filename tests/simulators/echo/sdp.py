"""The session description as the player parses it: what it takes, skips, and dies of (RFC 4566, and the player)."""

import re
from dataclasses import dataclass, field

from simulators.echo.codecs import Format, parameter_sets, parse_fmtp, refusal
from simulators.echo.fatal import FatalCheck
from simulators.echo.versions import ANDROID_7, Version

_PAYLOAD_TYPE_KEYED = re.compile(r"(?:rtpmap|fmtp|framesize):")


@dataclass(frozen=True, slots=True)
class Track:
    """One media line.

    ``index`` counts media lines from 1. ``refused`` is why the player skips it, ``""`` when it takes it.
    """

    index: int
    media: str
    payload_type: int
    control: str
    form: Format
    refused: str

    @property
    def parameter_sets(self) -> list[bytes]:
        """NAL units of ``sprop-parameter-sets``, SPS first; empty for other codecs."""
        return parameter_sets(self.form)


@dataclass(frozen=True, slots=True)
class ActiveTrack:
    """A track that was set up: RTP comes on ``channel``, RTCP on ``channel + 1``."""

    track: Track
    channel: int
    url: str

    @property
    def scale(self) -> int:
        """RTP ticks per second."""
        return self.track.form.rate


@dataclass(frozen=True, slots=True)
class Sdp:
    """A parsed description. ``live`` is False when the player takes the stream for a film it may pause."""

    text: str
    control: str | None
    live: bool
    tracks: tuple[Track, ...]


@dataclass(slots=True)
class _Section:
    """The session part or one media part: attributes by name; of equal names the last wins."""

    media_line: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


def parse_sdp(body: bytes, version: Version = ANDROID_7) -> Sdp:
    """Parse the body of a DESCRIBE answer. Raises ``FatalCheck`` where the player gives up or crashes."""
    text = body.decode("latin-1")
    sections = _split(text)
    session = sections[0].attributes
    return Sdp(
        text=text,
        control=session.get("control"),
        live=_is_live(session, version),
        tracks=tuple(_track(number, part, version) for number, part in enumerate(sections[1:], start=1)),
    )


def _split(text: str) -> list[_Section]:
    sections = [_Section()]
    lines = text.split("\n")[:-1]  # the player loses a last line without a line feed
    if not lines:
        raise FatalCheck("empty session description")
    for raw in lines:
        line = raw.removesuffix("\r")
        if len(line) < 2 or line[1] != "=":
            raise FatalCheck(f"SDP line {line!r} is not <letter>=<value>")
        kind, value = line[0], line[2:]
        if kind == "v" and value != "0":
            raise FatalCheck(f"SDP version {value!r} is not 0")
        if kind == "m":
            sections.append(_Section(media_line=value))
        elif kind == "a":
            name, value = _attribute(value)
            sections[-1].attributes[name] = value
    return sections


def _attribute(text: str) -> tuple[str, str]:
    if _PAYLOAD_TYPE_KEYED.match(text):
        name, blank, value = text.partition(" ")
        if not blank:
            raise FatalCheck(f"a={text}: no blank after the payload type")
        return name, value
    name, _, value = text.partition(":")
    return name, value


def _is_live(session: dict[str, str], version: Version) -> bool:
    if session.get("LiveStream", "").endswith("1"):
        return True
    value = session.get("range", "")
    if version.range_with_colon and value.startswith("npt:"):
        value = "npt=" + value[4:]
    return re.match(r"npt=\s*[0-9.]+\s*-", value) is None


def _track(index: int, section: _Section, version: Version) -> Track:
    attributes = section.attributes
    words = section.media_line.split(" ")
    if not words[-1].isdecimal():
        raise FatalCheck(f"m={section.media_line}: the last word is no payload type")
    payload_type = int(words[-1])
    rtpmap = attributes.get(f"rtpmap:{payload_type}")
    if rtpmap is None and version.needs_rtpmap:
        raise FatalCheck(f"m={section.media_line} without a=rtpmap:{payload_type}")
    form = _format(rtpmap or "", payload_type, attributes)
    refused = refusal(form, version) if rtpmap else f"no a=rtpmap:{payload_type}"
    control = attributes.get("control")
    if control is None and not refused:
        raise FatalCheck(f"m={section.media_line} without a=control")
    return Track(index, words[0], payload_type, control or "", form, refused)


def _format(rtpmap: str, payload_type: int, attributes: dict[str, str]) -> Format:
    codec, _, rest = rtpmap.partition("/")
    rate, _, channels = rest.partition("/")
    if rtpmap and not (rate.isdecimal() and int(rate) > 0):
        raise FatalCheck(f"a=rtpmap:{payload_type} {rtpmap}: no clock rate")
    return Format(
        codec=codec,
        rate=int(rate or 0),
        channels=int(channels) if channels.isdecimal() else 1,
        fmtp=parse_fmtp(attributes.get(f"fmtp:{payload_type}", "")),
        framesize=attributes.get(f"framesize:{payload_type}"),
    )
