"""What of an appliance cannot be made again, in one archive: packed while everything runs, put back on a bare machine.

The archive is a gzipped tar: ``backup.json`` first (``format``, ``made``, ``site``), then files by their absolute path
without the leading slash, with the names of their owners.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FORMAT = 1
_MANIFEST = "backup.json"
_DATABASE_WAIT_SECONDS = 30.0


class KeptStateError(Exception):
    """The archive cannot be made or used; nothing was changed. The message names the mend."""


def pack(archive: Path, places: Sequence[str], site: str, root: Path = Path("/")) -> list[str]:
    """Write an archive of mode 0600; returns the paths in it, without their leading slash.

    Databases (``*.db``) are copied by SQLite's own backup, so that a service may go on writing.

    Args:
        archive: the file to write; replaced in one step.
        places: absolute paths of files and directories; those that are missing are left out. ``*`` may stand in the
            last part.
        site: the streams name, by which a restore knows whose archive it is.
        root: ``/``, or another place in tests.

    Raises:
        KeptStateError: nothing is there to keep, or a database cannot be read.
        OSError: a file cannot be read or written.
    """
    paths = [path for place in places for path in _found(root, place)]
    if not paths:
        raise KeptStateError("there is nothing to keep on this machine: has site.yml been run on it?")
    manifest = {"format": FORMAT, "made": f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}", "site": site}
    part = archive.with_name(f"{archive.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz") as tar:
            _add_text(tar, _MANIFEST, json.dumps(manifest))
            for path in paths:
                name = path.relative_to(root).as_posix()
                if path.suffix == ".db" and path.is_file():
                    _add_database(tar, name, path)
                else:
                    tar.add(path, arcname=name, recursive=False)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(archive)
    return [path.relative_to(root).as_posix() for path in paths]


def check(archive: Path, places: Sequence[str], site: str, root: Path = Path("/")) -> list[str]:
    """See whether an archive can be put back here; changes nothing. Returns the files in it.

    Raises:
        KeptStateError: it is no archive of ours or another appliance's, or this machine has such files already.
    """
    with _opened(archive) as tar:
        members = tar.getmembers()
        manifest = _manifest(tar, members)
        if manifest.get("format") != FORMAT:
            raise KeptStateError(f"the archive has format {manifest.get('format')}; this version reads {FORMAT}")
        if manifest.get("site") != site:
            raise KeptStateError(
                f"the archive is of {manifest.get('site')}, and this appliance is {site}; give the right archive, or"
                " set appliance_streams_name as it was"
            )
        for member in members[1:]:
            _require_ours(member, places)
        files = [member.name for member in members[1:] if not member.isdir()]
    there = [f"/{name}" for name in files if (root / name).exists() or (root / name).is_symlink()]
    if there:
        raise KeptStateError(
            f"this machine has state of its own ({there[0]}), and going back would tell Alexa things twice. A restore"
            " is for a bare machine, or after remove.yml with events_remove_clips=true and"
            " certbot_remove_certificate=true"
        )
    return files


def restore(archive: Path, places: Sequence[str], site: str, root: Path = Path("/")) -> list[str]:
    """Put an archive's files where they were, with owners by name; returns them. Directories at hand keep their modes.

    Raises:
        KeptStateError: as `check`.
        OSError: a file cannot be written.
    """
    files = check(archive, places, site, root)
    with _opened(archive) as tar:
        # Every member has been judged; Python's own filters would take owners and modes away.
        tar.extraction_filter = lambda member, _: member
        for member in tar.getmembers()[1:]:
            if not (member.isdir() and (root / member.name).is_dir()):
                tar.extract(member, root)
    return files


def _found(root: Path, place: str) -> Iterator[Path]:
    """The place and all below it, directories before what is in them."""
    pattern = place.lstrip("/")
    for path in sorted(root.glob(pattern)):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from sorted(path.rglob("*"))


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode()
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    tar.addfile(member, io.BytesIO(data))


def _add_database(tar: tarfile.TarFile, name: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / path.name
        try:
            with (
                contextlib.closing(
                    sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_DATABASE_WAIT_SECONDS)
                ) as live,
                contextlib.closing(sqlite3.connect(copy)) as kept,
            ):
                live.backup(kept)
        except sqlite3.Error as error:
            raise KeptStateError(f"{path} cannot be read: {error}") from error
        member = tar.gettarinfo(path, name)
        member.size = copy.stat().st_size
        with copy.open("rb") as stream:
            tar.addfile(member, stream)


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            yield tar
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise KeptStateError(
            "this is no whole archive of backup.yml; an encrypted one needs --ask-vault-pass as well"
        ) from error


def _manifest(tar: tarfile.TarFile, members: Sequence[tarfile.TarInfo]) -> Mapping[str, object]:
    stream = tar.extractfile(members[0]) if members and members[0].name == _MANIFEST else None
    try:
        manifest = json.load(stream) if stream else None
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        raise KeptStateError("this is no archive of backup.yml")
    return manifest


def _require_ours(member: tarfile.TarInfo, places: Sequence[str]) -> None:
    """Only files, directories and links among themselves, and only where a backup takes them from."""
    path = Path("/") / member.name
    ends = [path]
    if member.issym():
        ends.append(Path(os.path.normpath(path.parent / member.linkname)))
    kind = member.isfile() or member.isdir() or member.issym()
    if not kind or ".." in path.parts or not all(_is_inside(end, places) for end in ends):
        raise KeptStateError(f"the archive holds {member.name}, which no backup of an appliance does")


def _is_inside(path: Path, places: Sequence[str]) -> bool:
    return any(path.is_relative_to(place) or path.match(place) for place in places)
