"""What a channel has to be told: new alarms at once, the same again each day, and that all is well again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from alexa_ip_cam.alarm.board import Alarm

REPEAT_SECONDS = 86_400.0
HOLD_SECONDS = 3_600.0
"""An alarm that comes back sooner than this after "well again" waits: one that flutters is told once an hour."""

Kind = Literal["raised", "again", "well", "test"]


@dataclass(frozen=True)
class Told:
    """The last that a channel was told about an alarm. `at` and the alarm's `since` are in Unix seconds."""

    text: str
    since: float
    at: float
    well: bool = False


@dataclass(frozen=True)
class Message:
    """One thing to tell."""

    kind: Kind
    key: str
    text: str
    since: float


def due(raised: Mapping[str, Alarm], told: Mapping[str, Told], now: float) -> list[Message]:
    """What to tell now, in the order of the keys."""
    messages = []
    for key, alarm in sorted(raised.items()):
        kind = _kind(alarm, told.get(key), now)
        if kind is not None:
            messages.append(Message(kind, key, alarm.text, alarm.since))
    for key, last in sorted(told.items()):
        if key not in raised and not last.well:
            messages.append(Message("well", key, last.text, last.since))
    return messages


def _kind(alarm: Alarm, last: Told | None, now: float) -> Kind | None:
    if alarm.test:
        return "test" if last is None or last.since != alarm.since else None
    if last is None:
        return "raised"
    # A time in the future is one of a clock that was wrong.
    age = now - last.at if last.at <= now else REPEAT_SECONDS
    if last.well:
        return "raised" if age >= HOLD_SECONDS else None
    return "again" if age >= REPEAT_SECONDS else None


def after(
    raised: Mapping[str, Alarm], told: Mapping[str, Told], messages: list[Message], now: float
) -> dict[str, Told]:
    """What the channel has been told once the messages are out; what no longer matters is dropped."""
    kept = {
        key: last for key, last in told.items() if key in raised or not last.well or abs(now - last.at) < HOLD_SECONDS
    }
    for message in messages:
        # A test leaves nothing to become well.
        well = message.kind in ("well", "test")
        kept[message.key] = Told(message.text, message.since, now, well=well)
    return kept
