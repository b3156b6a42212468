"""Which codecs the player takes, and what it wants to read about them in the SDP.

Each check gives the reason why the track is refused (the player goes on with the next one), or ``""``; what crashes
the player raises ``FatalCheck``.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.echo.fatal import FatalCheck
from simulators.echo.versions import Version

SPS = 7
PPS = 8
_ADTS_RATES = frozenset((8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000))
_SHORTEST_LATM_CONFIG = 4


@dataclass(frozen=True, slots=True)
class Format:
    """A media line's ``a=rtpmap`` and ``a=fmtp``: codec name, clock rate in Hz, channels, parameters."""

    codec: str
    rate: int
    channels: int
    fmtp: Mapping[str, str]
    framesize: str | None


def parse_fmtp(text: str) -> dict[str, str]:
    """``a=1;b=2`` as a mapping; names keep their case, as the player compares them."""
    pairs = (item.strip().partition("=") for item in text.split(";"))
    return {name: value for name, equals, value in pairs if equals}


def parameter_sets(form: Format) -> list[bytes]:
    """The NAL units of ``sprop-parameter-sets``: SPS first. Raises ``FatalCheck`` where the player aborts."""
    text = form.fmtp.get("sprop-parameter-sets")
    if text is None:
        return []
    units = []
    for number, item in enumerate(text.split(",")):
        try:
            unit = base64.b64decode(item, validate=True)
        except binascii.Error:
            unit = b""
        if not unit:
            raise FatalCheck(f"sprop-parameter-sets: item {item!r} is no padded base64 of a NAL unit")
        kind = unit[0] & 0x1F
        if number == 0 and kind != SPS:
            raise FatalCheck(f"sprop-parameter-sets: the first NAL unit has type {kind}, not 7 (SPS)")
        if kind not in {SPS, PPS}:
            raise FatalCheck(f"sprop-parameter-sets: NAL unit type {kind} is neither SPS nor PPS")
        units.append(unit)
    return units


def _h264(form: Format, version: Version) -> str:
    level = form.fmtp.get("profile-level-id")
    if level is not None and version.checks_profile and not re.fullmatch(r"[0-9A-Fa-f]{6}", level):
        raise FatalCheck(f"profile-level-id {level!r} is not six hexadecimal digits")
    if parameter_sets(form):
        return ""
    if form.framesize is None:
        return "H264 with neither sprop-parameter-sets nor a=framesize"
    if not re.fullmatch(r"[0-9]+-[0-9]+", form.framesize):
        return f"a=framesize {form.framesize!r} is not width-height"
    return ""


def _aac(form: Format, _version: Version) -> str:
    mode = form.fmtp.get("mode", "")
    if mode not in {"AAC-hbr", "AAC-lbr"}:
        return f"MPEG4-GENERIC with mode {mode!r}"
    if not re.fullmatch(r"([0-9A-Fa-f]{2}){2,}", form.fmtp.get("config", "")):
        raise FatalCheck("MPEG4-GENERIC without a hexadecimal config of two bytes or more")
    if not re.fullmatch(r"[1-9][0-9]*", form.fmtp.get("sizeLength", "")):
        raise FatalCheck("MPEG4-GENERIC without a sizeLength above 0")
    if not form.fmtp.get("indexLength", "").isdecimal():
        raise FatalCheck("MPEG4-GENERIC without a numeric indexLength")
    if form.rate not in _ADTS_RATES:
        raise FatalCheck(f"MPEG4-GENERIC at {form.rate} Hz, which ADTS cannot say")
    return ""


def _latm(form: Format, _version: Version) -> str:
    config = form.fmtp.get("config", "")
    if not re.fullmatch(r"([0-9A-Fa-f]{2})+", config) or len(config) < 2 * _SHORTEST_LATM_CONFIG:
        raise FatalCheck("MP4A-LATM without a hexadecimal config of four bytes or more")
    return ""


def _amr(form: Format, _version: Version) -> str:
    rate = 8000 if form.codec == "AMR" else 16000
    right = form.rate == rate and form.channels == 1
    return "" if right else f"{form.codec} at {form.rate} Hz with {form.channels} channels"


def _taken(_form: Format, _version: Version) -> str:
    return ""


_CHECKS: dict[str, Callable[[Format, Version], str]] = {
    "H264": _h264,
    "MPEG4-GENERIC": _aac,
    "MP4A-LATM": _latm,
    "AMR": _amr,
    "AMR-WB": _amr,
    "PCMU": _taken,
    "PCMA": _taken,
    "H263-1998": _taken,
    "H263-2000": _taken,
    "MP4V-ES": _taken,
    "MP2T": _taken,
}


def refusal(form: Format, version: Version) -> str:
    """Why the player skips a track of this format, ``""`` if it takes it. Raises ``FatalCheck``."""
    check = _CHECKS.get(form.codec)
    return check(form, version) if check else f"codec {form.codec!r} is not supported"
