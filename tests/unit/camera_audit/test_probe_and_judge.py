"""The whole look at scripted cameras with real clips: what is measured, and what is made of it."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.appliance.camera_audit import Finding, Observed, judge, probe

from unit.camera_audit import clips
from unit.camera_audit.scripted_camera import Script, camera, video_sdp

CAMERA: dict[str, Any] = {"id": "x", "manufacturer": "Axis", "width": 320, "height": 180, "audio": "none"}
AAC = "mpeg4-generic/16000/1"

pytestmark = pytest.mark.usefixtures("no_waiting")


def look(script: Script, username: str = "", password: str = "", seconds: float = 5.0) -> Observed:
    with camera(script) as url:
        return probe(url, username, password, seconds=seconds)


def findings(observed: Observed, **changes: Any) -> dict[str, Finding]:
    return {one.key: one for one in judge(observed, CAMERA | changes)}


def test_a_good_camera_is_measured_and_good_in_all(clip: list[list[bytes]]) -> None:
    seen = look(Script(clip, auth="digest"), "viewer", "right")
    assert seen.problem == ""
    assert (seen.codec, seen.profile, seen.width, seen.height) == ("H264", "Main", 320, 180)
    assert seen.fps == pytest.approx(15, rel=0.01)
    assert seen.gop_seconds == pytest.approx(2.0, abs=0.01)
    assert seen.gop_pictures == 30
    assert seen.keyframe_bytes >= seen.nal_bytes > 1000
    assert (seen.sets_in_sdp, seen.sets_in_band, seen.b_frames, seen.second_session) == (True, True, False, True)
    assert {one.level for one in judge(seen, CAMERA)} == {"good"}


@pytest.mark.parametrize("auth", ["basic", "digest", "digest-qop"])
def test_each_authentication_is_answered_and_a_wrong_password_is_tried_once(auth: str, clip: list[list[bytes]]) -> None:
    assert look(Script(clip, auth=auth), "viewer", "right").problem == ""
    script = Script(clip, auth=auth)
    seen = look(script, "viewer", "wrong")
    assert seen.problem == "credentials"
    assert len([text for text in script.requests if "Authorization" in text]) == 1
    assert findings(seen)["credentials"].level == "fails"
    assert "wrong" not in str(judge(seen, CAMERA))


def test_authentication_that_live555_cannot_do_is_told(clip: list[list[bytes]]) -> None:
    seen = look(Script(clip, auth="digest-sha256"), "viewer", "right")
    assert findings(seen)["authentication"].level == "fails"
    assert "SHA-256" in findings(seen)["authentication"].text


def test_a_password_that_is_asked_for_and_not_given(clip: list[list[bytes]]) -> None:
    seen = look(Script(clip, auth="basic"))
    assert "the inventory gives none" in findings(seen)["credentials"].text


@pytest.mark.parametrize(
    ("changes", "key", "level"),
    [
        ({"profile": "high"}, "profile", "fails"),
        ({"gop": 100}, "gop", "fails"),
        ({"gop": 75}, "gop", "works"),
        ({"bframes": 2}, "b-frames", "works"),
        ({"size": "640x360"}, "size", "fails"),
    ],
)
def test_what_a_stream_may_be(tmp_path: Path, changes: dict[str, Any], key: str, level: str) -> None:
    seen = look(Script(clips.pictures(clips.encode(tmp_path / "x.h264", **changes))))
    assert findings(seen)[key].level == level, findings(seen)
    assert findings(seen)[key].mend


@pytest.mark.parametrize("codec", ["H265", "JPEG", "MP4V-ES"])
def test_another_codec_ends_the_look_at_once(codec: str) -> None:
    started = time.monotonic()
    seen = look(Script(sdp=f"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\n"))
    assert time.monotonic() - started < 4
    assert (seen.problem, seen.codec) == ("codec", codec)
    assert "videocodec=h264" in findings(seen)["codec"].mend
    assert "videocodec" not in findings(seen, manufacturer="Reolink")["codec"].mend


def test_a_large_keyframe(clip: list[list[bytes]]) -> None:
    big = [
        [*picture[:-1], picture[-1] + b"\x55" * 400_001] if n % 30 == 0 else picture for n, picture in enumerate(clip)
    ]
    seen = look(Script(big))
    assert findings(seen)["keyframe"].level == "fails"
    assert {one.key: one.level for one in judge(seen, CAMERA, nal_bytes_most=2_000_000)}["keyframe"] == "good"


@pytest.mark.parametrize(
    ("codec", "flows", "said", "level"),
    [
        (AAC, True, "aac", "good"),
        (AAC, False, "aac", "works"),
        (AAC, True, "none", "works"),
        (AAC, True, "g711", "fails"),
        ("", False, "aac", "fails"),
        ("PCMA/8000", True, "g711", "good"),
        ("G726-32/8000", True, "none", "works"),
        ("G726-32/8000", True, "g711", "fails"),
        ("mpeg4-generic/7350/1", True, "aac", "fails"),
    ],
)
def test_sound(clip: list[list[bytes]], codec: str, flows: bool, said: str, level: str) -> None:
    seen = look(Script(clip, sdp=video_sdp(clip, audio=codec), sound=flows))
    assert findings(seen, audio=said)["audio"].level == level


def test_parameter_sets_in_band_only_or_nowhere(clip: list[list[bytes]]) -> None:
    without = video_sdp(clip, sets=False)
    assert findings(look(Script(clip, sdp=without)))["parameter-sets"].level == "works"
    bare = [[nal for nal in picture if nal[0] & 0x1F not in (7, 8)] for picture in clip]
    assert findings(look(Script(bare, sdp=without)))["parameter-sets"].level == "fails"
    assert findings(look(Script(bare, sdp=video_sdp(clip))))["profile"].level == "good"


def test_one_viewer_only(clip: list[list[bytes]]) -> None:
    assert findings(look(Script(clip, sessions_most=1)))["sessions"].level == "works"


@pytest.mark.parametrize(
    ("statuses", "key"),
    [
        ({"DESCRIBE": 404}, "path"),
        ({"DESCRIBE": 403}, "credentials"),
        ({"DESCRIBE": 503}, "sessions"),
        ({"SETUP": 461}, "transport"),
        ({"PLAY": 453}, "sessions"),
    ],
)
def test_refusals(clip: list[list[bytes]], statuses: dict[str, int], key: str) -> None:
    found = findings(look(Script(clip, statuses=statuses)))
    assert found["reachable"].level == "good"
    assert found[key].level == "fails"


def test_a_camera_for_udp_alone_is_no_failure(clip: list[list[bytes]]) -> None:
    assert findings(look(Script(clip, statuses={"SETUP": 461})), transport="udp")["transport"].level == "works"


def test_a_camera_that_is_off_and_a_name_that_is_not_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        off = probe(f"rtsp://127.0.0.1:{unused.getsockname()[1]}/x", "", "", seconds=2)
    assert [(one.level, one.key) for one in judge(off, CAMERA)] == [("fails", "reachable")]
    missing = probe("rtsp://camera.invalid/x", "", "", seconds=2)
    assert missing.problem == "name"


def test_no_second_keyframe(clip: list[list[bytes]]) -> None:
    seen = look(Script(clip[:29]), seconds=2)
    assert findings(seen)["gop"].level == "works"
    assert "no second keyframe within" in findings(seen)["gop"].text


def test_one_that_takes_the_connection_and_says_nothing() -> None:
    started = time.monotonic()
    seen = look(Script(raw=b""), seconds=1)
    assert seen.problem == "timeout"
    assert time.monotonic() - started < 5
