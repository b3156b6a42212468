"""The inventory as a whole: cameras against each other, the DNS names, the keys and the switches."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from ansible.module_utils.appliance.camera_rules import Unresolved
from ansible.module_utils.appliance.inventory import (
    camera_listeners,
    cameras_problems,
    keys_problems,
    names_problems,
)

KEY = "0123456789abcdef" * 4


def camera(number: int, **changes: object) -> dict[Any, Any]:
    return {
        "id": f"cam{number}",
        "name": f"Camera {number}",
        "url": "rtsp://192.168.1.20/",
        "manufacturer": "Axis",
        "model": "P1",
        "width": 1280,
        "height": 720,
        "audio": "none",
        **changes,
    }


def port_of(camera_id: str) -> int:
    return 20000 + zlib.crc32(camera_id.encode()) % 10000


def problems(*cameras: object) -> list[str]:
    found: list[str] = cameras_problems(list(cameras), port_of, {8080: "Apache"})
    return found


def test_right_cameras_pass() -> None:
    assert problems(camera(1), camera(2, port=20123)) == []


@pytest.mark.parametrize(
    ("cameras", "told"),
    [
        (Unresolved("'cameras' is undefined"), "the variable cameras, which is not defined"),
        ("rtsp://x", "cameras must be a list"),
        ({"id": "a"}, "cameras must be a list"),
        (None, "cameras must be a list"),
        ([], "cameras is empty"),
        (["front"], "camera number 1: it is no"),
        ([Unresolved("'porch' is undefined")], "camera number 1: it takes its value from the variable porch"),
    ],
)
def test_what_is_no_list_of_cameras_is_told(cameras: object, told: str) -> None:
    (problem,) = cameras_problems(cameras, port_of, {})
    assert told in problem


def test_each_problem_names_its_camera() -> None:
    found = problems(camera(1, width=0), camera(2, id="Back Yard"), camera(3, id=None))
    assert found[0].startswith("camera cam1: width")
    assert found[1].startswith("camera number 2, 'Back Yard': id")
    assert found[2].startswith("camera number 3: id")


def test_the_same_id_is_told() -> None:
    assert problems(camera(1), camera(2, id="cam1"), camera(3)) == [
        "camera cam1: 2 cameras have this id; give each its own, because it names the stream"
    ]


@pytest.mark.parametrize("name", ["Camera 1", "camera 1", "CAMERA 1"])
def test_names_that_sound_the_same_are_told(name: str) -> None:
    (problem,) = problems(camera(1), camera(2, name=name))
    assert problem.startswith("camera cam2: its name sounds the same as that of camera cam1;")


def test_the_same_port_is_told_however_it_comes_about() -> None:
    (named,) = problems(camera(1, port=20123), camera(2, port=20123))
    assert named.startswith("camera cam2: its port 20123 is that of camera cam1;")
    (computed,) = problems(camera(1), camera(2, port=port_of("cam1")))
    assert computed.startswith(f"camera cam2: its port {port_of('cam1')} is that of camera cam1;")
    (service,) = problems(camera(1, port=8080))
    assert service.startswith("camera cam1: its port 8080 is that of the appliance's Apache;")


def test_more_cameras_than_alexa_takes_are_told() -> None:
    cameras = [camera(number, port=2000 + number) for number in range(301)]
    assert problems(*cameras[:300]) == []
    (problem,) = problems(*cameras)
    assert "301" in problem


def test_ports_of_the_right_cameras() -> None:
    cameras = [camera(1), camera(2, port=20123), camera(3, id="No"), camera(4, port=1), Unresolved("x")]
    assert camera_listeners(cameras, port_of) == {
        "camera cam1": f"127.0.0.1:{port_of('cam1')}",
        "camera cam2": "127.0.0.1:20123",
    }
    assert camera_listeners("none", port_of) == {}


def test_right_names_pass() -> None:
    assert names_problems("cams.example.com", "clips.xn--mller-kva.de") == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("192.168.1.10", "is the IP address 192.168.1.10"),
        ("fd00::1", "is the IP address fd00::1"),
        ("[fd00::1]", "is the IP address [fd00::1]"),
        ("", "is empty or not text"),
        (None, "is empty or not text"),
        ("cams", "no full DNS name"),
        ("cams.example.com.", "no full DNS name"),
        ("https://cams.example.com", "no full DNS name"),
        ("cams.example.com:443", "no full DNS name"),
        ("Cams.example.com", "no full DNS name"),
        ("*.example.com", "no full DNS name"),
        ("-cams.example.com", "no full DNS name"),
        ("cams-.example.com", "no full DNS name"),
        ("cams..example.com", "no full DNS name"),
        ("cams_1.example.com", "no full DNS name"),
        ("cams.example.com\n", "no full DNS name"),
        (f"{'a' * 64}.example.com", "no full DNS name"),
        (".".join(["a" * 60] * 5), "no full DNS name"),
        ("300.168.1.10", "last part is a number"),
        (Unresolved("'name' is undefined"), "the variable name, which is not defined"),
    ],
)
def test_wrong_names_are_told(name: object, told: str) -> None:
    (problem,) = names_problems(name, "clips.example.com")
    assert problem.startswith("appliance_streams_name ")
    assert told in problem
    (problem,) = names_problems("cams.example.com", name)
    assert problem.startswith("appliance_clips_name ")


def test_one_name_for_both_is_told() -> None:
    (problem,) = names_problems("cams.example.com", "cams.example.com")
    assert "are the same" in problem


def test_right_keys_pass() -> None:
    assert keys_problems(KEY, "") == []
    assert keys_problems(KEY, KEY[::-1].upper()) == []


@pytest.mark.parametrize(
    ("key", "previous", "told"),
    [
        (KEY[:-1], "", "appliance_signing_key must be text of 64"),
        (KEY + "0", "", "appliance_signing_key must be text of 64"),
        (KEY[:-1] + "g", "", "appliance_signing_key must be text of 64"),
        (KEY + "\n", "", "appliance_signing_key must be text of 64"),
        (10**63, "", "appliance_signing_key must be text of 64"),
        (KEY, "abc", "appliance_signing_key_previous must be"),
        (KEY, None, "appliance_signing_key_previous must be"),
        (KEY, KEY, "appliance_signing_key_previous is the same as"),
        (Unresolved("'k' is undefined"), "", "appliance_signing_key takes its value from the variable k"),
        (KEY, Unresolved("'k' is undefined"), "appliance_signing_key_previous takes its value from the variable k"),
    ],
)
def test_wrong_keys_are_told_and_never_shown(key: object, previous: object, told: str) -> None:
    (problem,) = keys_problems(key, previous)
    assert problem.startswith(told)
    assert KEY[:20] not in problem
