"""From the ancestor's three files to an inventory, and what is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.appliance import inventory as rules

from alexa_ip_cam.ancestor import shell_files
from alexa_ip_cam.ancestor.__main__ import main
from filter_plugins.cameras import live555_port

VARS = """\
# Cameras of the house.
CAM_1=alexa:tell-nobody-1@192.168.7.15
export CAM_2="alexa:p%40ss:word/2@192.168.7.16:1554"
CAM_3='192.168.7.17'
"""
PROXY = """\
. /home/owner/cams/vars.sh
# live555ProxyServer makes proxyStream-n of its n-th URL.
/home/owner/live/proxyServer/live555ProxyServer -t -p 8554 \\
  "rtsp://$CAM_1/axis-media/media.amp?streamprofile=echo&camera=2" \\
  rtsp://${CAM_2}/live \\
  rtsp://$CAM_3/stream1 > /dev/null 2>&1 &
"""


def camera(number: int, name: str, **other: Any) -> dict[str, Any]:
    return {
        "endpointId": str(number),
        "manufacturerName": "Axis",
        "manufacturerId": "",
        "modelName": "M3045",
        "friendlyName": name,
        "description": name,
        "resolutions": [{"width": 1280, "height": 720}],
        "videoCodecs": ["H264"],
        "audioCodecs": ["NONE"],
        "uri": f"rtsp://cams.example.net:443/proxyStream-{number}",
        **other,
    }


CONFIG: dict[str, Any] = {
    "amzn": {"clientId": "amzn1.application-oa2-client.1", "clientSecret": "tell-nobody-2", "grantCode": "ANcode"},
    "mongodb": {"mongodbUrl": "mongodb://127.0.0.1:27017/uploads", "mongodbCollection": "uploads"},
    "recordings": {"recordingsBasePath": "/nvr/share/", "videoUriBase": "https://clips.example.net:9443"},
    "cameras": [
        camera(1, "Garden Gate Camera", manufacturerId="axis-ACCC8E0000AA"),
        camera(3, "Cellar", audioCodecs=["G711"], manufacturerName="Other"),
        camera(2, "Hof Süd", resolutions=[{"width": 720, "height": 1280}]),
    ],
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Call ``write(config=..., vars_sh=..., proxy=...)`` for the ancestor's folder."""

    def make(config: object = CONFIG, vars_sh: str = VARS, proxy: str = PROXY) -> Path:
        folder = tmp_path / "ancestor"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
        (folder / "vars.sh").write_text(vars_sh)
        (folder / "proxy-start.sh").write_text(proxy)
        return folder

    return make


def run(folder: Path, target: Path, *more: str) -> int:
    return main([str(folder), str(target), "--address", "192.168.7.2", *more])


def test_the_inventory_holds_what_the_files_said(write: Callable[..., Path], tmp_path: Path) -> None:
    target = tmp_path / "inventory"
    assert run(write(), target) == 0
    found = yaml.safe_load((target / "group_vars/all/cameras.yml").read_text())["cameras"]
    assert found == [
        {
            "id": "garden-gate",
            "name": "Garden Gate Camera",
            "url": "rtsp://192.168.7.15/axis-media/media.amp?streamprofile=echo&camera=2",
            "username": "alexa",
            "password": "{{ vault_garden_gate_password }}",
            "manufacturer": "Axis",
            "model": "M3045",
            "width": 1280,
            "height": 720,
            "audio": "none",
            "recordings": {"type": "axis", "path": "/nvr/share/axis-ACCC8E0000AA"},
        },
        {
            "id": "cellar",
            "name": "Cellar",
            "url": "rtsp://192.168.7.17/stream1",
            "manufacturer": "Other",
            "model": "M3045",
            "width": 1280,
            "height": 720,
            "audio": "g711",
        },
        {
            "id": "hof-sud",
            "name": "Hof Süd",
            "url": "rtsp://192.168.7.16:1554/live",
            "username": "alexa",
            "password": "{{ vault_hof_sud_password }}",
            "manufacturer": "Axis",
            "model": "M3045",
            "width": 720,
            "height": 1280,
            "audio": "none",
        },
    ]
    vault = yaml.safe_load((target / "group_vars/all/vault.yml").read_text())
    assert vault == {"vault_garden_gate_password": "tell-nobody-1", "vault_hof_sud_password": "p@ss:word/2"}
    names = yaml.safe_load((target / "group_vars/all/appliance.yml").read_text())
    assert (names["appliance_streams_name"], names["appliance_clips_name"]) == ("cams.example.net", "clips.example.net")
    assert "signing-key.txt" in names["appliance_signing_key"]
    assert (
        yaml.safe_load((target / "hosts.yml").read_text())["appliance"]["hosts"]["cams"]["ansible_host"]
        == "192.168.7.2"
    )


def test_the_rules_of_the_inventory_take_it(write: Callable[..., Path], tmp_path: Path) -> None:
    target = tmp_path / "inventory"
    run(write(), target)
    found = yaml.safe_load((target / "group_vars/all/cameras.yml").read_text())["cameras"]
    assert rules.cameras_problems(found, lambda camera_id: live555_port({"id": camera_id}), {}) == []


