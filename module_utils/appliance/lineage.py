"""certbot's files of one certificate: `archive/<name>`, the links in `live/<name>` and `renewal/<name>.conf`.

Puts a certificate that certbot issued into a directory of its own beside the others, in the steps and with the file
names that certbot itself uses when it renews, so that it goes on from there. Pure of Ansible.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KINDS = ("cert", "chain", "fullchain", "privkey")
_LOCK_SECONDS = 60.0


def put_in_place(aside: Path, config: Path, name: str) -> None:
    """Make the newest certificate of lineage `name` in the config directory `aside` the current one in `config`.

    Older ones stay in the archive. Raises TimeoutError when certbot holds its lock for a minute.
    """
    with _certbot_lock(config):
        archive, live = config / "archive" / name, config / "live" / name
        for directory in (archive.parent, live.parent):
            directory.mkdir(mode=0o700, exist_ok=True)
        for directory in (archive, live, config / "renewal"):
            directory.mkdir(mode=0o755, exist_ok=True)
        number = 1 + max((_number(path) for path in archive.glob("*.pem")), default=0)
        for kind in KINDS:
            source = (aside / "live" / name / f"{kind}.pem").resolve(strict=True)
            _copy(source, archive / f"{kind}{number}.pem", 0o600 if kind == "privkey" else 0o644)
        for kind in KINDS:
            _link(live / f"{kind}.pem", f"../../archive/{name}/{kind}{number}.pem")
        settings = moved_settings((aside / "renewal" / f"{name}.conf").read_text(), aside, config)
        _write(config / "renewal" / f"{name}.conf", settings, 0o644)


def moved_settings(renewal_conf: str, aside: Path, config: Path) -> str:
    """Turn the paths of a renewal configuration to another config directory, and leave directories at default."""
    lines = [line for line in renewal_conf.splitlines() if not re.match(r"(config|work|logs)_dir\s*=", line)]
    return "".join(f"{line}\n" for line in lines).replace(f"{aside}/", f"{config}/")


@contextmanager
def _certbot_lock(config: Path) -> Iterator[None]:
    """Hold the lock that certbot takes in its config directory (it removes the file when done, and so do we)."""
    path = config / ".certbot.lock"
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        with path.open("w") as handle:
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                mine = path.exists() and path.stat().st_ino == os.fstat(handle.fileno()).st_ino
            except BlockingIOError:
                mine = False
            if mine:
                try:
                    yield
                finally:
                    path.unlink()
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"another certbot has held {path} for {_LOCK_SECONDS:.0f} s")
        time.sleep(0.2)


def _number(path: Path) -> int:
    match = re.fullmatch(r"[a-z]+(\d+)", path.stem)
    return int(match.group(1)) if match else 0


def _copy(source: Path, target: Path, mode: int) -> None:
    _write(target, source.read_text(), mode)


def _write(path: Path, text: str, mode: int) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def _link(path: Path, target: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(path)


def remove(directory: Path) -> None:
    """Remove a directory with all in it; nothing happens when there is none."""
    if directory.exists():
        shutil.rmtree(directory)
