"""``alexa-ip-cam-alarm``: raise and clear alarms, look at them, and try whether they would reach the owner.

raise KEY TEXT    something is wrong: TEXT says what and how to mend it (``-`` reads it from standard input)
clear KEY         it is well again
list              what is raised
test              send a test by every way, and say whether each took it
send CHANNEL...   tell these channels what they have not been told (systemd does this)
cameras FILE      look at the gateway's status file for cameras that are gone (systemd does this)
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from alexa_ip_cam.alarm import cameras, sender
from alexa_ip_cam.alarm.board import BOARD, Board
from alexa_ip_cam.alarm.settings import SETTINGS, load

_TEST_KEY = "test"
_TEST_SECONDS = 90.0
_MOST_ROUNDS = 5
_TEST_TEXT = "this is only a test. Alarms of this appliance reach you."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    board = Board(options.board)
    try:
        match options.command:
            case "raise":
                board.raise_alarm(options.key, sys.stdin.read() if options.text == "-" else options.text)
            case "clear":
                board.clear(options.key)
            case "list":
                _list(board)
            case "test":
                return _test(board, options)
            case "send":
                return _send(board, options)
            case "cameras":
                cameras.watch(options.file, board, options.board / "cameras.json")
    except PermissionError as error:
        print(f"alexa-ip-cam-alarm: {error}: use sudo, or join the group alexa-alarm", file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        print(f"alexa-ip-cam-alarm: {error.filename} is missing: run the role alarm again", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"alexa-ip-cam-alarm: {error}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alexa-ip-cam-alarm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--board", type=Path, default=BOARD, help="directory of the alarms")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="file with the owner's choices")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    raising = commands.add_parser("raise")
    raising.add_argument("key")
    raising.add_argument("text")
    commands.add_parser("clear").add_argument("key")
    commands.add_parser("list")
    commands.add_parser("test")
    commands.add_parser("send").add_argument("channels", nargs="+", choices=("journal", "webhook", "mail"))
    commands.add_parser("cameras").add_argument("file", type=Path)
    return parser


def _list(board: Board) -> None:
    for key, alarm in board.alarms().items():
        print(f"{key}, since {datetime.fromtimestamp(alarm.since, UTC):%Y-%m-%d %H:%M} UTC: {alarm.text}")


def _send(board: Board, options: argparse.Namespace) -> int:
    settings = load(options.settings)
    ways = sender.ways(settings)
    problems: dict[str, str] = {}
    # systemd may miss what changes while this runs.
    for _ in range(_MOST_ROUNDS):
        changed_at = board.changed_at()
        for channel in options.channels:
            if channel not in problems:
                problem = sender.send(board, options.board, settings, channel, ways[channel])
                problems |= {channel: problem} if problem else {}
        if board.changed_at() == changed_at:
            break
    for channel, problem in problems.items():
        print(f"<3>{channel} was not told, and will be at the next run: {problem}", file=sys.stderr)
    sender.forget_tests(board, options.board, settings)
    return 1 if problems else 0


def _test(board: Board, options: argparse.Namespace) -> int:
    """Raise a test and wait until systemd has had every channel told."""
    settings = load(options.settings)
    board.clear(_TEST_KEY)
    board.raise_alarm(_TEST_KEY, _TEST_TEXT, test=True)
    since = board.alarms()[_TEST_KEY].since
    waiting, failed = dict.fromkeys(settings.channels), dict[str, str]()
    deadline = time.monotonic() + _TEST_SECONDS
    while waiting and time.monotonic() < deadline:
        time.sleep(0.1)
        for channel in [*waiting]:
            ledger = sender.Ledger(options.board, channel)
            last = ledger.told().get(_TEST_KEY)
            if last is not None and last.since == since:
                print(f"{channel}: told")
                del waiting[channel]
            elif ledger.tried() >= since and (problem := ledger.problem()):
                failed[channel] = problem
        # One that failed is not tried again before the next run.
        if waiting.keys() <= failed.keys():
            break
    for channel in waiting:
        problem = failed.get(channel, "nobody has tried: systemctl status alexa-ip-cam-alarm.path")
        print(f"{channel}: NOT told: {problem}", file=sys.stderr)
    board.clear(_TEST_KEY)
    return 1 if waiting else 0


if __name__ == "__main__":
    sys.exit(main())
