"""Cameras that are gone, from the gateway's status file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.alarm import cameras
from alexa_ip_cam.alarm.board import Board

WELL = {"connected": True, "problem": None, "warm": "always"}
GONE = {"connected": False, "problem": "the camera went silent", "warm": "always"}


class Watch:
    """The watcher, its files and a clock."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (directory / "raised").mkdir()
        self.board = Board(directory)
        self.status, self.memory = directory / "status.json", directory / "cameras.json"
        self.now = time.time()
        monkeypatch.setattr(time, "time", lambda: self.now)

    def __call__(self, minutes: float, **states: dict[str, Any]) -> list[str]:
        """Let time go by with the cameras in these states; returns what is raised then."""
        for _ in range(max(1, int(minutes / 5))):
            self.status.write_text(json.dumps({"cameras": states}))
            os.utime(self.status, (self.now, self.now))
            cameras.watch(self.status, self.board, self.memory)
            self.now += 300
        return list(self.board.alarms())

    def without_gateway(self, minutes: float) -> list[str]:
        for _ in range(int(minutes / 5)):
            cameras.watch(self.status, self.board, self.memory)
            self.now += 300
        return list(self.board.alarms())


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(tmp_path, monkeypatch)


def test_a_camera_that_is_gone_for_an_hour_is_an_alarm(watch: Watch) -> None:
    assert watch(30, garage=WELL) == []
    assert watch(60, garage=GONE) == []
    assert watch(10, garage=GONE, porch=WELL) == ["camera-garage"]
    text = watch.board.alarms()["camera-garage"].text
    assert "camera garage gives no pictures (the camera went silent) for an hour or longer" in text
    assert watch(5, garage=WELL) == []


def test_one_that_comes_and_goes_has_not_been_gone_for_an_hour(watch: Watch) -> None:
    for _ in range(5):
        assert watch(50, garage=GONE) == []
        assert watch(5, garage=WELL) == []


@pytest.mark.parametrize("problem", [None, "nobody watches"])
def test_an_on_demand_camera_that_sleeps_is_well(watch: Watch, problem: str | None) -> None:
    asleep = {"connected": False, "problem": problem, "warm": "on_demand"}
    assert watch(120, garage=asleep) == []
    assert watch(120, garage={**asleep, "problem": "the camera sends nothing"}) == ["camera-garage"]


def test_a_camera_that_is_taken_out_is_no_alarm_any_more(watch: Watch) -> None:
    assert watch(120, garage=GONE) == ["camera-garage"]
    assert watch(5, porch=WELL) == []


def test_a_gateway_that_writes_no_status_is_one_alarm(watch: Watch) -> None:
    assert watch(120, garage=GONE, porch=WELL) == ["camera-garage"]
    assert watch.without_gateway(120) == ["camera-garage", "gateway"]
    assert watch(5, garage=GONE, porch=WELL) == ["camera-garage"]


def test_other_alarms_are_left_alone(watch: Watch) -> None:
    watch.board.raise_alarm("renewal", "three times in a row")
    assert watch(10, garage=WELL) == ["renewal"]


def test_a_clock_that_was_in_the_future_does_not_hide_a_camera(watch: Watch) -> None:
    watch(5, garage=GONE)
    watch.now -= 365 * 86400
    assert watch(70, garage=GONE) == ["camera-garage"]
