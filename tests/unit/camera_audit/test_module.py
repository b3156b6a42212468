"""The module as Ansible runs it, what it remembers, and its table."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.appliance.camera_audit import Finding, table

from unit.camera_audit.scripted_camera import Script, camera

Run = Callable[..., dict[str, Any]]
SECRET = "s3cret-of-the-camera"

pytestmark = pytest.mark.usefixtures("no_waiting")


def off() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"rtsp://127.0.0.1:{unused.getsockname()[1]}/x"


def test_good_and_bad_cameras_at_once(run_module: Run, clip: list[list[bytes]]) -> None:
    size = {"width": 320, "height": 180}
    with camera(Script(clip, auth="digest", user=("viewer", SECRET))) as url:
        good = {"id": "good", "url": url, "username": "viewer", "password": SECRET, **size}
        wrong = {**good, "id": "wrong", "password": "not-this-one"}
        result = run_module("rtsp_probe", {"cameras": [good, wrong, {"id": "off", "url": off(), **size}]})
    assert result["failing"] == ["wrong", "off"]
    assert result["changed"] is False
    assert {one["level"] for one in result["cameras"]["good"]["findings"]} == {"good"}
    assert result["cameras"]["good"]["observed"]["profile"] == "Main"
    assert [line.split()[:2] for line in result["lines"]] == [
        ["good", "good"],
        ["wrong", "good"],
        ["wrong", "fails"],
        ["off", "fails"],
    ]
    assert SECRET not in str(result)
    assert "not-this-one" not in str(result)


def test_a_fit_camera_is_looked_at_again_only_when_something_is_new(
    run_module: Run, clip: list[list[bytes]], tmp_path: Path
) -> None:
    memory = tmp_path / "memory.json"
    script = Script(clip)
    with camera(script) as url:
        fit = {"id": "fit", "url": url, "width": 320, "height": 180}
        arguments: dict[str, Any] = {"cameras": [fit, {**fit, "id": "big", "width": 640}], "memory": str(memory)}

        def looked_at(*, check: bool = False, **changes: Any) -> set[str]:
            return set(run_module("rtsp_probe", arguments | changes, check=check)["cameras"])

        assert looked_at(check=True) == {"fit", "big"}
        assert not memory.exists()
        assert looked_at() == {"fit", "big"}
        assert memory.stat().st_mode & 0o777 == 0o600
        assert looked_at() == {"big"}
        assert looked_at(everything=True) == {"fit", "big"}
        assert looked_at(nal_bytes_most=300_000) == {"fit", "big"}
        assert looked_at(cameras=[{**fit, "audio": "aac"}]) == {"fit"}
        assert looked_at(cameras=[fit]) == {"fit"}
        memory.write_text("{broken")
        assert looked_at(cameras=[fit]) == {"fit"}
        assert looked_at(cameras=[fit]) == set()


def test_the_table_is_aligned_and_good_news_share_a_line() -> None:
    found = {
        "porch": [Finding("good", "codec", "H.264"), Finding("fails", "size", "it is wrong", "set it")],
        "yard": [Finding("good", "codec", "H.264"), Finding("good", "size", "1x1")],
    }
    assert table.lines(found, whole=False) == [
        "porch  good   -     H.264",
        "porch  fails  size  it is wrong -> set it",
        "yard   good   -     H.264, 1x1",
    ]
    assert len(table.lines(found, whole=True)) == 4
    assert table.lines({}, whole=True) == []
