"""The configuration: what is taken, and what each mistake is answered with."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.events.config import EVENT_GATEWAYS, INTERFACES, ConfigError, load, load_keys, parse

LEAST: dict[str, Any] = {
    "streams_name": "cams.example.com",
    "clips_name": "clips.example.com",
    "database": "/var/lib/x/events.db",
    "clips_dir": "/srv/x/clips",
    "keys_file": "/etc/x/keys.json",
    "tokens_file": "/var/lib/x/tokens.json",
    "cameras": [{"id": "front-porch"}],
}
STORE = {"table": "alexa-ip-cam", "region": "eu-west-1", "credentials_file": "/etc/x/aws.json"}


def test_the_least_there_must_be() -> None:
    config = parse(LEAST)
    assert config.interfaces == set(INTERFACES)
    assert config.event_gateways == EVENT_GATEWAYS
    assert config.store is None
    assert config.endpoints is None
    assert config.cameras[0].recordings is None
    assert config.oldest.days == 30


def test_all_there_may_be(tmp_path: Path) -> None:
    document = {
        **LEAST,
        "managed": "by somebody",
        "store": {**STORE, "url": "http://127.0.0.1:5000/"},
        "interfaces": ["motion"],
        "keep_days": 7,
        "keep_disk_percent": 50,
        "url_seconds": 300,
        "messages_per_second": 2,
        "rescan_seconds": 30,
        "gateway_status_file": "/run/x/status.json",
        "endpoints": [{"endpointId": "a:b"}],
        "status_file": "/run/y/status.json",
        "metrics_file": None,
        "lwa_url": "https://lwa.example.com/",
        "event_gateways": {"EU": "https://events.example.com/v3/events"},
        "cameras": [{"id": "a", "audio": "AAC", "recordings": {"type": "axis", "path": "/r"}}],
    }
    path = tmp_path / "events.json"
    path.write_text(json.dumps(document))
    config = load(path)
    assert config.store is not None
    assert config.store.url == "http://127.0.0.1:5000"
    assert config.event_gateways == {**EVENT_GATEWAYS, "EU": "https://events.example.com/v3/events"}
    assert config.cameras[0].recordings == {"type": "axis", "path": "/r"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"nonsense": 1}, "unknown entries: nonsense"),
        ({"cameras": {}}, "cameras: must be a list"),
        ({"cameras": [{"id": "A"}]}, "cameras: number 1: id: must be 1 to 32"),
        ({"cameras": [{}]}, "cameras: number 1: missing entries: id"),
        ({"cameras": [{"id": "a", "x": 1}]}, "cameras: number 1: unknown entries: x"),
        ({"cameras": [{"id": "a"}, {"id": "a"}]}, "cameras: each id may stand once; given more often: a"),
        ({"cameras": [{"id": "a", "audio": "MP3"}]}, "audio: must be one of: NONE, AAC"),
        ({"cameras": [{"id": "a", "recordings": []}]}, "recordings: must be an object"),
        ({"streams_name": "10.0.0.1"}, "streams_name: must be a DNS name"),
        ({"database": "events.db"}, "database: must be an absolute path"),
        ({"database": None}, "database: must be an absolute path"),
        ({"store": {"table": "x"}}, "store: missing entries: region, credentials_file"),
        ({"store": {**STORE, "url": "ftp://x"}}, "store: url: must be an http or https URL"),
        ({"interfaces": ["video"]}, "interfaces: must be a list of some of: media, motion"),
        ({"keep_days": 0}, "keep_days: must be a number between"),
        ({"keep_disk_percent": 100}, "keep_disk_percent: must be a number between"),
        ({"event_gateways": {"XX": "https://x.example.com"}}, "event_gateways: must be an object"),
        ({"event_gateways": {"EU": 7}}, "event_gateways: must be an http or https URL"),
        ({"endpoints": [{}]}, "endpoints: must be a list of objects, each with an endpointId"),
    ],
)
def test_each_mistake_is_named(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(complaint)):
        parse({**LEAST, **change})


@pytest.mark.parametrize("name", list(LEAST))
def test_what_must_be_there(name: str) -> None:
    with pytest.raises(ConfigError, match=f"missing entries: {name}"):
        parse({key: value for key, value in LEAST.items() if key != name})


def test_files_that_cannot_be_used_are_named_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(ConfigError, match="cannot be read"):
        load(path)
    path.write_text('{"clips": "5ec4e7"')
    with pytest.raises(ConfigError, match="not valid JSON") as error:
        load_keys(path)
    assert "5ec4e7" not in str(error.value)
    path.write_text(json.dumps([]))
    with pytest.raises(ConfigError, match="one JSON object"):
        load(path)


def test_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"clips": "a" * 40, "media": "b" * 64}))
    keys = load_keys(path)
    assert (keys.clips, keys.media) == ("a" * 40, bytes.fromhex("b" * 64))
    spoiled: tuple[object, ...] = (
        {"clips": "a" * 40},
        {"clips": "A" * 40, "media": "b" * 64},
        {"clips": "a" * 40, "media": "b" * 63},
        [],
    )
    for wrong in spoiled:
        path.write_text(json.dumps(wrong))
        with pytest.raises(ConfigError, match="hexadecimal") as error:
            load_keys(path)
        assert "bbb" not in str(error.value)
