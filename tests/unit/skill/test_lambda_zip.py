"""The zip: equal inputs give equal bytes, it holds only what runs, and keys are handled with care."""

import hashlib
import json
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.lambda_zip import build, settings_from_inventory
from alexa_ip_cam.skill.settings import SettingsError, parse_settings


def test_equal_inputs_give_equal_bytes(document: dict[str, Any], tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    digest = build(document, first)
    reordered = dict(reversed(document.items()))
    assert build(reordered, second) == digest
    assert first.read_bytes() == second.read_bytes()
    assert hashlib.sha256(first.read_bytes()).hexdigest() == digest


def test_other_settings_give_another_digest(document: dict[str, Any], tmp_path: Path) -> None:
    digest = build(document, tmp_path / "skill.zip")
    assert build({**document, "table": "another"}, tmp_path / "skill.zip") != digest


def test_the_zip_holds_only_what_runs(archive: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
        assert all((info.external_attr >> 16) == 0o100644 for info in content.infolist())
    assert names == sorted(names)
    assert {name.rpartition("/")[0] for name in names} == {
        "",
        "alexa_ip_cam",
        "alexa_ip_cam/alexa",
        "alexa_ip_cam/skill",
    }
    assert {name for name in names if name.count("/") < 2} == {
        "handler.py",
        "settings.json",
        "alexa_ip_cam/__init__.py",
        "alexa_ip_cam/media_id.py",
        "alexa_ip_cam/self_check.py",
        "alexa_ip_cam/signing.py",
    }
    assert archive.stat().st_size < 1_000_000


def test_only_the_owner_can_read_the_zip_whatever_was_there(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "skill.zip"
    path.write_text("an older one")
    path.chmod(0o644)
    build(document, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_bad_settings_leave_the_old_zip_alone(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "skill.zip"
    path.write_text("an older one")
    with pytest.raises(SettingsError, match="region"):
        build({**document, "region": "home"}, path)
    assert path.read_text() == "an older one"


def make(*homes: dict[str, Any], **options: Any) -> dict[str, Any]:
    return settings_from_inventory(*homes, table="a-table", region="eu-west-1", **options)


def test_without_more_the_settings_lead_to_amazon(inventory: dict[str, Any]) -> None:
    for name in ("skill_owners", "skill_media_metadata"):
        del inventory[name]
    document = make(inventory)
    parse_settings(document)
    assert document["lwa_url"] == "https://api.amazon.com"
    assert (document["messaging"], document["store_url"]) == (None, None)
    (site,) = document["sites"]
    assert (site["owners"], site["sign_streams"], site["stream_ttl_seconds"], site["port"]) == ([], True, 300, 443)
    assert (site["snapshots"], site["media_metadata"]) == (True, False)


def test_the_inventory_decides(inventory: dict[str, Any]) -> None:
    inventory.update(gateway_enabled=False, skill_snapshots=False, skill_stream_ttl_seconds=60, skill_host="remote")
    (site,) = make(inventory, messaging={"client_id": "a", "client_secret": "b"})["sites"]
    assert (site["sign_streams"], site["snapshots"], site["stream_ttl_seconds"]) == (False, False, 60)
    assert [camera["host"] for camera in site["cameras"]] == ["remote", "remote", "remote"]
    inventory["cameras"][0]["host"] = "local"
    (site,) = make(inventory)["sites"]
    assert [camera["host"] for camera in site["cameras"]] == ["local", "remote", "remote"]


def test_a_remote_name_left_empty_is_none(inventory: dict[str, Any]) -> None:
    (site,) = make({**inventory, "appliance_remote_name": ""})["sites"]
    assert site["remote_name"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"appliance_signing_key": "short"}, "appliance_signing_key: the signing key must be 64 .*openssl rand"),
        ({"appliance_signing_key": 123}, "appliance_signing_key must be 64 .* in quotes"),
    ],
)
def test_an_inventory_that_cannot_be_used_says_why(
    inventory: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SettingsError, match=reason):
        make({**inventory, **change})


@pytest.mark.parametrize("name", ["appliance_clips_name", "appliance_signing_key", "cameras", "skill_lwa_client_id"])
def test_a_missing_variable_is_named(inventory: dict[str, Any], name: str) -> None:
    del inventory[name]
    with pytest.raises(SettingsError, match=f"has no {name}"):
        make(inventory)


def test_homes_that_link_through_different_clients_have_no_common_skill(inventory: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="must be the same for all homes"):
        make(inventory, {**inventory, "skill_lwa_client_id": "amzn1.application-oa2-client.other"})


def test_a_camera_that_lacks_a_field_is_refused_by_the_build(inventory: dict[str, Any], tmp_path: Path) -> None:
    del inventory["cameras"][1]["model"]
    with pytest.raises(SettingsError, match="camera 2: missing model"):
        build(make(inventory), tmp_path / "skill.zip")


def run(out: Path, text: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alexa_ip_cam.lambda_zip", str(out)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=20)


def test_the_command_takes_settings_from_standard_input(document: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "skill.zip"
    result = run(out, json.dumps(document))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip() == hashlib.sha256(out.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "reason"), [("{", "settings: standard input is not JSON"), ("{}", "settings: the settings: missing")]
)
def test_the_command_refuses_bad_settings_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    result = run(tmp_path / "skill.zip", text)
    assert result.returncode == 1
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
