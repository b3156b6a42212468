"""The settings file: what it gives, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.alexa.endpoints import endpoint_id
from alexa_ip_cam.signing import derive_key
from alexa_ip_cam.skill.settings import SettingsError, load_settings, parse_settings
from unit.skill.family import NEIGHBOUR, PARTNER, STRANGER


def test_settings_hold_derived_keys_and_cameras_by_endpoint(
    document: dict[str, Any], inventory: dict[str, Any]
) -> None:
    root_key = inventory["appliance_signing_key"]
    site = parse_settings(document).sites[0]
    assert site.stream_key == derive_key(root_key, "streams")
    assert site.media_key == derive_key(root_key, "media")
    assert site.snapshot_key == derive_key(root_key, "snapshots").hex()[:40]
    assert site.clip_key == derive_key(root_key, "clips").hex()[:40]
    assert [camera.audio for camera in site.cameras.values()] == ["NONE", "AAC", "G711"]
    assert [camera.doorbell for camera in site.cameras.values()] == [True, False, False]
    assert [camera.host for camera in site.cameras.values()] == ["local", "remote", "local"]
    assert list(site.cameras) == [
        "cams_example_com:front-porch",
        "cams_example_com:back-yard",
        "cams_example_com:den",
    ]


def test_who_owns_what(document: dict[str, Any]) -> None:
    settings = parse_settings(document)
    assert [site.streams_name for site in settings.sites_of(PARTNER)] == ["cams.example.com"]
    assert [site.streams_name for site in settings.sites_of(NEIGHBOUR)] == ["cams.example.net"]
    assert settings.sites_of(STRANGER) == ()


def test_at_first_nobody_may_be_known_and_no_messaging_credentials(document: dict[str, Any]) -> None:
    document["sites"][0]["owners"] = []
    document["messaging"] = None
    settings = parse_settings(document)
    assert settings.sites[0].owners == frozenset()
    assert settings.messaging is None


def test_settings_hold_neither_the_root_key_nor_how_to_reach_a_camera(
    document: dict[str, Any], inventory: dict[str, Any]
) -> None:
    text = json.dumps(document)
    for secret in (inventory["appliance_signing_key"], "hush-hush", "192.0.2.20", "viewer"):
        assert secret not in text


def test_two_streams_names_never_give_the_same_endpoint() -> None:
    names = ["a.b.example.com", "a-b.example.com", "ab.example.com"]
    assert len({endpoint_id(name, "porch") for name in names}) == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"streams_name": "192.0.2.1"}, "streams_name must be a DNS name"),
        ({"streams_name": "cams"}, "streams_name must be a DNS name"),
        ({"streams_name": "Cams.example.com"}, "lower case"),
        ({"streams_name": "cams.example.com."}, "streams_name must be a DNS name"),
        ({"streams_name": None}, "streams_name must be a DNS name"),
        ({"streams_name": ".".join(["a" * 60] * 4) + ".example"}, "streams_name is too long"),
        ({"streams_name": "cams.example.net"}, "two sites have the streams_name cams.example.net"),
        ({"clips_name": "cams.example.com"}, "must differ"),
        ({"remote_name": "cams.example.com"}, "must differ"),
        ({"remote_name": "away"}, "remote_name must be a DNS name"),
        ({"remote_name": None}, "camera back-yard is on the remote host, but the site has none"),
        ({"port": 0}, "site cams.example.com: port must be a whole number from 1 to 65535"),
        ({"port": "443"}, "port must be a whole number"),
        ({"port": True}, "port must be a whole number"),
        ({"owners": "amzn1.account.A"}, "owners must be a list of Amazon user ids"),
        ({"owners": ["someone@example.com"]}, "owners must be a list of Amazon user ids"),
        ({"sign_streams": "yes"}, "sign_streams must be true or false"),
        ({"snapshots": 1}, "snapshots must be true or false"),
        ({"media_metadata": None}, "media_metadata must be true or false"),
        ({"stream_ttl_seconds": 29}, "from 30 to 86400"),
        ({"cameras": []}, "a list of 1 to 300 cameras"),
        ({"cameras": {}}, "a list of 1 to 300 cameras"),
        ({"cameras": ["porch"]}, "camera 1 must be an object"),
        ({"colour": "red"}, "site 1: unknown colour; known are"),
    ],
)
def test_a_wrong_setting_of_a_home_is_named(document: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    document["sites"][0].update(change)
    with pytest.raises(SettingsError, match=reason):
        parse_settings(document)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lwa_client_id": ""}, "lwa_client_id must be 1 to 256"),
        ({"lwa_url": "http://api.amazon.com"}, "lwa_url must be an address"),
        ({"lwa_url": "https://api.amazon.com/auth"}, "lwa_url must be an address"),
        ({"store_url": "dynamodb"}, "store_url must be an address"),
        ({"messaging": {"client_id": "x"}}, "messaging: missing client_secret"),
        ({"messaging": "x"}, "messaging must be an object"),
        ({"table": "no/table"}, "table must be a DynamoDB table's name"),
        ({"region": "EU"}, "region must be an AWS region"),
        ({"sites": []}, "sites must be a list of at least one home"),
        ({"sites": ["home"]}, "site 1 must be an object"),
        ({"colour": "red"}, "the settings: unknown colour; known are"),
    ],
)
def test_a_wrong_setting_is_named(document: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        parse_settings({**document, **change})


def test_more_cameras_than_alexa_takes_for_one_account_are_refused(document: dict[str, Any]) -> None:
    for site in document["sites"]:
        site["cameras"] = [{**site["cameras"][0], "id": f"c{n}", "name": f"Camera {n}"} for n in range(151)]
    parse_settings(document)
    document["sites"][1]["owners"] = document["sites"][0]["owners"]
    with pytest.raises(SettingsError, match="owns 302 cameras; Alexa takes at most 300"):
        parse_settings(document)


def test_a_messaging_secret_is_not_shown(document: dict[str, Any]) -> None:
    document["messaging"]["client_secret"] = "se cret"
    with pytest.raises(SettingsError, match="client_secret must be 1 to 512") as refusal:
        parse_settings(document)
    assert "se cret" not in str(refusal.value)


@pytest.mark.parametrize("key", ["stream_key", "snapshot_key", "clip_key", "media_key"])
@pytest.mark.parametrize("spoil", [lambda good: good[:-1], lambda good: good[:-1] + "G", lambda _good: 5])
def test_a_wrong_key_is_named_but_not_shown(document: dict[str, Any], key: str, spoil: Any) -> None:
    bad = document["sites"][1][key] = spoil(document["sites"][1][key])
    with pytest.raises(SettingsError, match=f"site cams.example.net: {key} must be") as refusal:
        parse_settings(document)
    assert str(bad)[:10] not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": "Front"}, "camera 2: id must be"),
        ({"id": "-front"}, "camera 2: id must be"),
        ({"id": "a" * 33}, "camera 2: id must be"),
        ({"id": "a/b"}, "camera 2: id must be"),
        ({"id": "front-porch"}, "two cameras have the id front-porch"),
        ({"name": "FRONT porch"}, "cameras front-porch and back-yard are both called"),
        ({"name": "Back, yard"}, "camera back-yard: the name 'Back, yard' contains ','"),
        ({"name": 7}, "camera back-yard: name must be text"),
        ({"manufacturer": ""}, "camera back-yard: manufacturer must be"),
        ({"manufacturer": "x" * 129}, "camera back-yard: manufacturer must be 1 to 128"),
        ({"model": "x" * 257}, "camera back-yard: model must be 1 to 256"),
        ({"width": 0}, "camera back-yard: width must be"),
        ({"height": 720.0}, "camera back-yard: height must be"),
        ({"audio": "opus"}, "audio must be one of none, aac, g711"),
        ({"audio": ["aac"]}, "audio must be one of none, aac, g711"),
        ({"doorbell": "yes"}, "camera back-yard: doorbell must be true or false"),
        ({"host": "cloud"}, "camera back-yard: host must be one of local, remote"),
        ({"url": "rtsp://x"}, "camera 2: unknown url"),
    ],
)
def test_a_wrong_camera_is_named(document: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    document["sites"][0]["cameras"][1].update(change)
    with pytest.raises(SettingsError, match=reason):
        parse_settings(document)


def test_every_setting_is_required(document: dict[str, Any]) -> None:
    for key in document:
        with pytest.raises(SettingsError, match=f"the settings: missing {key}"):
            parse_settings({name: value for name, value in document.items() if name != key})


def test_every_field_of_a_home_is_required(document: dict[str, Any]) -> None:
    whole = document["sites"][0]
    for key in whole:
        document["sites"] = [{name: value for name, value in whole.items() if name != key}]
        with pytest.raises(SettingsError, match=f"site 1: missing {key}"):
            parse_settings(document)


def test_every_field_of_a_camera_is_required(document: dict[str, Any]) -> None:
    whole = document["sites"][0]["cameras"][0]
    for key in whole:
        document["sites"][0]["cameras"] = [{name: value for name, value in whole.items() if name != key}]
        with pytest.raises(SettingsError, match=f"camera 1: missing {key}"):
            parse_settings(document)


def test_a_file_that_is_not_json_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"stream_key": "5ec4e7')
    with pytest.raises(SettingsError, match=r"settings\.json is not JSON") as refusal:
        load_settings(path)
    assert "5ec4e7" not in str(refusal.value)


def test_the_file_gives_what_the_document_gives(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(document))
    assert load_settings(path) == parse_settings(document)
