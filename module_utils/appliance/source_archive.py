"""Check a source archive, edit it, and pack what a build needs into a new one."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ansible.module_utils.appliance.checked_edit import MisfitError, checked_edit


class SourceError(Exception):
    """The archive is not what it should be; the message says what to do."""


@dataclass(frozen=True)
class Edit:
    """One change: ``path`` below the archive's top directory, and what :func:`checked_edit` takes."""

    path: str
    pattern: str
    replacement: str


def check_digest(archive: Path, sha256: str) -> None:
    """Raise SourceError unless the file's SHA-256 is the given one (64 hexadecimal digits)."""
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        raise SourceError(
            f"{archive} has the SHA-256 {found}, not {sha256}: it is another file, or was altered on its way. "
            "Fetch it again from where you trust it; give its new hash only if you meant to use another version."
        )


def read_members(archive: Path, directories: Sequence[str]) -> dict[str, bytes]:
    """Regular files below the given directories of the archive's single top directory, by path below it.

    Raises:
        SourceError: not an archive, more than one top directory, or one of the directories has no file.
    """
    files: dict[str, bytes] = {}
    tops: set[str] = set()
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                top, *rest = PurePosixPath(member.name).parts or ("",)
                tops.add(top)
                path = "/".join(rest)
                if ".." in rest or not path.startswith(tuple(f"{name}/" for name in directories)):
                    continue
                if member.isfile() and (content := tar.extractfile(member)) is not None:
                    files[path] = content.read()
    except (tarfile.TarError, EOFError) as error:
        raise SourceError(f"{archive} is not a tar archive that can be read: {error}") from error
    missing = [name for name in directories if not any(path.startswith(f"{name}/") for path in files)]
    if missing or len(tops) != 1:
        raise SourceError(
            f"{archive} is not laid out as expected: it needs one top directory with {', '.join(directories)} in it"
            + (f"; {', '.join(missing)} is missing" if missing else "")
        )
    return files


def apply_edits(files: Mapping[str, bytes], edits: Iterable[Edit], archive: Path) -> dict[str, bytes]:
    """The files with all edits made. Raises SourceError when one does not fit."""
    edited = dict(files)
    for edit in edits:
        try:
            text = edited[edit.path].decode("latin-1")  # maps every byte to itself
            edited[edit.path] = checked_edit(text, edit.pattern, edit.replacement).encode("latin-1")
        except (KeyError, MisfitError) as error:
            reason = "it is missing" if isinstance(error, KeyError) else str(error)
            raise SourceError(
                f"this source does not match what the role knows how to patch: {edit.path} of {archive}: {reason}. "
                "Use the version the role pins, or one that it was tested with; see the role's README."
            ) from error
    return edited


def pack(files: Mapping[str, bytes], top: str) -> bytes:
    """A tar.gz of the files below one top directory; the same files always give the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(files):
            member = tarfile.TarInfo(f"{top}/{path}")
            member.size, member.mode = len(files[path]), 0o644
            tar.addfile(member, io.BytesIO(files[path]))
    return gzip.compress(plain.getvalue(), compresslevel=6, mtime=0)


def write_if_new(dest: Path, data: bytes, *, dry: bool) -> bool:
    """Bring ``dest`` to the data, atomically; True when it was, or would be, written."""
    if dest.exists() and dest.read_bytes() == data:
        return False
    if not dry:
        with tempfile.NamedTemporaryFile(dir=dest.parent, delete=False) as file:
            file.write(data)
        Path(file.name).replace(dest)
    return True
