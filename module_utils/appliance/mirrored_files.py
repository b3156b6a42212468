"""Directories and text files with owner, group and mode, brought to a wanted state; and paths that are not to be there.

Pure of Ansible, so that the module and its tests share it.
"""

from __future__ import annotations

import dataclasses
import grp
import os
import pwd
import shutil
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from ansible.module_utils.appliance import whole_files

Validate = Callable[[str], str]
"""Runs a program with the path of a file in it; gives what is wrong, empty when the file is right."""


class MirroredFilesError(Exception):
    """The wanted state cannot be had; the message says why."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A directory (``text`` is None) or a file. ``mode`` is octal digits; ``validate`` a command with ``%s`` in it."""

    path: Path
    owner: str
    group: str
    mode: str
    text: str | None = None
    validate: str = ""


@dataclasses.dataclass(frozen=True)
class Change:
    """What is wrong with one path, and what to do about it: text before, whether the text differs, whether it goes."""

    path: Path
    before: str = ""
    after: str = ""
    wanted: Wanted | None = None


def plan(wanted: Iterable[Wanted], absent: Iterable[Path]) -> list[Change]:
    """Compare with what is there; reads only. Users and groups that are missing make a change, and no error.

    Raises:
        MirroredFilesError: something else is where a directory or a file has to be.
    """
    found = (_difference(item) for item in wanted)
    gone = (Change(path) for path in absent if os.path.lexists(path))
    return [*(change for change in found if change), *gone]


def apply(changes: Iterable[Change], validate: Validate) -> None:
    """Do it, in this order. Each file is written beside its place and renamed, so that no reader sees half of one.

    Raises:
        MirroredFilesError: a user or group is missing, or a program refuses a new file, which then is not put in place.
    """
    for change in changes:
        if change.wanted is None:
            _remove(change.path)
        elif change.wanted.text is None:
            change.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _own(change.path, change.wanted)
        else:
            _write(change.wanted, change.wanted.text, validate)


def _difference(wanted: Wanted) -> Change | None:
    path = wanted.path
    try:
        status = path.stat() if wanted.text is None else path.lstat()
    except FileNotFoundError:
        return Change(path, after=wanted.text or "", wanted=wanted)
    is_right = stat.S_ISDIR if wanted.text is None else stat.S_ISREG
    if wanted.text is None and not is_right(status.st_mode):
        raise MirroredFilesError(f"{path} is no directory; move it away")
    if stat.S_ISDIR(status.st_mode) and wanted.text is not None:
        raise MirroredFilesError(f"{path} is a directory and has to be a file; move it away")
    before = path.read_bytes().decode(errors="replace") if wanted.text is not None and is_right(status.st_mode) else ""
    owned = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    if is_right(status.st_mode) and before == (wanted.text or "") and owned == _ownership(wanted):
        return None
    return Change(path, before, wanted.text or "", wanted)


def _ownership(wanted: Wanted) -> tuple[int, int, int] | None:
    """Ids and mode; None when user or group is missing."""
    try:
        return pwd.getpwnam(wanted.owner).pw_uid, grp.getgrnam(wanted.group).gr_gid, int(wanted.mode, 8)
    except KeyError:
        return None


def _own(path: Path, wanted: Wanted) -> None:
    ownership = _ownership(wanted)
    if ownership is None:
        raise MirroredFilesError(f"{path} has to belong to {wanted.owner}:{wanted.group}, one of which is missing")
    uid, gid, mode = ownership
    os.chown(path, uid, gid)
    path.chmod(mode)  # after chown(2), which clears setgid


def _write(wanted: Wanted, text: str, validate: Validate) -> None:
    if not wanted.path.parent.is_dir():
        raise MirroredFilesError(f"{wanted.path.parent} is missing")
    with whole_files.replacing(wanted.path, text) as new:
        _own(new, wanted)
        complaint = validate(wanted.validate.replace("%s", str(new))) if wanted.validate else ""
        if complaint:
            raise MirroredFilesError(f"{wanted.path} stays as it was, because the new one is refused: {complaint}")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
