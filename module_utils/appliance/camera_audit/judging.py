"""From what was seen to what it means: good, works but, or fails on an Echo."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from . import thresholds
from .mends import mend
from .observed import Observed


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing about a camera. level: `good`, `works` or `fails`; key: a stable word; mend: empty when good."""

    level: str
    key: str
    text: str
    mend: str = ""


Camera = Mapping[str, object]


def judge(observed: Observed, camera: Camera, *, nal_bytes_most: int = thresholds.NAL_BYTES_MOST) -> list[Finding]:
    """Findings in the order in which a picture meets them. ``camera`` is an item of the inventory.

    ``nal_bytes_most`` is live555_out_packet_buffer_bytes. No sentence holds a password or the path of a URL.
    """
    if observed.problem:
        return [*_until_problem(observed, camera)]
    return [
        Finding("good", "reachable", "answers"),
        _credentials(observed, camera),
        Finding("good", "codec", "H.264"),
        *_stream_form(observed, camera),
        *_timing(observed, camera),
        *_sizes(observed, camera, nal_bytes_most),
        _sound(observed, camera),
        *_sessions(observed),
    ]


def _until_problem(observed: Observed, camera: Camera) -> Iterator[Finding]:
    problem, detail = observed.problem, observed.detail
    if problem in ("name", "connect", "closed", "timeout", "protocol"):
        yield Finding("fails", "reachable", detail, "see that it has power and network, and that its url is right")
        return
    yield Finding("good", "reachable", "answers")
    if problem == "credentials":
        how = "give username and password of a user that may watch; a changed password has to be changed in both places"
        yield Finding("fails", "credentials", detail, how)
    elif problem == "authentication":
        how = "let it take digest with MD5 (or basic) for RTSP: LIVE555 knows no other"
        yield Finding("fails", "authentication", detail, how)
    elif problem == "path":
        yield Finding("fails", "path", detail, mend(camera, "path"))
    else:
        yield _credentials(observed, camera)
        yield _no_picture(observed, camera)


def _no_picture(observed: Observed, camera: Camera) -> Finding:
    problem, detail = observed.problem, observed.detail
    if problem == "codec":
        return Finding("fails", "codec", f"{detail}, which no Echo plays", mend(camera, "codec"))
    if problem == "no-video":
        return Finding("fails", "codec", detail, mend(camera, "codec"))
    if problem == "transport":
        if camera.get("transport") == "udp":
            how = "nothing, if it shows; its pictures could not be looked at"
            return Finding("works", "transport", detail, how)
        return Finding("fails", "transport", detail, "write transport: udp into the inventory")
    if problem == "silent":
        how = "see that it shows in another player; restart it, or try transport: udp"
        return Finding("fails", "first-picture", detail, how)
    how = "close other viewers, in case it allows only few; restart it; see that its url is right"
    return Finding("fails", "sessions", detail, how)


def _credentials(observed: Observed, camera: Camera) -> Finding:
    if observed.authentication == "none":
        if camera.get("username"):
            how = "switch the camera's own password for RTSP on, or leave it out of the inventory"
            return Finding("works", "credentials", "asks for no password, although the inventory has one", how)
        how = "set a user and password in the camera"
        return Finding("works", "credentials", "asks for no password: whoever is in the network may watch", how)
    if observed.authentication == "basic":
        how = "let it take digest only, where it offers that"
        return Finding("works", "credentials", "takes the password as plain text (basic)", how)
    return Finding("good", "credentials", "user and password are right (digest)")


def _stream_form(observed: Observed, camera: Camera) -> Iterator[Finding]:
    if not observed.sets_in_sdp:
        if not observed.sets_in_band:
            text = "sends no parameter sets (SPS, PPS), without which nobody can decode"
            yield Finding("fails", "parameter-sets", text, mend(camera, "codec"))
            return
        how = "nothing while the gateway runs, which puts them in; LIVE555 alone would not"
        yield Finding("works", "parameter-sets", "parameter sets come with the pictures only", how)
    if observed.level is None or observed.width is None or observed.height is None:
        text = "its picture's size and profile cannot be read"
        yield Finding("works", "profile", text, mend(camera, "profile"))
        return
    level = f"{observed.level // 10}.{observed.level % 10}"
    if observed.profile not in thresholds.PROFILES_GOOD:
        text = f"{observed.profile} profile, which stays black on Echo devices, owners report"
        yield Finding("fails", "profile", text, mend(camera, "profile"))
    else:
        yield Finding("good", "profile", f"{observed.profile}, level {level}")
    if observed.level > thresholds.LEVEL_MOST:
        text = f"level {level}, more than a screen's decoder has to take"
        yield Finding("works", "level", text, mend(camera, "level"))
    if observed.b_frames:
        how = "set B-frames to 0, or the profile to Baseline, which has none"
        text = "has B-frames: pictures come late and out of order, and the start is slower"
        yield Finding("works", "b-frames", text, how)
    yield _size(observed, camera)


