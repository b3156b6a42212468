"""A full disk at every step: no recording lost, none doubled, no crash, and nobody has to help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.machine


def scenario(name: str, directory: Path) -> Any:
    """Run a scenario of `machine.full_disk`, with mounts that nobody else sees."""
    film = directory / "film.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc=size=320x240:rate=15", "-t", "10", "-c:v", "libx264"]
    command = ["ffmpeg", "-v", "error", *picture, "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(film)]
    subprocess.run(command, check=True)
    argv = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "machine.full_disk", name]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}
    done = subprocess.run(
        [*argv, str(directory), str(film)], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_at_every_step(tmp_path: Path) -> None:
    told = scenario("steps", tmp_path)
    reached = {ended.split(":")[0] for ended in told["ended"].values()}
    assert reached == {
        "open the database",
        "note the recording down",
        "make the clip",
        "note the clip down",
        "done",
    }, told["ended"]
    for end in told["ends"]:
        assert end == {
            "outcome": "done",
            "clips": 1,
            "whole": True,
            "left over": [],
            "messages": [["MediaCreatedOrUpdated"]],
            "database": "ok",
        }, told


def test_the_service_waits_for_room_and_goes_on(tmp_path: Path) -> None:
    told = scenario("service", tmp_path)
    assert told.pop("messages") == ["MediaCreatedOrUpdated"] * 3, told["log"]
    log = told.pop("log")
    assert "Traceback" not in log, log
    assert told == {"began": True, "alive": True, "none while full": True, "all when there was room": True, "exit": 0}
