"""One recording and one viewer through logs as the services write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alexa_ip_cam.care.follow import Line, about, apache

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MEDIA = "front_porch_20261124T115900000Z_45000_motion_0123456789abcdef0123"
MESSAGE = "11111111-2222-4333-8444-555555555555"
STUNNEL, GATEWAY, EVENTS = "stunnel@alexa-ip-cam.service", "alexa-ip-cam-gateway.service", "alexa-ip-cam-events.service"


def line(seconds: float, unit: str, text: str) -> Line:
    return Line(START + timedelta(seconds=seconds), unit, text)


LINES = [
    line(9, GATEWAY, "INFO front-porch: viewer 127.0.0.1:50001 ended: the connection was closed"),
    line(1, STUNNEL, "LOG5[7]: Service [streams] accepted connection from 192.168.1.30:41234"),
    line(2, STUNNEL, "LOG5[7]: Service [streams] connected remote server from 127.0.0.1:50001"),
    line(2, STUNNEL, "LOG5[8]: Service [streams] accepted connection from 192.168.1.31:41234"),
    line(3, STUNNEL, "LOG5[8]: Service [streams] connected remote server from 127.0.0.1:5000"),
    line(4, "live555@front-porch.service", "stream opened"),
    line(4, "live555@den.service", "stream opened"),
    line(5, EVENTS, f"INFO front-porch: clip {MEDIA} in 1.20 s"),
    line(6, EVENTS, f"WARNING {MESSAGE}: MediaCreatedOrUpdated is slow to go: 500"),
    line(7, EVENTS, f"INFO {MESSAGE}: told MediaCreatedOrUpdated of front-porch {MEDIA}"),
]


@pytest.mark.parametrize("address", ["192.168.1.30:41234", "127.0.0.1:50001"])
def test_a_viewer_is_found_from_either_side_of_stunnel(address: str) -> None:
    assert [(found.at - START).seconds for found in about(address, LINES)] == [1, 2, 4, 9]
    assert {found.unit for found in about(address, LINES)} == {STUNNEL, GATEWAY, "live555@front-porch.service"}


def test_a_recording_is_found_with_the_tries_of_its_message() -> None:
    request = f'192.168.1.30 [24/Nov/2026:12:00:08 +0000] "GET /clips/front-porch/2026-11-24/{MEDIA}.mp4 HTTP/1.1" 206'
    since = (datetime.now(UTC) - START).days + 1
    lines = [*LINES, *apache([request, "no line of ours"], days=max(since, 1))]
    found = about(MEDIA, lines)
    assert [one.unit for one in found] == [EVENTS, EVENTS, EVENTS, "apache2"]
    assert "slow to go" in found[1].text


def test_a_number_that_begins_alike_is_another_viewer() -> None:
    assert all("50001" not in found.text for found in about("127.0.0.1:5000", LINES))


def test_anything_else_is_refused() -> None:
    with pytest.raises(ValueError, match="no media id"):
        about("front-porch", LINES)


def test_what_nobody_logged_is_not_found() -> None:
    assert about("10.0.0.1:1", LINES) == []
