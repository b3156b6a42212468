"""Who made what: a record per process, so that nothing outlives its maker, however the maker ends.

Each process that makes machines holds a lock on `/run/alexa-ip-cam-sandbox/<run>/lock` and lists there what
it made. A lock nobody holds means a dead maker: its things are taken away by its own warden at once, or, if
that died too, by the next process that starts.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sandbox.cache import locked, past_machines
from sandbox.errors import SandboxError
from sandbox.resources import IP_FORWARD, Resource, remove

STATE = Path("/run/alexa-ip-cam-sandbox")
_PACKAGE_PARENT = Path(__file__).resolve().parent.parent


@contextmanager
def state_lock() -> Iterator[None]:
    """Keep all other processes from starting, ending or cleaning up; not to be nested."""
    with locked(STATE / "lock"):
        yield


class Run:
    """What this process has made. It begins with the first thing and ends with the process."""

    _current: Run | None = None
    _guard = threading.Lock()

    def __init__(self) -> None:
        self.id = secrets.token_hex(4)
        self.directory = STATE / self.id
        self._resources: list[Resource] = []
        self._owner = os.getpid()
        with state_lock():
            self.directory.mkdir(mode=0o700)
            self._lock: IO[bytes] = (self.directory / "lock").open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        # In a session of its own, so that Ctrl-C does not reach it; it acts when its standard input closes.
        self._warden = subprocess.Popen(
            [sys.executable, "-m", "sandbox.warden", str(self.directory)],
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(_PACKAGE_PARENT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        atexit.register(self._end)

    @classmethod
    def current(cls) -> Run:
        """Return this process's run, beginning one when there is none."""
        with cls._guard:
            if cls._current is None or cls._current._owner != os.getpid():
                cls._current = cls()
            return cls._current

    def add(self, kind: str, name: str | Path) -> Resource:
        """Record a thing that is about to be made."""
        resource = Resource(kind, str(name))
        with self._guard:
            self._resources.append(resource)
            self._write()
        return resource

    def take_away(self, resources: list[Resource]) -> None:
        """Take things away, the last made first, and forget them."""
        for resource in reversed(resources):
            if resource.kind == "forwarding":
                with state_lock():
                    self._forget(resource)
                    _restore_forwarding(resource)
            else:
                remove(resource)
                self._forget(resource)

    def _forget(self, resource: Resource) -> None:
        with self._guard:
            if resource in self._resources:
                self._resources.remove(resource)
                self._write()

    def _write(self) -> None:
        part = self.directory / "resources.part"
        part.write_text(json.dumps(self._resources))
        part.replace(self.directory / "resources")

    def _end(self) -> None:
        """Leave the rest, which is nothing unless a with statement was not left, to the warden."""
        if self._owner != os.getpid():
            return
        self._lock.close()
        assert self._warden.stdin is not None
        self._warden.stdin.close()
        self._warden.wait()


def switch_forwarding_on(run: Run) -> list[Resource]:
    """Let the host forward IPv4; the caller holds the state lock.

    Returns what to take away later: the last run that needs forwarding puts the host's own setting back.
    """
    before = IP_FORWARD.read_text().strip()
    for other in _forwarding_recorded():
        before = other.name
    resource = run.add("forwarding", before)
    IP_FORWARD.write_text("1")
    return [resource]


def clean() -> list[str]:
    """Take away what dead processes left behind and return the names of their runs.

    Raises SandboxError when something could not be taken away; it stays recorded then.
    """
    with state_lock():
        for path in past_machines():
            remove(Resource("directory", str(path)))
        return _clean_dead()


def _clean_dead() -> list[str]:
    cleaned = []
    problems = []
    for directory in sorted(path for path in STATE.iterdir() if path.is_dir()):
        with (directory / "lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            try:
                _clean_one(directory)
            except (SandboxError, OSError) as error:
                problems.append(f"{directory.name}: {error}")
            else:
                cleaned.append(directory.name)
    if problems:
        raise SandboxError("cannot clean up after an earlier run: " + "; ".join(problems))
    return cleaned


def _clean_one(directory: Path) -> None:
    resources = _recorded(directory)
    (directory / "resources").unlink(missing_ok=True)
    try:
        while resources:
            if resources[-1].kind == "forwarding":
                _restore_forwarding(resources[-1])
            else:
                remove(resources[-1])
            resources.pop()
    except BaseException:
        (directory / "resources").write_text(json.dumps(resources))
        raise
    shutil.rmtree(directory)


def _recorded(directory: Path) -> list[Resource]:
    try:
        return [Resource(kind, name) for kind, name in json.loads((directory / "resources").read_text())]
    except FileNotFoundError:
        return []


def _forwarding_recorded() -> list[Resource]:
    directories = [path for path in STATE.iterdir() if path.is_dir()]
    return [item for path in directories for item in _recorded(path) if item.kind == "forwarding"]


def _restore_forwarding(resource: Resource) -> None:
    if not _forwarding_recorded():
        remove(resource)
