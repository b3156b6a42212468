"""Waits for the process that made machines to end, and takes away what it left."""

from __future__ import annotations

import fcntl
import sys
from contextlib import suppress
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.runs import clean


def main(run: Path) -> int:
    """Guard the run recorded in the directory `run`, whose owner holds the other end of standard input."""
    sys.stdin.buffer.read()  # ends when the owner does
    # The kernel may close the owner's end of the pipe before it drops the owner's lock.
    with suppress(FileNotFoundError), (run / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        clean()
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
