"""Bring a directory of small text files to a wanted state: nothing missing, nothing more.

Pure of Ansible, so that the module and its tests share it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ansible.module_utils.appliance import whole_files


class FileTreeError(Exception):
    """The wanted tree cannot be had; the message says why."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What has to be done: relative paths to write (new or different) and to remove."""

    write: tuple[str, ...]
    remove: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """True when anything has to be done."""
        return bool(self.write or self.remove)


def check_names(files: Mapping[str, str]) -> None:
    """Raise FileTreeError for a name that would leave the directory."""
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise FileTreeError(f"{name!r} is not a path inside the tree; use a relative one without '..'")


def plan(root: Path, files: Mapping[str, str]) -> Plan:
    """Compare the directory with the wanted files (relative path to text); reads only."""
    check_names(files)
    write = []
    for name, text in files.items():
        path = root / name
        if path.is_symlink() or not path.is_file() or path.read_bytes() != text.encode():
            write.append(name)
    remove = []
    if root.is_dir():
        for path in root.rglob("*"):
            name = path.relative_to(root).as_posix()
            if (path.is_symlink() or not path.is_dir()) and name not in files:
                remove.append(name)
    return Plan(tuple(sorted(write)), tuple(sorted(remove)))


def apply(root: Path, files: Mapping[str, str], wanted: Plan) -> None:
    """Carry a plan out. Each file is written beside its place and renamed, so no reader sees half of one."""
    for name in wanted.remove:
        (root / name).unlink()
    for name in wanted.write:
        path = root / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with whole_files.replacing(path, files[name]) as new:
            new.chmod(0o644)
    for path in sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()