def _size(observed: Observed, camera: Camera) -> Finding:
    seen, wanted = f"{observed.width}x{observed.height}", f"{camera.get('width')}x{camera.get('height')}"
    if seen != wanted:
        text = f"sends {seen}, and the inventory tells Alexa {wanted}"
        how = mend(camera, "size", wanted=wanted, width=observed.width, height=observed.height)
        return Finding("fails", "size", text, how)
    if (observed.width or 0) * (observed.height or 0) > thresholds.PIXELS_MOST:
        return Finding("works", "size", f"{seen} is more than any Echo shows", mend(camera, "level"))
    return Finding("good", "size", seen)


def _timing(observed: Observed, camera: Camera) -> Iterator[Finding]:
    fps = observed.fps
    if fps is not None:
        text = f"{fps:.0f} pictures a second" if fps >= 1 else f"{fps:.1f} pictures a second"
        if fps < thresholds.FPS_LEAST:
            text += ": less is left against pauses of the Wi-Fi"
            yield Finding("works", "fps", text, mend(camera, "fps-low"))
        elif fps > thresholds.FPS_MOST:
            yield Finding("works", "fps", f"{text} cost Wi-Fi and show no difference", mend(camera, "fps-high"))
        else:
            yield Finding("good", "fps", text)
    yield _gop(observed, camera)
    first = observed.first_picture_seconds
    if first is None or first > thresholds.FIRST_PICTURE_SECONDS:
        text = f"first whole picture after {first:.1f} s" if first else "no whole keyframe came"
        how = mend(camera, "gop", pictures=max(1, round(2 * (fps or 15))))
        yield Finding("fails", "first-picture", f"{text}; Amazon allows 6 s", how)
    else:
        yield Finding("good", "first-picture", f"after {first:.1f} s, when the camera is opened anew")


def _gop(observed: Observed, camera: Camera) -> Finding:
    seconds, pictures = observed.gop_seconds, observed.gop_pictures
    how = mend(camera, "gop", pictures=max(1, round(2 * (observed.fps or 15))))
    if seconds is None:
        listened = observed.listened_seconds
        level = "fails" if listened > thresholds.GOP_MOST_SECONDS else "works"
        return Finding(level, "gop", f"no second keyframe within {listened:.0f} s", how)
    text = f"a keyframe every {seconds:.1f} s ({pictures} pictures)"
    if seconds > thresholds.GOP_MOST_SECONDS:
        return Finding("fails", "gop", f"{text}: after a break no picture within the 6 s that Amazon allows", how)
    if seconds > thresholds.GOP_GOOD_SECONDS:
        return Finding("works", "gop", f"{text}: views begin with pictures played faster", how)
    return Finding("good", "gop", text)


def _sizes(observed: Observed, camera: Camera, nal_bytes_most: int) -> Iterator[Finding]:
    text = f"keyframes of up to {observed.keyframe_bytes:,} bytes"
    if observed.nal_bytes > nal_bytes_most:
        text += f": LIVE555 cuts off what is above {nal_bytes_most:,}"
        how = mend(camera, "keyframe") + "; or raise live555_out_packet_buffer_bytes"
        yield Finding("fails", "keyframe", text, how)
    elif observed.nal_bytes > thresholds.NAL_SHARE_GOOD * nal_bytes_most:
        text += f": at night or in rain they may pass {nal_bytes_most:,}, where LIVE555 cuts them off"
        yield Finding("works", "keyframe", text, mend(camera, "keyframe"))
    else:
        yield Finding("good", "keyframe", text)
    if observed.bitrate is not None:
        rate = f"{observed.bitrate / 1e6:.1f} Mbit/s"
        if observed.bitrate > thresholds.BITRATE_MOST:
            yield Finding("works", "bitrate", f"{rate}: the Wi-Fi of an Echo may not keep up", mend(camera, "bitrate"))
        else:
            yield Finding("good", "bitrate", rate)


def _sound(observed: Observed, camera: Camera) -> Finding:
    said, sent = camera.get("audio", "none"), observed.audio
    if sent == "aac" and observed.audio_rate not in thresholds.AAC_RATES:
        sent = "other"
    if sent == "other":
        level = "works" if said == "none" else "fails"
        text = f"sound is {observed.audio_codec or 'unknown'}, which no Echo plays"
        return Finding(level, "audio", text, mend(camera, "other-sound"))
    if sent == said:
        if sent != "none" and not observed.audio_flows:
            return Finding("works", "audio", f"offers {sent}, and sent none of it", mend(camera, "no-sound"))
        return Finding("good", "audio", {"none": "no sound", "aac": "AAC", "g711": "G.711"}[sent])
    if sent == "none":
        text = f"sends no sound, and the inventory tells Alexa {said}"
        return Finding("fails", "audio", text, mend(camera, "no-sound"))
    text = f"sends sound ({sent}), and the inventory tells Alexa {said}"
    return Finding("works" if said == "none" else "fails", "audio", text, mend(camera, "sound", audio=sent))


def _sessions(observed: Observed) -> Iterator[Finding]:
    if observed.second_session:
        yield Finding("good", "sessions", "serves a second viewer at the same time")
    elif observed.second_session is False:
        text = "serves one viewer at a time: an app or recorder that watches it takes it from the appliance, and back"
        yield Finding("works", "sessions", text, "let the appliance be its only viewer, or allow more in the camera")
