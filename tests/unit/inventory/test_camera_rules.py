"""Each rule for one camera: what it refuses, what it lets through, and that it never tells a secret."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.appliance.camera_rules import Unresolved, camera_problems

GOOD: dict[Any, Any] = {
    "id": "front-porch",
    "name": "Front Porch",
    "url": "rtsp://192.168.1.20/axis-media/media.amp?resolution=1280x720",
    "username": "viewer",
    "password": "s3cret=;: ä",
    "manufacturer": "Axis",
    "model": "P3245-V",
    "width": 1280,
    "height": 720,
    "audio": "none",
}


def with_(**changes: object) -> dict[Any, Any]:
    return {**GOOD, **changes}


def without(*keys: str) -> dict[Any, Any]:
    return {key: value for key, value in GOOD.items() if key not in keys}


@pytest.mark.parametrize(
    "camera",
    [
        GOOD,
        without("username", "password"),
        with_(transport="udp", port=20123, warm="on_demand"),
        with_(doorbell=True, host="remote"),
        with_(doorbell=False, host="local"),
        with_(id="a"),
        with_(id="7"),
        with_(id="a" * 32),
        with_(name="Haustür 2"),
        with_(name="पिछला दरवाज़ा"),  # a vowel sign and a dot below are marks, not letters
        with_(name="n" * 128),
        with_(url="rtsp://camera.lan:8554/"),
        with_(url="rtsp://[fd00::20]/stream"),
        with_(port=1024),
        with_(port=32767),
        with_(audio="g711"),
    ],
)
def test_right_cameras_pass(camera: dict[Any, Any]) -> None:
    assert camera_problems(camera) == []


WRONG: list[tuple[str, object, str]] = [
    ("id", "", "id must be text of 1 to 32"),
    ("id", "Front", "id must be text of 1 to 32"),
    ("id", "front_porch", "id must be text of 1 to 32"),
    ("id", "-front", "id must be text of 1 to 32"),
    ("id", "front-", "id must be text of 1 to 32"),
    ("id", "../etc", "id must be text of 1 to 32"),
    ("id", "front\n", "id must be text of 1 to 32"),
    ("id", "a" * 33, "id must be text of 1 to 32"),
    ("id", 7, "id must be text of 1 to 32"),
    ("name", "", "name is empty"),
    ("name", " ", "name is empty"),
    ("name", None, "name must be text"),
    ("name", "n" * 129, "name has 129 characters"),
    ("name", "Kid's Room!", "name holds ! ' which Alexa refuses"),
    ("name", "Front²", "name holds ² which Alexa refuses"),
    ("name", "Front  Porch", "leave single spaces"),
    ("name", " Front", "leave single spaces"),
    ("name", "Front\nPorch", "name holds a line break"),
    ("url", "http://192.168.1.20/", "url must begin with rtsp://, not http://"),
    ("url", "rtsps://192.168.1.20/", "url must begin with rtsp://, not rtsps://"),
    ("url", "192.168.1.20/stream", "url must begin with rtsp://;"),
    ("url", "rtsp:///stream", "url has no host"),
    ("url", "rtsp://:554/stream", "url has no host"),
    ("url", "rtsp://host:99999/", "url has a host or port that cannot be read"),
    ("url", "rtsp://host:0/", "url has port 0"),
    ("url", "rtsp://[fd00::20/", "url has a host or port that cannot be read"),
    ("url", "rtsp://viewer:hunter2@host/", "take them out and give them as username and password"),
    ("url", "rtsp://host/a b", "percent-encoded"),
    ("url", "rtsp://host/\npassword=x", "percent-encoded"),
    ("url", "rtsp://host/ä", "percent-encoded"),
    ("url", "rtsp://host/#1", "url holds a #"),
    ("url", 5, "url must be text"),
    ("username", "", "username is empty"),
    ("username", "a:b", "username holds a colon"),
    ("username", 'a"b', "username holds a colon, quote"),
    ("username", "a\rb", "username holds a line break"),
    ("username", True, "username must be text"),
    ("password", "", "password is empty"),
    ("password", 12345, "password must be text"),
    ("password", "hunter2\nport=1", "password holds a line break"),
    ("password", "hunter2\x00", "password holds a line break"),
    ("password", "hunter2\u2028", "password holds a line break"),
    ("password", "hunter2\u00a0", "password holds a line break or invisible character"),
    ("manufacturer", "", "manufacturer is empty"),
    ("manufacturer", "m" * 129, "manufacturer has 129 characters"),
    ("model", 3245, "model must be text; put it in quotes"),
    ("width", 0, "width must be a whole number"),
    ("width", "1280", "width must be a whole number"),
    ("width", True, "width must be a whole number"),
    ("height", 720.0, "height must be a whole number"),
    ("audio", "opus", "audio must be one of none, aac, g711"),
    ("audio", None, "audio must be one of"),
    ("transport", "tls", "transport must be one of tcp, udp"),
    ("warm", "yes", "warm must be one of always, on_demand"),
    ("doorbell", "yes", "doorbell must be true or false"),
    ("doorbell", 1, "doorbell must be true or false"),
    ("host", "cloud", "host must be one of local, remote"),
    ("port", 1023, "port must be a whole number from 1024 to 32767"),
    ("port", 32768, "port must be a whole number from 1024 to 32767"),
    ("port", "20123", "port must be a whole number"),
    ("port", True, "port must be a whole number"),
]


@pytest.mark.parametrize(("key", "value", "told"), WRONG)
def test_wrong_values_are_told_once_with_the_mend(key: str, value: object, told: str) -> None:
    (problem,) = camera_problems(with_(**{key: value}))
    assert told in problem
    assert ";" in problem  # what is wrong; the mend


@pytest.mark.parametrize(("key", "value", "told"), WRONG)
def test_no_message_tells_a_secret(key: str, value: object, told: str) -> None:
    del told
    (problem,) = camera_problems(with_(**{key: value}))
    assert "hunter2" not in problem
    assert "12345" not in problem
    assert str(GOOD["password"]) not in problem


@pytest.mark.parametrize("key", ["id", "name", "url", "manufacturer", "model", "width", "height", "audio"])
def test_missing_keys_are_told(key: str) -> None:
    assert camera_problems(without(key)) == [f"{key} is missing; add it"]


@pytest.mark.parametrize(("given", "missing"), [("username", "password"), ("password", "username")])
def test_half_a_login_is_told(given: str, missing: str) -> None:
    (problem,) = camera_problems(without(missing))
    assert problem.startswith(f"{given} is given without {missing};")


def test_misspelt_keys_are_told_with_the_near_one() -> None:
    camera = {**without("height"), "hight": 720, "brand": "Axis"}
    assert camera_problems(camera)[:2] == [
        "height is missing; add it",
        "hight is no key of a camera; did you mean height?",
    ]
    assert camera_problems(camera)[2].startswith("brand is no key of a camera; a camera has id, name,")


def test_a_missing_variable_is_named() -> None:
    (problem,) = camera_problems(with_(password=Unresolved("'vault_front_porch_password' is undefined")))
    assert "password takes its value from the variable vault_front_porch_password, which is not defined;" in problem


def test_another_failure_gives_its_reason() -> None:
    (problem,) = camera_problems(with_(password=Unresolved("it is encrypted; give the vault password")))
    assert problem == "password cannot be worked out: it is encrypted; give the vault password"


def test_all_problems_of_a_camera_are_told() -> None:
    assert len(camera_problems({"id": "A", "name": "!", "url": "x", "width": 0})) == 8
