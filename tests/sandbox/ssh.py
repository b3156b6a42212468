"""SSH to a machine: keys, pinned host key, and one connection that all commands share."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import CommandError, SandboxError
from sandbox.host import tool

_PORT = 22
_PAUSE = 0.02  # seconds
_CONNECTION_FAILED = 255  # ssh's own status, see ssh(1)


def make_key(path: Path) -> str:
    """Make an Ed25519 key pair at `path` and `path`.pub and return the public part."""
    tool(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sandbox", "-f", str(path)])
    return path.with_name(path.name + ".pub").read_text()


@dataclass
class Channel:
    """One kept connection to `address` as root.

    `start` runs a program in the background in a way that it ends with the machine; `alive` tells whether the
    machine runs at all.
    """

    address: str
    identity: Path
    known_hosts: Path
    control: Path
    start: Callable[[Sequence[str]], subprocess.Popen[bytes]]
    alive: Callable[[], bool]
    _master: subprocess.Popen[bytes] | None = None

    @property
    def arguments(self) -> list[str]:
        """Options of ssh that name the identity and pin the host key; the user is root."""
        options = {
            "IdentityFile": self.identity,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
            "ConnectTimeout": "10",
        }
        return ["-F", "/dev/null", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]

    def is_open(self) -> bool:
        """Tell whether the connection stands."""
        return self._master is not None and self._master.poll() is None and self.control.exists()

    def open(self, deadline: float) -> None:
        """Connect, again and again until time.monotonic() reaches `deadline`.

        Raises SandboxError when that time comes or the machine ends before.
        """
        self.close()
        command = ["ssh", *self.arguments, "-N", "-M", "-S", str(self.control), f"root@{self.address}"]
        while self.alive() and time.monotonic() < deadline:
            if not self._listens():
                time.sleep(_PAUSE)
                continue
            self._master = self.start(command)
            while self._master.poll() is None and time.monotonic() < deadline:
                if self.control.exists():
                    return
                time.sleep(_PAUSE)
        self.close()
        raise SandboxError(f"{self.address} does not answer on SSH")

    def close(self) -> None:
        """End the connection; nothing happens when there is none."""
        if self._master is not None:
            self._master.kill()  # it keeps nothing, and takes its time when asked politely
            self._master.wait()
            self._master = None
        self.control.unlink(missing_ok=True)

    def _listens(self) -> bool:
        """Tell whether something listens on the machine's SSH port, much faster than ssh itself finds out."""
        try:
            with socket.create_connection((self.address, _PORT), timeout=0.2):
                return True
        except OSError:
            return False

    def call(self, argv: Sequence[str], stdin: bytes | None, timeout: float) -> subprocess.CompletedProcess[bytes]:
        """Run a command over the open connection; its arguments arrive as they are.

        Raises SandboxError when it takes longer than `timeout` seconds or the connection breaks.
        """
        command = ["ssh", *self.arguments, "-S", str(self.control), f"root@{self.address}", shlex.join(argv)]
        try:
            done = subprocess.run(command, input=stdin or b"", capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            printed = ((error.stdout or b"") + (error.stderr or b"")).decode(errors="replace")[-2000:]
            raise SandboxError(
                f"{self.address}: `{shlex.join(argv)}` did not end within {timeout:.0f} s\n{printed}"
            ) from error
        if done.returncode == _CONNECTION_FAILED and not self.is_open():
            raise SandboxError(
                f"{self.address}: the connection broke during `{shlex.join(argv)}`: "
                f"{done.stderr.decode(errors='replace').strip()}"
            )
        return done


def checked(
    done: subprocess.CompletedProcess[str], argv: Sequence[str], where: str
) -> subprocess.CompletedProcess[str]:
    """Return `done`, or raise CommandError when its status is not 0."""
    if done.returncode != 0:
        raise CommandError(done.returncode, argv, done.stdout, done.stderr, where)
    return done
