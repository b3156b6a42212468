"""certbot's files of one certificate: `archive/<name>`, the links in `live/<name>` and `renewal/<name>.conf`.

Puts a certificate that certbot issued elsewhere, or that was made by hand, beside the others, in the steps and with the
file names that certbot itself uses when it renews, so that it goes on from there. Pure of Ansible.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ansible.module_utils.appliance.whole_files import write

KINDS = ("cert", "chain", "fullchain", "privkey")
_LOCK_SECONDS = 60.0
_END = "-----END CERTIFICATE-----"


def put_in_place(aside: Path, config: Path, name: str) -> None:
    """Make the newest certificate of lineage `name` in the config directory `aside` the current one in `config`.

    Older ones stay in the archive. Raises TimeoutError when certbot holds its lock for a minute.
    """
    with _certbot_lock(config):
        contents = {kind: (aside / "live" / name / f"{kind}.pem").read_text() for kind in KINDS}
        _make_current(contents, config, name)
        settings = moved_settings((aside / "renewal" / f"{name}.conf").read_text(), aside, config)
        write(config / "renewal" / f"{name}.conf", settings, 0o644)


def take_over(directory: Path, config: Path, name: str, settings: Mapping[str, str]) -> None:
    """Make the `fullchain.pem` and `privkey.pem` of a directory the current certificate of lineage `name`.

    The directory stays as it is; when it is that of the lineage itself, only the settings of the renewal are written.
    Raises TimeoutError when certbot holds its lock for a minute, OSError or ValueError for files that cannot be used.
    """
    with _certbot_lock(config):
        live = config / "live" / name
        if directory != live:
            fullchain = (directory / "fullchain.pem").read_text()
            end = fullchain.index(_END) + len(_END)
            contents = {
                "cert": fullchain[:end] + "\n",
                "chain": fullchain[end:].lstrip(),
                "fullchain": fullchain,
                "privkey": (directory / "privkey.pem").read_text(),
            }
            _make_current(contents, config, name)
        lines = [f"archive_dir = {config / 'archive' / name}"]
        lines += [f"{kind} = {live / f'{kind}.pem'}" for kind in KINDS]
        lines += ["", "[renewalparams]", *(f"{key} = {value}" for key, value in settings.items())]
        write(config / "renewal" / f"{name}.conf", "".join(f"{line}\n" for line in lines), 0o644)


def server(config: Path, name: str) -> str:
    """The ACME server that a lineage is renewed from; empty when its configuration does not say."""
    return _setting(config, name, "server")


def account(config: Path, name: str, server_url: str) -> str | None:
    """The account at an ACME server to renew with: the lineage's own, or the newest; None when there is none."""
    place = config / "accounts" / server_url.partition("://")[2]
    known = sorted(place.glob("*/regr.json"), key=lambda path: path.stat().st_mtime)
    accounts = [path.parent.name for path in known]
    used = _setting(config, name, "account")
    return used if used in accounts else next(reversed(accounts), None)


def _setting(config: Path, name: str, key: str) -> str:
    path = config / "renewal" / f"{name}.conf"
    match = re.search(rf"(?m)^{key}\s*=\s*(\S+)\s*$", path.read_text()) if path.exists() else None
    return match.group(1) if match else ""


def _make_current(contents: Mapping[str, str], config: Path, name: str) -> None:
    """Put four files into the archive under the next number, and turn the links to them; older ones stay."""
    archive, live = config / "archive" / name, config / "live" / name
    for directory in (archive.parent, live.parent):
        directory.mkdir(mode=0o700, exist_ok=True)
    for directory in (archive, live, config / "renewal"):
        directory.mkdir(mode=0o755, exist_ok=True)
    number = 1 + max((_number(path) for path in archive.glob("*.pem")), default=0)
    for kind in KINDS:
        write(archive / f"{kind}{number}.pem", contents[kind], 0o600 if kind == "privkey" else 0o644)
    for kind in KINDS:
        _link(live / f"{kind}.pem", f"../../archive/{name}/{kind}{number}.pem")


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


def _link(path: Path, target: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(path)


def remove(directory: Path) -> None:
    """Remove a directory with all in it; nothing happens when there is none."""
    if directory.exists():
        shutil.rmtree(directory)
