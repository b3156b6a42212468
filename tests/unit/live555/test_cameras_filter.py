from __future__ import annotations

import hashlib

import pytest
from ansible.errors import AnsibleFilterError

from filter_plugins.cameras import FilterModule, live555_configurations, live555_port

CAMERA = {"id": "front-porch", "url": "rtsp://192.168.1.20/stream"}


def test_a_camera_keeps_the_port_that_its_id_gives() -> None:
    assert live555_port(CAMERA) == 20000 + int(hashlib.sha256(b"front-porch").hexdigest(), 16) % 10000
    assert live555_port(CAMERA) == 20936  # as installed: another figure would move every camera
    assert live555_port({**CAMERA, "url": "rtsp://elsewhere/"}) == 20936


def test_a_camera_may_name_its_port() -> None:
    assert live555_port({**CAMERA, "port": 20123}) == 20123


@pytest.mark.parametrize("camera", [{}, {"id": ""}, {"id": 7}, "front-porch"])
def test_a_camera_without_id_is_refused(camera: dict[str, object]) -> None:
    with pytest.raises(AnsibleFilterError, match="without an id"):
        live555_port(camera)


@pytest.mark.parametrize("port", ["20123", True, 1.5])
def test_a_port_that_is_no_number_is_refused_by_name(port: object) -> None:
    with pytest.raises(AnsibleFilterError, match="camera front-porch: port must be a whole number"):
        live555_port({**CAMERA, "port": port})


def test_configuration_of_a_camera_with_credentials() -> None:
    camera = {**CAMERA, "username": "viewer", "password": "a=b #c ", "transport": "udp", "port": 20123}
    lines = live555_configurations([camera])["front-porch.conf"].splitlines()
    assert lines[0].startswith("#")
    assert lines[1:] == [
        "url=rtsp://192.168.1.20/stream",
        "username=viewer",
        "password=a=b #c ",
        "transport=udp",
        "port=20123",
    ]


def test_configuration_without_credentials_is_tcp_and_has_neither() -> None:
    text = live555_configurations([CAMERA])["front-porch.conf"]
    assert "transport=tcp\n" in text
    assert "username" not in text
    assert "password" not in text


def test_a_line_break_cannot_smuggle_in_another_key_and_is_not_quoted() -> None:
    camera = {**CAMERA, "username": "viewer", "password": "geheim\nport=22"}
    with pytest.raises(AnsibleFilterError, match="camera front-porch: password holds a line break") as caught:
        live555_configurations([camera])
    assert "geheim" not in str(caught.value)


def test_ansible_finds_the_filters() -> None:
    assert set(FilterModule().filters()) == {"live555_port", "live555_configurations", "camera_for_audit"}
