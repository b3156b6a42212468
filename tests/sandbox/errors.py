"""What can go wrong with a throwaway machine."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

_TAIL_LINES = 40


class SandboxError(Exception):
    """A machine, network or root could not be made or used; the text says what to do about it."""


class CommandError(SandboxError, subprocess.CalledProcessError):
    """A checked command ended with a status other than 0; the text holds the end of what it printed."""

    def __init__(self, returncode: int, command: Sequence[str], stdout: str, stderr: str, where: str) -> None:
        subprocess.CalledProcessError.__init__(self, returncode, list(command), stdout, stderr)
        self.where = where

    def __str__(self) -> str:
        printed = (self.stdout + self.stderr).rstrip().splitlines()[-_TAIL_LINES:]
        head = f"{self.where}: `{shlex.join(self.cmd)}` ended with status {self.returncode}"
        return "\n".join([head, *printed])