def test_secrets_are_in_the_vault_alone(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "inventory"
    run(write(), target)
    vault = target / "group_vars/all/vault.yml"
    assert vault.stat().st_mode & 0o777 == 0o600
    others = [path for path in target.rglob("*") if path.is_file() and path != vault]
    shown = capsys.readouterr()
    for text in [*(path.read_text() for path in others), shown.out, shown.err]:
        assert "tell-nobody" not in text
        assert "p@ss" not in text
    assert "certbot_dns_plugin" in shown.out


def test_an_inventory_is_never_written_over(write: Callable[..., Path], tmp_path: Path) -> None:
    target = tmp_path / "inventory"
    target.mkdir()
    assert run(write(), target) == 1
    assert list(target.iterdir()) == []


def test_a_second_dns_name_is_asked_for(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = copy.deepcopy(CONFIG)
    config["recordings"]["videoUriBase"] = "https://cams.example.net:9443"
    target = tmp_path / "inventory"
    assert run(write(config), target) == 1
    assert "--clips-name" in capsys.readouterr().err
    assert run(write(config), target, "--clips-name", "films.example.net") == 0
    names = yaml.safe_load((target / "group_vars/all/appliance.yml").read_text())
    assert names["appliance_clips_name"] == "films.example.net"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"videoCodecs": ["MPEG4"]}, "camera 1 (Garden Gate Camera): videoCodecs must be H264 alone"),
        ({"audioCodecs": ["NONE", "AAC"]}, "audioCodecs must be one of NONE, AAC, G711"),
        ({"resolutions": [{"width": 1280, "height": 720}, {"width": 640, "height": 360}]}, "the one width and height"),
        ({"manufacturerId": "wyze-1"}, "its manufacturerId is none of an Axis camera"),
        ({"uri": "rtsp://cams.example.net:443/other"}, "its uri must be rtsp://NAME:443/proxyStream-N"),
        ({"uri": "rtsp://cams.example.net:8443/proxyStream-1"}, "its uri must have port 443"),
        ({"uri": "rtsp://cams.example.net:443/proxyStream-9"}, "names proxyStream-9, and proxy-start.sh has 3 URLs"),
        ({"uri": "rtsp://elsewhere.example.net:443/proxyStream-1"}, "name several hosts"),
        ({"friendlyName": " "}, "camera 1 has no friendlyName"),
        ({"friendlyName": "Cellar Camera"}, "its friendlyName makes no id that no other camera has"),
    ],
)
def test_cameras_that_cannot_be_carried_are_named(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], told: str
) -> None:
    config = copy.deepcopy(CONFIG)
    config["cameras"][0] |= change
    assert run(write(config), tmp_path / "inventory") == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "inventory").exists()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"config": "{"}, "is no JSON"),
        ({"config": {"amzn": {}}}, "has no list of cameras"),
        ({"vars_sh": "CAM_1=$(cat secret)\n"}, "vars.sh, line 1 asks a program for CAM_1"),
        ({"vars_sh": VARS + "rm -rf /tmp/x\n"}, "vars.sh, line 5 does more than set variables"),
        ({"vars_sh": "CAM_1='x\n"}, "vars.sh, line 1 has a quotation mark"),
        ({"vars_sh": "CAM_1=x\n"}, "uses $CAM_2, which vars.sh does not set"),
        ({"proxy": "#!/bin/bash\n"}, "calls live555ProxyServer 0 times"),
        ({"proxy": "live555ProxyServer -R rtsp://$CAM_1/\n"}, "the option -R, which has no counterpart"),
        ({"proxy": "live555ProxyServer -v &\n"}, "no camera's URL"),
        ({"proxy": "live555ProxyServer http://$CAM_1/\n"}, "URL number 1 does not begin with rtsp://"),
    ],
)
def test_files_that_cannot_be_carried_are_named(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, Any], told: str
) -> None:
    assert run(write(**files), tmp_path / "inventory") == 1
    shown = capsys.readouterr().err
    assert told in shown
    assert "tell-nobody" not in shown
    assert not (tmp_path / "inventory").exists()


def test_a_missing_file_is_named(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write()
    (folder / "vars.sh").unlink()
    assert run(folder, tmp_path / "inventory") == 1
    assert "vars.sh: No such file" in capsys.readouterr().err


def test_one_log_in_for_all_cameras_is_taken() -> None:
    (stream,) = shell_files.streams("./live555ProxyServer -u viewer secret rtsp://10.0.0.1/live\n", {})
    assert stream == shell_files.Stream("rtsp://10.0.0.1/live", "viewer", "secret")


def test_a_stream_that_no_camera_uses_is_told(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {**CONFIG, "cameras": CONFIG["cameras"][:2]}
    assert run(write(config), tmp_path / "inventory") == 0
    assert "stream 2 was no camera" in capsys.readouterr().out
