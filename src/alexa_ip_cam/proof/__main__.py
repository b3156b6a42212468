"""``python3 -m alexa_ip_cam.proof``: what systemd and the role run.

check                look at port 443 as an Echo does; mend by the deploy hooks what they can mend; alarm about the rest
plan                 write down when an older certbot shall renew
renewal ok|failed    certbot.service has ended so
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from alexa_ip_cam.proof import on_disk, plan, proving, renewals
from alexa_ip_cam.proof.settings import SETTINGS, Settings, load
from alexa_ip_cam.service.alarm_program import ALARM, tell

CERTBOT_LOG = Path("/var/log/letsencrypt/letsencrypt.log")
_LOG_BYTES = 1 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        settings = load(options.settings)
        match options.command:
            case "check":
                return _check(settings)
            case "plan":
                _plan(settings)
            case "renewal":
                _renewal(settings, failed=options.result == "failed")
    except (OSError, ValueError) as error:
        print(f"proof: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m alexa_ip_cam.proof", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--settings", type=Path, default=SETTINGS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("check")
    commands.add_parser("plan")
    commands.add_parser("renewal").add_argument("result", choices=("ok", "failed"))
    return parser


def _check(settings: Settings) -> int:
    proof = proving.prove(settings)
    proving.write(settings.state / "proof.json", proving.report(proof, time.time()))
    tell("certificate", proof.text if proof.problems else "", ALARM)
    for problem in proof.problems:
        print(f"proof: {problem}", file=sys.stderr)
    if proof.problems and proof.hooks:
        print(f"proof: a deploy hook said: {proof.hooks}", file=sys.stderr)
    if not proof.problems and proof.disk is not None:
        days = proof.disk.lifetime.days_left(time.time())
        print(f"proved: {', '.join(settings.names)} up to {proof.disk.issuers[-1]}, {days:.1f} days left")
    return 1 if proof.problems else 0


def _plan(settings: Settings) -> None:
    conf, disk = settings.renewal_conf, on_disk.read(settings.lineage)
    if disk is None or not conf.exists():
        return
    before = conf.read_text(encoding="utf-8")
    after = plan.planned(before, disk.lifetime, help_certbot=plan.needs_help())
    if after != before:
        scratch = conf.with_name(f".{conf.name}.part")
        scratch.write_text(after, encoding="utf-8")
        scratch.chmod(0o644)
        scratch.replace(conf)


def _renewal(settings: Settings, *, failed: bool) -> None:
    path = settings.state / "renewals.json"
    try:
        failures = int(json.loads(path.read_text(encoding="utf-8"))["failures"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        failures = 0
    failures = failures + 1 if failed else 0
    proving.write(path, {"failures": failures, "at": time.time()})
    said = renewals.words(_journal(), renewals.last_run(_end(CERTBOT_LOG))) if failed else ""
    tell("renewal", renewals.alarm(failures, said) or "", ALARM)


def _journal() -> str:
    """What the run of certbot.service said that had this one started."""
    invocation = os.environ.get("MONITOR_INVOCATION_ID", "")
    if not invocation:
        return ""
    argv = ["journalctl", "--no-pager", "--output=cat", f"_SYSTEMD_INVOCATION_ID={invocation}"]
    return subprocess.run(argv, capture_output=True, text=True, check=False, errors="replace").stdout


def _end(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _LOG_BYTES))
            return stream.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
