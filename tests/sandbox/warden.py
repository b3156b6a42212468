"""Waits for the process that made machines to end, and takes away what it left."""

from __future__ import annotations

import sys

from sandbox.errors import SandboxError
from sandbox.runs import clean


def main() -> int:
    """Wait until standard input closes, which the kernel does when its other end's process is gone."""
    sys.stdin.buffer.read()
    try:
        clean()
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
