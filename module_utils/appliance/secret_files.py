"""A directory that holds exactly the given files of one kind, readable by their owner alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.appliance import whole_files

FILE_MODE, DIRECTORY_MODE = 0o600, 0o700


@dataclass(frozen=True)
class Plan:
    """Names of files to write (missing, other text, other mode or owner) and to remove."""

    write: tuple[str, ...]
    remove: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.write or self.remove)


def plan(directory: Path, files: Mapping[str, str], suffix: str) -> Plan:
    """What is to be done; reads only.

    Raises:
        ValueError: a name has another suffix or leads out of the directory.
    """
    for name in files:
        if Path(name).name != name or not name.endswith(suffix) or name == suffix:
            raise ValueError(f"{name!r} is not a plain file name that ends in {suffix}")
    present = {path.name for path in directory.glob(f"*{suffix}")} if directory.is_dir() else set()
    write = tuple(name for name, text in sorted(files.items()) if not _is_right(directory / name, text))
    return Plan(write, tuple(sorted(present - set(files))))


def apply(directory: Path, files: Mapping[str, str], wanted: Plan) -> None:
    """Do it; each file appears whole or not at all."""
    directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    for name in wanted.write:
        with whole_files.replacing(directory / name, files[name]):
            pass  # its mode is right from the start
    for name in wanted.remove:
        (directory / name).unlink()


def _is_right(path: Path, text: str) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    status = path.stat()
    owned = status.st_uid == os.geteuid() and status.st_mode & 0o7777 == FILE_MODE
    return owned and path.read_bytes() == text.encode()
