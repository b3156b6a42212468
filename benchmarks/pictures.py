"""Whether kept bytes of a stream hold whole pictures that a decoder can use."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulators.echo.depacketise import AccessUnit, H264Assembler
from simulators.echo.interleaved import Framer, Packet
from simulators.echo.picture import annexb
from simulators.echo.rtp import parse_rtp
from world import sei

_DECODER_PATIENCE_S = 120


def access_units(kept: Iterable[tuple[float, bytes]], channel: int = 0) -> list[AccessUnit]:
    """The pictures in the bytes of one interleaved connection, each with its time. The last one is not among them."""
    framer, assembler = Framer(), H264Assembler()
    found: list[AccessUnit] = []
    for at, data in kept:
        items, fatal = framer.push(data, at)
        if fatal is not None:
            raise fatal
        for item in items:
            packet = parse_rtp(item.data) if isinstance(item, Packet) and item.channel == channel else None
            if packet is not None:
                found += assembler.feed(at, packet)
    return found


def number(unit: AccessUnit) -> int | None:
    """The number that the camera wrote into a picture."""
    return next((marked[0] for marked in map(sei.parse, unit.nals) if marked is not None), None)


@dataclass(frozen=True)
class Verdict:
    """``broken``: what is wrong with pictures, in words: a loss, or a gap before one that is no keyframe.

    ``skips``: gaps in the numbers. ``shown``: pictures that ffmpeg decoded; ``complaint``: what it said on the way,
    empty when it was content.
    """

    pictures: int
    broken: list[str]
    skips: int
    shown: int
    complaint: str


def judge(units: Sequence[AccessUnit], parameter_sets: Sequence[bytes]) -> Verdict:
    """Look at the pictures in order, and let ffmpeg decode them."""
    broken: list[str] = []
    skips = 0
    before: int | None = None
    for unit in units:
        marked = number(unit)
        skipped = before is None or marked != before + 1
        skips += skipped and before is not None
        if not unit.complete or marked is None or (skipped and not unit.idr):
            kinds = [nal[0] & 0x1F for nal in unit.nals]
            broken.append(f"number {marked} after {before}, complete: {unit.complete}, NAL units {kinds}")
        before = marked
    shown, complaint = _decode(annexb(parameter_sets, units))
    return Verdict(len(units), broken, skips, shown, complaint)


def _decode(stream: bytes) -> tuple[int, str]:
    """How many pictures came out, and the decoder's complaints."""
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-f", "h264", "-i", "pipe:0"]
    # One line of text for each picture, with its checksum.
    done = subprocess.run(
        [*command, "-fps_mode", "passthrough", "-f", "framecrc", "pipe:1"],
        input=stream,
        capture_output=True,
        check=False,
        timeout=_DECODER_PATIENCE_S,
    )
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith(b"#")]
    return len(lines), done.stderr.decode(errors="replace").strip()
