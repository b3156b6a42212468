"""One live555-proxy under test, run as a plain process on this machine."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from machine.rtsp_probe import RtspProbe

ID = "front-porch"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Proxy:
    """Starts the program with a configuration file and stops it at the end of the context.

    Leaving the context asserts that the program ended well: status 0, which the sanitizers deny it when they found
    something (memory leaks included).
    """

    def __init__(self, program: Path, folder: Path, url: str, **settings: str) -> None:
        self.port = free_port()
        self._configuration = folder / f"camera-{self.port}.conf"
        self._configuration.touch(mode=0o600)
        values = {"url": url, "port": str(self.port), **settings}
        self._configuration.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        self._log = folder / f"log-{self.port}.txt"
        self._program = program

    def __enter__(self) -> Proxy:
        argv = [str(self._program), ID, str(self._configuration)]
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1"}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(argv, stderr=log, env=environment)
        self.wait_for("listening on")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(10)
        assert status == 0, self.log

    @property
    def log(self) -> str:
        """What the program wrote so far."""
        return self._log.read_text()

    @property
    def open_files(self) -> int:
        """Number of its file descriptors."""
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def wait_for(self, text: str, seconds: float = 10) -> None:
        """Wait until the log has the text."""
        end = time.monotonic() + seconds
        while text not in self.log:
            assert self._process.poll() is None, self.log
            assert time.monotonic() < end, f"{text!r} did not come within {seconds} s: {self.log}"
            time.sleep(0.02)

    def probe(self) -> RtspProbe:
        """A connection to its stream."""
        return RtspProbe("127.0.0.1", self.port, ID)

    def status(self) -> int:
        """What it answers to DESCRIBE now."""
        with self.probe() as probe:
            return probe.describe().status

    def wait_until(self, status: int, seconds: float) -> float:
        """Ask until DESCRIBE gets this status; gives the seconds that took."""
        begun = time.monotonic()
        while (found := self.status()) != status:
            assert time.monotonic() - begun < seconds, f"still {found} after {seconds} s: {self.log}"
            time.sleep(0.05)
        return time.monotonic() - begun

    def watch(self, seconds: float = 5) -> RtspProbe:
        """A viewer that gets media: asks until the stream is there, plays it, waits for the first frame."""
        self.wait_until(200, seconds)
        probe = self.probe()
        probe.start()
        next(probe.nal_units(seconds))
        return probe

    def sockets(self) -> set[str]:
        """Local addresses of its UDP sockets and listening TCP sockets, as ``udp 127.0.0.1``."""
        output = subprocess.run(["ss", "-Hltunp"], capture_output=True, text=True, check=True).stdout
        rows = (line.split() for line in output.splitlines() if re.search(rf"pid={self._process.pid}\b", line))
        return {f"{row[0]} {row[4].rpartition(':')[0]}" for row in rows}
