"""``alexa-ip-cam``: what the owner asks the appliance.

check         go every way step by step, and tell the first broken link of each
follow ID     what every service has logged about one recording (its media id) or one viewer (address:port)
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from alexa_ip_cam.care import alarms, checking, follow, report
from alexa_ip_cam.care.settings import SETTINGS, Settings, load
from alexa_ip_cam.service.alarm_program import ALARM, tell
from alexa_ip_cam.service.files import replace_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit status: 0 all is well, 1 something is broken or not found, 2 wrong use or settings."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "follow":
            return follow.run(options.id, days=options.days)
        return _check(load(options.settings), as_json=options.json, alarm=options.alarm)
    except PermissionError as error:
        print(f"alexa-ip-cam: {error}; run it as root", file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"alexa-ip-cam: {error}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alexa-ip-cam", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="find the first broken link of each way")
    check.add_argument("--json", action="store_true", help="for other programs")
    check.add_argument("--alarm", action="store_true", help="raise and clear alarms, as the timer does")
    check.add_argument("--settings", type=Path, default=SETTINGS, help=argparse.SUPPRESS)
    one = commands.add_parser("follow", help="what all services have logged about one recording or viewer")
    one.add_argument("id", help="a media id, or a viewer's address:port as in the log of stunnel or the gateway")
    one.add_argument("--days", type=int, default=2, help="how far to look back (default: %(default)s)")
    return parser


def _check(settings: Settings, *, as_json: bool, alarm: bool) -> int:
    memory = settings.state / "before.json"
    before = checking.remembered(memory)
    result = checking.check(settings, before)
    document = report.document(result.ways, datetime.now(UTC))
    replace_file(settings.state / "check.json", json.dumps(document, indent=1).encode() + b"\n")
    if alarm:
        decision = alarms.decide(before.get("counts", {}), result.ways)
        kept = {"counts": decision.counts, "progress": result.progress}
        replace_file(memory, json.dumps(kept, indent=1).encode() + b"\n")
        for key, text in decision.raised.items():
            tell(key, text, ALARM)
        for key in decision.cleared:
            tell(key, "", ALARM)
    print(json.dumps(document, indent=1) if as_json else report.for_people(document))
    return 0 if document["well"] else 1


if __name__ == "__main__":
    sys.exit(main())
