"""Command line: boot a machine for a look around, clean up after dead runs, or build a root."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence

from sandbox.errors import SandboxError
from sandbox.machine import Machine
from sandbox.network import Network
from sandbox.roots import SUITES, debian_root, suite_from_env, suite_of
from sandbox.runs import clean


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the status for the shell."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("shell", "boot a fresh machine, give a shell in it and take it away afterwards"),
        ("root", "build the root of a release unless it is kept already, and print its path"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--debian", choices=sorted(SUITES), help="release; default: $DEBIAN or 12")
    text = "take away what killed runs left on this host"
    commands.add_parser("clean", help=text, description=text)
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if chosen.command == "clean":
            return _clean()
        suite = suite_of(chosen.debian) if chosen.debian else suite_from_env()
        return _shell(suite) if chosen.command == "shell" else _root(suite)
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _clean() -> int:
    for run in clean():
        print(f"cleaned up after run {run}")
    return 0


def _root(suite: str) -> int:
    print(debian_root(suite))
    return 0


def _shell(suite: str) -> int:
    with Network("shell") as net, Machine(net, "shell", number=10, root=debian_root(suite)) as machine:
        print(f"Debian {suite} at {machine.address}; leave the shell to throw it away", file=sys.stderr)
        command = ["ssh", *machine.ssh_args, f"root@{machine.address}"]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
