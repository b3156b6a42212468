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
from alexa_ip_cam.skill.settings import SettingsError


def test_equal_inputs_give_equal_bytes(document: dict[str, Any], tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    digest = build(document, first)
    reordered = dict(reversed(document.items()))
    assert build(reordered, second) == digest
    assert first.read_bytes() == second.read_bytes()
    assert hashlib.sha256(first.read_bytes()).hexdigest() == digest


def test_other_settings_give_another_digest(document: dict[str, Any], tmp_path: Path) -> None:
    digest = build(document, tmp_path / "skill.zip")
    assert build({**document, "sign_streams": False}, tmp_path / "skill.zip") != digest


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
    with pytest.raises(SettingsError, match="port"):
        build({**document, "port": "443"}, path)
    assert path.read_text() == "an older one"


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
        settings_from_inventory({**inventory, **change}, sign_streams=True)


def test_a_missing_variable_is_named(inventory: dict[str, Any]) -> None:
    del inventory["appliance_clips_name"]
    with pytest.raises(SettingsError, match="has no appliance_clips_name"):
        settings_from_inventory(inventory, sign_streams=True)


def test_a_camera_that_lacks_a_field_is_refused_by_the_build(inventory: dict[str, Any], tmp_path: Path) -> None:
    del inventory["cameras"][1]["model"]
    with pytest.raises(SettingsError, match="camera 2: missing model"):
        build(settings_from_inventory(inventory, sign_streams=True), tmp_path / "skill.zip")


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
