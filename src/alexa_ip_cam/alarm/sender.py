"""Tell each channel what it has not been told; a channel that fails is told again at the next run."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from alexa_ip_cam.alarm import channels, rules
from alexa_ip_cam.alarm.board import Board
from alexa_ip_cam.alarm.channels import ChannelError, Letter
from alexa_ip_cam.alarm.files import read_json, write_json
from alexa_ip_cam.alarm.settings import Settings, webhook

Deliver = Callable[[Letter], None]


def ways(settings: Settings) -> dict[str, Deliver]:
    """How each channel is told, by name."""

    def by_webhook(letter: Letter) -> None:
        try:
            target = webhook()
        except ValueError as error:
            raise ChannelError(str(error)) from None
        channels.to_webhook(letter, target)

    return {
        "journal": channels.to_journal,
        "mail": lambda letter: channels.to_mail(letter, settings.mail),
        "webhook": by_webhook,
    }


class Ledger:
    """What one channel has been told, and how its last attempt went; below the board's directory."""

    def __init__(self, directory: Path, channel: str) -> None:
        self._path = directory / f"told-{channel}.json"

    def told(self) -> dict[str, rules.Told]:
        """By the alarm's key; entries of another form are left out, so that they are told again."""
        found = {}
        for key, value in read_json(self._path).get("told", {}).items():
            try:
                found[key] = rules.Told(
                    str(value["text"]), float(value["since"]), float(value["at"]), well=bool(value["well"])
                )
            except (KeyError, TypeError, ValueError):
                continue
        return found

    def problem(self) -> str:
        """Why the last attempt failed; empty when it did not."""
        return str(read_json(self._path).get("problem", ""))

    def tried(self) -> float:
        """When the last attempt was, in Unix seconds."""
        tried = read_json(self._path).get("tried", 0.0)
        return float(tried) if isinstance(tried, int | float) else 0.0

    def keep(self, told: dict[str, rules.Told], problem: str = "") -> None:
        """Write it down."""
        entries = {key: asdict(last) for key, last in told.items()}
        write_json(self._path, {"told": entries, "problem": problem, "tried": time.time()})


def send(board: Board, directory: Path, settings: Settings, channel: str, deliver: Deliver) -> str:
    """Tell one channel what is due; returns why it could not be told, or an empty string.

    Raises:
        OSError: what was told cannot be written down.
    """
    ledger = Ledger(directory, channel)
    told, now = ledger.told(), time.time()
    raised = board.alarms()
    messages = rules.due(raised, told, now)
    if messages:
        try:
            deliver(channels.letter(settings.name, messages))
        except ChannelError as error:
            ledger.keep(told, str(error))
            return str(error)
    after = rules.after(raised, told, messages, now)
    if messages or after != told or ledger.problem():
        ledger.keep(after)
    return ""


def forget_tests(board: Board, directory: Path, settings: Settings) -> None:
    """Take down each test that all channels have been told."""
    told = [Ledger(directory, channel).told() for channel in settings.channels]
    for key, alarm in board.alarms().items():
        if alarm.test and all(key in each and each[key].since == alarm.since for each in told):
            board.clear(key)
