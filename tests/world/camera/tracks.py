"""The tracks of a simulated camera: what each sends as unit n, and how GStreamer packs it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from world import sei
from world.clip import NAL_DELIMITER, NAL_PPS, NAL_SPS, Clip, nal_type

PCMU_RATE = 8000
PCMU_SAMPLES_PER_PACKET = 160
AAC_RATE = 16000
AAC_SAMPLES_PER_FRAME = 1024
# AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): AAC LC, 16 kHz, one channel.
AAC_CONFIG = bytes.fromhex("1408")

_ADTS_HEADER = 7


class Track(Protocol):
    """What a camera sends on one RTP stream."""

    @property
    def rate(self) -> Fraction:
        """Units per second."""
        ...

    @property
    def caps(self) -> str:
        """GStreamer's caps of the units."""
        ...

    @property
    def payloader(self) -> str:
        """GStreamer's element that packs the units, with its properties."""
        ...

    def unit(self, number: int, unix_ns: int) -> bytes:
        """Return the bytes of unit `number`, captured at `unix_ns`."""
        ...


@dataclass(frozen=True)
class Video:
    """H.264 with length-prefixed NAL units, each picture marked by `sei`.

    parameter_sets: where SPS and PPS are: in the `sdp`, in `band` before each keyframe, or `both`.
    """

    clip: Clip
    rate: Fraction
    parameter_sets: str
    aggregate: bool

    @property
    def caps(self) -> str:
        in_sdp = self.parameter_sets != "band"
        record = _decoder_configuration(*self.clip.parameter_sets(), with_sets=in_sdp)
        return f"video/x-h264,stream-format=avc,alignment=au,codec_data=(buffer){record.hex()}"

    @property
    def payloader(self) -> str:
        return f"rtph264pay pt=96 aggregate-mode={'zero-latency' if self.aggregate else 'none'}"

    def unit(self, number: int, unix_ns: int) -> bytes:
        """Return the picture as length-prefixed NAL units, with its marker after the delimiter, if any."""
        nals = list(self.clip.nals(number))
        if self.parameter_sets == "sdp":
            nals = [nal for nal in nals if nal_type(nal) not in (NAL_SPS, NAL_PPS)]
        nals.insert(int(nal_type(nals[0]) == NAL_DELIMITER), sei.build(number, unix_ns))
        return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def _decoder_configuration(sps: bytes, pps: bytes, *, with_sets: bool) -> bytes:
    """Return an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1), empty of sets when told so."""
    head = b"\x01" + sps[1:4] + b"\xff"
    if not with_sets:
        return head + b"\xe0\x00"
    return head + b"\xe1" + struct.pack(">H", len(sps)) + sps + b"\x01" + struct.pack(">H", len(pps)) + pps


@dataclass(frozen=True)
class Pcmu:
    """G.711 mu-law, 20 ms a packet, from a headerless file."""

    samples: bytes
    rate = Fraction(PCMU_RATE, PCMU_SAMPLES_PER_PACKET)
    caps = f"audio/x-mulaw,rate={PCMU_RATE},channels=1"
    payloader = "rtppcmupay pt=0"

    def unit(self, number: int, unix_ns: int) -> bytes:  # noqa: ARG002  (sound carries no time)
        """Return 160 samples."""
        start = number * PCMU_SAMPLES_PER_PACKET % len(self.samples)
        return self.samples[start : start + PCMU_SAMPLES_PER_PACKET]


@dataclass(frozen=True)
class Aac:
    """AAC LC at 16 kHz, one frame of 1024 samples a unit."""

    frames: tuple[bytes, ...]
    rate = Fraction(AAC_RATE, AAC_SAMPLES_PER_FRAME)
    caps = (
        f"audio/mpeg,mpegversion=4,stream-format=raw,rate={AAC_RATE},channels=1,codec_data=(buffer){AAC_CONFIG.hex()}"
    )
    payloader = "rtpmp4gpay pt=97"

    def unit(self, number: int, unix_ns: int) -> bytes:  # noqa: ARG002  (sound carries no time)
        """Return one raw AAC frame."""
        return self.frames[number % len(self.frames)]


def split_adts(stream: bytes) -> tuple[bytes, ...]:
    """Return the raw AAC frames of an ADTS file without checksums (ISO/IEC 13818-7, 6.2)."""
    frames = []
    position = 0
    while position < len(stream):
        header = stream[position : position + _ADTS_HEADER]
        length = int.from_bytes(header[3:6], "big") >> 5 & 0x1FFF
        frames.append(stream[position + _ADTS_HEADER : position + length])
        position += length
    return tuple(frames)


def audio_track(kind: str, path: Path) -> Track:
    """Load the sound of kind `pcmu` or `aac`. Raises ValueError for another kind."""
    if kind == "pcmu":
        return Pcmu(path.read_bytes())
    if kind == "aac":
        return Aac(split_adts(path.read_bytes()))
    raise ValueError(f"unknown kind of sound: {kind}")
