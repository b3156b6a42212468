"""``alexa-ip-cam-events list|retry|drop|status``: what waits, what failed and why, and another try.

Works whether the service runs or not: both use the same database, which takes one change at a time.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from alexa_ip_cam.events.config import Config, ConfigError, load
from alexa_ip_cam.events.database import DatabaseError
from alexa_ip_cam.events.outbox import Outbox, moment
from alexa_ip_cam.events.queue import Message
from alexa_ip_cam.events.status import for_people

CONFIG = Path("/etc/alexa-ip-cam/events.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        config = load(options.config)
        return _run(config, options)
    except (ConfigError, DatabaseError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="alexa-ip-cam-events", description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG, help="the service's configuration file")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what waits for another try or is parked, and why").add_argument(
        "--all", action="store_true", help="also what simply waits for its turn"
    )
    commands.add_parser("status", help="how the service is doing")
    for name, text in (("retry", "try again now"), ("drop", "never tell Alexa")):
        command = commands.add_parser(name, help=text)
        command.add_argument("ids", nargs="+", metavar="id", help="m12 or r34, as listed; retry also takes: all")
    return parser


def _run(config: Config, options: argparse.Namespace) -> int:
    if options.command == "status":
        return _status(config)
    if not config.database.exists():
        print(f"{config.database} does not exist: the service has not run yet", file=sys.stderr)
        return 1
    _become_owner(config.database)
    outbox = Outbox(config.database, interfaces=config.interfaces)
    try:
        if options.command == "list":
            _list(outbox, everything=options.all)
            return 0
        return _change(outbox, options.command, options.ids)
    finally:
        outbox.close()


def _become_owner(path: Path) -> None:
    """What root would create beside the database the service could not open any more."""
    about = path.stat()
    if os.geteuid() == 0 and about.st_uid != 0:
        os.setgroups([])
        os.setgid(about.st_gid)
        os.setuid(about.st_uid)


def _list(outbox: Outbox, *, everything: bool) -> None:
    for failure in outbox.failures():
        how = "no clip" if failure.permanent else f"no clip yet, tried {failure.tries} times"
        print(f"r{failure.id}  {failure.camera_id}  {failure.start:%Y-%m-%d %H:%M:%S}  {how}: {failure.reason}")
    for message in outbox.queue.listed():
        if message.parked or message.reason or everything:
            print(_line(message))
    for interface, reason in outbox.refusals().items():
        print(f"{interface}: refused by Amazon, tried again once a day: {reason}")


def _line(message: Message) -> str:
    how = "parked" if message.parked else f"waiting, tried {message.tries} times" if message.tries else "waiting"
    about = message.identity or message.body.get("value") or ""
    parts = [f"m{message.id}", message.camera_id or "-", f"{moment(message.happened):%Y-%m-%d %H:%M:%S}", message.kind]
    return "  ".join([*parts, *([about] if about else []), how]) + (f": {message.reason}" if message.reason else "")


def _change(outbox: Outbox, command: str, ids: list[str]) -> int:
    if ids == ["all"] and command == "retry":
        chosen = [one.id for one in outbox.queue.listed() if one.parked or one.reason]
        number = outbox.queue.retry(chosen) + outbox.retry_clips()
        outbox.lift_suspensions()
        print(f"{number} to be tried again")
        return 0
    wrong = [one for one in ids if one[:1] not in ("m", "r") or not one[1:].isdecimal()]
    if wrong:
        print(f"{wrong[0]} is no id; ids look like m12 or r34, see: alexa-ip-cam-events list", file=sys.stderr)
        return 2
    messages = [int(one[1:]) for one in ids if one[0] == "m"]
    recordings = [int(one[1:]) for one in ids if one[0] == "r"]
    if command == "retry":
        number = outbox.queue.retry(messages) + outbox.retry_clips(recordings)
    else:
        number = outbox.queue.drop(messages) + outbox.drop_recordings(recordings)
    print(f"{number} of {len(ids)} {'to be tried again' if command == 'retry' else 'dropped'}")
    return 0 if number == len(ids) else 1


def _status(config: Config) -> int:
    if config.status_file is None:
        print("the configuration names no status_file", file=sys.stderr)
        return 1
    try:
        print(for_people(json.loads(config.status_file.read_bytes())))
    except FileNotFoundError:
        print("the service does not run: it keeps no status", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
