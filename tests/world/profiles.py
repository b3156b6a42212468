"""The cameras of the world: what each sends and how it wants to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Profile:
    """A kind of camera. Derive another with `dataclasses.replace`.

    gop: pictures from one keyframe to the next. gops: how many of them the clip has.
    bitrate_kbps: mean of the video in kbit/s, or 0 for a constant quantiser over a still scene, whose keyframes
    are all about the same size. keyframe_bytes: least and largest keyframe that the clip may have.
    delimiter: whether each picture begins with an access unit delimiter.
    parameter_sets: where SPS and PPS are to be found: `sdp`, `band` (before each keyframe) or `both`.
    aggregate: whether small NAL units share a packet (STAP-A, RFC 6184, 5.7.1).
    """

    name: str
    manufacturer: str
    model: str
    path: str
    width: int = 1280
    height: int = 720
    fps: int = 30
    gop: int = 62
    gops: int = 12
    h264_profile: Literal["baseline", "main", "high"] = "baseline"
    slices: int = 1
    delimiter: bool = False
    bitrate_kbps: int = 3000
    keyframe_bytes: tuple[int, int] = (1, 1_000_000)
    parameter_sets: Literal["sdp", "band", "both"] = "both"
    aggregate: bool = False
    audio: Literal["none", "pcmu", "aac"] = "none"
    auth: Literal["none", "basic", "digest"] = "digest"


PROFILES = {
    "front-porch": Profile(
        name="Front Porch",
        manufacturer="Axis",
        model="P3245-V",
        path="/axis-media/media.amp",
    ),
    "driveway": Profile(
        name="Driveway",
        manufacturer="Hikvision",
        model="DS-2CD2143",
        path="/Streaming/Channels/101",
        h264_profile="main",
        slices=4,
        delimiter=True,
        aggregate=True,
        audio="pcmu",
    ),
    "back-garden": Profile(
        name="Back Garden",
        manufacturer="Axis",
        model="Q6135-LE",
        path="/axis-media/media.amp",
        h264_profile="main",
        bitrate_kbps=0,
        # One slice each: the largest single NAL unit that must pass.
        keyframe_bytes=(350_000, 400_000),
    ),
    "side-gate": Profile(
        name="Side Gate",
        manufacturer="Reolink",
        model="RLC-510A",
        path="/h264Preview_01_main",
        gop=120,
        gops=6,
        h264_profile="main",
        auth="basic",
    ),
}
