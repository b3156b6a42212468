"""CAMERA=rtsp://… of `make demo`."""

from __future__ import annotations

import pytest

from demo.own_camera import OwnCameraError, parse


def test_credentials_leave_the_url() -> None:
    camera = parse("rtsp://me:p%40ss@192.0.2.7:8554/live?profile=2")
    assert camera is not None
    assert camera["url"] == "rtsp://192.0.2.7:8554/live?profile=2"
    assert (camera["username"], camera["password"]) == ("me", "p@ss")


def test_a_camera_without_credentials() -> None:
    camera = parse("rtsp://192.0.2.7/live")
    assert camera is not None
    assert "username" not in camera
    assert "password" not in camera


def test_nothing_asked_for() -> None:
    assert parse("") is None


@pytest.mark.parametrize(
    "url", ["http://h/x", "rtsp:///x", "rtsp://user@h/x", "rtsp://h:99999999/x", "rtsp://u:hush@[broken/x"]
)
def test_a_bad_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(OwnCameraError, match="CAMERA") as refused:
        parse(url)
    assert "hush" not in str(refused.value)
