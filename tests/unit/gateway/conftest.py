"""Clocks are looked at more often than in earnest, so that tests of time-outs are short."""

import pytest


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexa_ip_cam.gateway.server._TICK_SECONDS", 0.05)
