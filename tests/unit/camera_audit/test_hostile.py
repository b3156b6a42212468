"""A hostile camera can neither crash nor hang the audit."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from ansible.module_utils.appliance.camera_audit import Observed, judge, probe, sdp
from ansible.module_utils.appliance.camera_audit.authentication import Login, Unsupported
from ansible.module_utils.appliance.camera_audit.h264 import Broken, is_b_slice, parse_sps
from ansible.module_utils.appliance.camera_audit.pictures import PictureMeter
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.camera_audit.scripted_camera import Script, camera

CAMERA: dict[str, Any] = {"manufacturer": "x", "width": 1, "height": 1, "audio": "none"}

PIECES = [
    b"RTSP/1.0 200 OK\r\n",
    b"\r\n\r\n",
    b"$\0\0\4abcd",
    b"Content-Length: 99999\r\n",
    b"CSeq: 1\r\n",
    b"\xff" * 9,
]


@given(st.binary(max_size=200))
def test_sps_and_slices(data: bytes) -> None:
    with contextlib.suppress(Broken):
        found = parse_sps(b"\x67" + data)
        assert found.width > 0
    is_b_slice(data)


@given(st.lists(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(lambda b: b"\x80\x60" + b)), max_size=30))
def test_packets(packets: list[bytes]) -> None:
    meter = PictureMeter()
    for packet in packets:
        meter.push(packet)
    meter.finish()
    assert meter.keyframe_bytes >= 0
    for figure in (meter.fps(), meter.bitrate(), meter.longest_gop()):
        assert figure is None or isinstance(figure, (float, tuple))


@given(
    st.lists(
        st.one_of(
            st.text(max_size=40),
            st.text(max_size=20).map(lambda t: f"m={t}"),
            st.text(max_size=20).map(lambda t: f"a=rtpmap:96 {t}"),
            st.text(max_size=20).map(lambda t: f"a=fmtp:96 sprop-parameter-sets={t}"),
            st.just("m=video 0 RTP/AVP 96"),
        )
    )
)
def test_descriptions(lines: list[str]) -> None:
    for track in sdp.parse("\n".join(lines)):
        assert all(track.parameter_sets())


@given(st.lists(st.one_of(st.text(max_size=60), st.text(max_size=40).map(lambda t: f"Digest {t}")), max_size=4))
def test_challenges(headers: list[str]) -> None:
    login = Login("u", "p")
    with contextlib.suppress(Unsupported):
        login.challenge(headers)
        assert login.header("DESCRIBE", "rtsp://x")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=50)), max_size=8).map(b"".join))
def test_any_answer_ends_in_time_and_in_a_finding(raw: bytes) -> None:
    started = time.monotonic()
    with camera(Script(raw=raw)) as url:
        seen = probe(url, "u", "p", seconds=0.2)
    assert time.monotonic() - started < 3
    assert seen.problem
    assert any(one.level == "fails" for one in judge(seen, CAMERA))


def test_a_camera_that_drips_does_not_hold_the_audit_up() -> None:
    with camera(Script(raw=b"RTSP/1.0 200 OK\r\nX: " + b"y" * 70_000)) as url:
        assert probe(url, "", "", seconds=2).problem == "protocol"


@pytest.mark.parametrize("problem", ["", "name", "silent", "something else"])
def test_whatever_was_seen_is_judged(problem: str) -> None:
    assert judge(Observed(problem=problem), CAMERA)
