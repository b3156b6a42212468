"""The configuration is checked strictly, and what is wrong is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.gateway.config import ConfigError, load, parse

KEY = "ab" * 32
CAMERA = {"id": "front-porch", "upstream": "rtsp://127.0.0.1:20123/front-porch"}
GOOD = {"stream_keys": [KEY], "cameras": [CAMERA]}


def test_everything_has_a_default_but_keys_and_cameras() -> None:
    config = parse(GOOD)
    assert (config.listen_host, config.listen_port) == ("127.0.0.1", 8554)
    assert config.stream_keys == (bytes.fromhex(KEY),)
    assert (config.history_seconds, config.history_floor_seconds, config.history_cap_seconds) == (3.2, 2.3, 4.0)
    (camera,) = config.cameras
    assert (camera.host, camera.port, camera.url) == ("127.0.0.1", 20123, CAMERA["upstream"])
    assert camera.always_warm
    assert not camera.keep_audio


def test_everything_can_be_set() -> None:
    camera = {**CAMERA, "warm": "on_demand", "audio": "keep"}
    config = parse(
        {
            **GOOD,
            "managed": "by hand",
            "listen": "[::1]:9000",
            "status_socket": "/run/x/status.sock",
            "status_file": None,
            "snapshot_dir": "/srv/x",
            "snapshot_seconds": 30,
            "default_start": "squeezed",
            "queue_seconds": 2,
            "cameras": [camera],
        }
    )
    assert (config.listen_host, config.listen_port) == ("::1", 9000)
    assert config.status_socket == Path("/run/x/status.sock")
    assert config.limits.queue_seconds == 2
    assert not config.cameras[0].always_warm
    assert config.cameras[0].keep_audio


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown entries: colour"),
        ({"listen": "8554"}, "listen: must be"),
        ({"listen": "127.0.0.1:99999"}, "listen: must be"),
        ({"stream_keys": []}, "stream_keys: at least one"),
        ({"stream_keys": ["AB" * 32]}, "stream_keys: must be a list of keys"),
        ({"require_signature": "no"}, "require_signature: must be true or false"),
        ({"history_seconds": True}, "history_seconds: must be a number"),
        ({"history_seconds": 2.0}, "history_floor_seconds <= history_seconds"),
        ({"snapshot_dir": "snapshots"}, "snapshot_dir: must be an absolute path"),
        ({"max_viewers": 1.5}, "max_viewers: must be a whole number"),
        ({"default_start": "fast"}, "default_start: must be one of: history, squeezed"),
        ({"squeezed_user_agents": [""]}, "squeezed_user_agents: must be a list"),
        ({"cameras": {}}, "cameras: must be a list"),
        ({"cameras": [CAMERA, CAMERA]}, "each id may stand once; given more often: front-porch"),
        ({"cameras": [{**CAMERA, "id": "Front Porch"}]}, "number 1: id must be"),
        ({"cameras": [{"id": "a"}]}, "a: upstream is missing"),
        ({"cameras": [{**CAMERA, "upstream": "http://x:1/a"}]}, "front-porch: upstream: must be rtsp"),
        ({"cameras": [{**CAMERA, "upstream": "rtsp://x/a"}]}, "front-porch: upstream: must be rtsp"),
        ({"cameras": [{**CAMERA, "upstream": "rtsp://u:p@x:1/a"}]}, "front-porch: upstream: must be rtsp"),
        ({"cameras": [{**CAMERA, "upstream": "rtsp://x:1/a b"}]}, "front-porch: upstream: must be rtsp"),
        ({"cameras": [{**CAMERA, "warm": "maybe"}]}, "front-porch: warm: must be one of"),
        ({"cameras": [{**CAMERA, "port": 1}]}, "front-porch: unknown entries: port"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse({**GOOD, **change})
    assert message in str(error.value)
    assert KEY.upper() not in str(error.value)


def test_cameras_must_be_there_and_may_be_none() -> None:
    with pytest.raises(ConfigError, match="cameras: is missing"):
        parse({"stream_keys": [KEY]})
    assert parse({**GOOD, "cameras": []}).cameras == ()


@pytest.mark.parametrize(("text", "message"), [("{", "not valid JSON"), ("[]", "one JSON object")])
def test_files_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "gateway.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as error:
        load(path)
    assert str(path) in str(error.value)


def test_load(tmp_path: Path) -> None:
    path = tmp_path / "gateway.json"
    with pytest.raises(ConfigError, match="cannot be read"):
        load(path)
    path.write_text(json.dumps(GOOD))
    assert load(path) == parse(GOOD)
