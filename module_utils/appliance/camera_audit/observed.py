"""What was seen of one camera."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Observed:
    """Measured from outside; None or empty is "not seen".

    problem: the first thing that stopped the look, a stable word: `name` (does not resolve), `connect`, `closed`,
        `timeout`, `protocol`, `credentials`, `authentication`, `path`, `refused`, `no-video`, `codec`, `transport`,
        `silent`. Empty when pictures came. `detail` says it in words that hold no secret.
    authentication: `none`, `basic`, `digest`, or `digest-unsupported`.
    codec: name in the SDP (`H264`, `H265`, `JPEG`); profile and level (level_idc) are from the SPS.
    fps: pictures a second of media time. gop_seconds, gop_pictures: the longest distance of two keyframes seen.
    keyframe_bytes: the largest keyframe. nal_bytes: the largest NAL unit. bitrate: bits a second of video.
    audio: `none`, `aac`, `g711`, or `other`; `audio_codec` as the camera writes it; `audio_flows` whether packets came.
    listened_seconds: from the answer to PLAY to the end. first_picture_seconds: from the start of the connection.
    second_session: whether one more session was given, None when that was not tried.
    """

    problem: str = ""
    detail: str = ""
    authentication: str = ""
    codec: str = ""
    profile: str = ""
    level: int | None = None
    width: int | None = None
    height: int | None = None
    sets_in_sdp: bool = False
    sets_in_band: bool = False
    fps: float | None = None
    gop_seconds: float | None = None
    gop_pictures: int | None = None
    keyframes: int = 0
    pictures: int = 0
    b_frames: bool = False
    keyframe_bytes: int = 0
    nal_bytes: int = 0
    bitrate: float | None = None
    audio: str = "none"
    audio_codec: str = ""
    audio_rate: int = 0
    audio_flows: bool = False
    second_session: bool | None = None
    first_picture_seconds: float | None = None
    listened_seconds: float = 0.0
