"""When a channel is told what."""

from __future__ import annotations

import pytest

from alexa_ip_cam.alarm.board import Alarm
from alexa_ip_cam.alarm.rules import HOLD_SECONDS, REPEAT_SECONDS, Told, after, due

QUARTER = 900.0


class Channel:
    """A channel, and a clock that goes on in quarters of an hour."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.told: dict[str, Told] = {}
        self.raised: dict[str, Alarm] = {}
        self.sent: list[tuple[float, str, str]] = []

    def put(self, key: str, text: str = "it is broken", *, test: bool = False) -> None:
        self.raised[key] = Alarm(key, text, self.now, test)

    def run(self, seconds: float = 0.0, *, works: bool = True) -> list[str]:
        """Let time go on; returns the kinds of what was sent."""
        until, before = self.now + seconds, len(self.sent)
        while True:
            messages = due(self.raised, self.told, self.now)
            if works:
                self.sent += [(self.now, message.kind, message.key) for message in messages]
                self.told = after(self.raised, self.told, messages, self.now)
            if self.now >= until:
                return [kind for _, kind, _ in self.sent[before:]]
            self.now += QUARTER


@pytest.fixture
def channel() -> Channel:
    return Channel()


def test_an_alarm_is_told_once_then_daily_then_that_all_is_well(channel: Channel) -> None:
    channel.put("camera-garage")
    assert channel.run(3600) == ["raised"]
    assert channel.run(3 * REPEAT_SECONDS) == ["again", "again", "again"]
    del channel.raised["camera-garage"]
    assert channel.run(REPEAT_SECONDS) == ["well"]
    assert channel.told == {}


def test_nothing_is_told_of_what_came_and_went_between_two_runs(channel: Channel) -> None:
    channel.put("camera-garage")
    del channel.raised["camera-garage"]
    assert channel.run(REPEAT_SECONDS) == []


def test_a_channel_that_fails_is_told_later(channel: Channel) -> None:
    channel.put("renewal")
    assert channel.run(7200, works=False) == []
    assert channel.run() == ["raised"]


def test_one_that_flutters_is_told_at_most_once_an_hour(channel: Channel) -> None:
    for _ in range(96):
        channel.put("camera-garage")
        channel.run(QUARTER)
        channel.raised.clear()
        channel.run(QUARTER)
    hours = 96 * 2 * QUARTER / HOLD_SECONDS
    assert 2 < len([kind for _, kind, _ in channel.sent if kind == "raised"]) <= hours
    assert len([kind for _, kind, _ in channel.sent if kind == "again"]) == 0


def test_a_newer_text_is_told_with_the_next_repetition_only(channel: Channel) -> None:
    channel.put("certificate", "9 days left")
    channel.run()
    channel.raised["certificate"] = Alarm("certificate", "8 days left", channel.now)
    assert channel.run(7200) == []
    assert [message.text for message in due(channel.raised, channel.told, channel.now + REPEAT_SECONDS)] == [
        "8 days left"
    ]


def test_a_clock_that_was_in_the_future_does_not_silence(channel: Channel) -> None:
    channel.put("renewal")
    channel.now += 10 * 365 * REPEAT_SECONDS
    channel.run()
    channel.now -= 10 * 365 * REPEAT_SECONDS
    assert channel.run() == ["again"]


def test_a_test_is_told_once_and_never_becomes_well(channel: Channel) -> None:
    channel.put("test", test=True)
    assert channel.run(7200) == ["test"]
    channel.raised.clear()
    assert channel.run(2 * REPEAT_SECONDS) == []
    channel.put("test", test=True)
    assert channel.run() == ["test"]


def test_messages_are_in_the_order_of_their_keys(channel: Channel) -> None:
    for key in ("renewal", "camera-a", "events-grant"):
        channel.put(key)
    channel.run()
    assert [key for _, _, key in channel.sent] == ["camera-a", "events-grant", "renewal"]
