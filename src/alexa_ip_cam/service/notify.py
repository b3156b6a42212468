"""What systemd wants to know of a service (sd_notify(3)), in plain Python."""

import os
import socket
import time


class Notifier:
    """Sends states to the socket that systemd names; does nothing without one."""

    def __init__(self) -> None:
        path = os.environ.get("NOTIFY_SOCKET", "")
        # An @ stands for the zero byte of an abstract address.
        self._address = "\0" + path[1:] if path.startswith("@") else path

    @staticmethod
    def watchdog_seconds() -> float | None:
        """How often a sign of life is wanted at least, or None for never."""
        text, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
        if not text.isdecimal() or (pid and pid != str(os.getpid())):
            return None
        return int(text) / 1e6 or None

    def ready(self, status: str) -> None:
        """The service does its work."""
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        """One line for ``systemctl status``."""
        self._send(f"STATUS={status}")

    def reloading(self) -> None:
        """The configuration is being read again; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The service is on its way out."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """The watchdog's sign of life."""
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as handle:
            handle.setblocking(False)
            try:
                handle.sendto(text.encode(), self._address)
            except OSError:
                return  # systemd asks again by its watchdog; the streams matter more
