"""The archive of what cannot be made again: whole, consistent, and only put back where it belongs."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible.module_utils.appliance import kept_state
from ansible.module_utils.appliance.kept_state import KeptStateError

SITE = "cams.example.com"
PLACES = ["/etc/letsencrypt/live", "/etc/letsencrypt/archive", "/var/lib/events/events.db", "/var/lib/told-*.json"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A machine with state."""
    root = tmp_path / "old"
    for name in ("etc/letsencrypt/archive/cams/privkey1.pem", "var/lib/told-mail.json", "etc/letsencrypt/live/README"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "etc/letsencrypt/archive/cams/privkey1.pem").chmod(0o600)
    (root / "etc/letsencrypt/live/cams").mkdir()
    (root / "etc/letsencrypt/live/cams/privkey.pem").symlink_to("../../archive/cams/privkey1.pem")
    (root / "var/lib/events").mkdir()
    with database(root) as sql:
        sql.execute("CREATE TABLE messages (id INTEGER)")
        sql.execute("INSERT INTO messages VALUES (1)")
    return root


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    root = tmp_path / "bare"
    root.mkdir()
    return root


@pytest.fixture
def archive(tmp_path: Path, old: Path) -> Path:
    path = tmp_path / "state.tar.gz"
    kept_state.pack(path, PLACES, SITE, old)
    return path


@contextlib.contextmanager
def database(root: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(root / "var/lib/events/events.db", isolation_level=None)) as sql:
        sql.execute("PRAGMA journal_mode=WAL")
        yield sql


def test_everything_comes_back_as_it_was(archive: Path, bare: Path) -> None:
    files = kept_state.restore(archive, PLACES, SITE, bare)
    assert set(files) == {
        "etc/letsencrypt/archive/cams/privkey1.pem",
        "etc/letsencrypt/live/README",
        "etc/letsencrypt/live/cams/privkey.pem",
        "var/lib/events/events.db",
        "var/lib/told-mail.json",
    }
    key = bare / "etc/letsencrypt/live/cams/privkey.pem"
    assert key.is_symlink()
    assert key.read_text() == "etc/letsencrypt/archive/cams/privkey1.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    with database(bare) as sql:
        assert sql.execute("SELECT id FROM messages").fetchall() == [(1,)]


def test_the_archive_is_for_its_owner_alone(archive: Path) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600


def test_a_database_is_whole_while_its_service_writes(tmp_path: Path, old: Path, bare: Path) -> None:
    """What is committed is only in the write-ahead log, and a step is under way."""
    archive = tmp_path / "busy.tar.gz"
    with database(old) as sql:
        sql.execute("INSERT INTO messages VALUES (2)")
        sql.execute("BEGIN IMMEDIATE")
        sql.execute("INSERT INTO messages VALUES (3)")
        kept_state.pack(archive, PLACES, SITE, old)
        sql.execute("COMMIT")
    kept_state.restore(archive, PLACES, SITE, bare)
    with database(bare) as sql:
        assert sql.execute("SELECT id FROM messages ORDER BY id").fetchall() == [(1,), (2,)]
        assert sql.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_machine_with_state_of_its_own_is_left_alone(archive: Path, old: Path) -> None:
    (old / "var/lib/told-mail.json").write_text("newer")
    with pytest.raises(KeptStateError, match=r"state of its own \(/etc/letsencrypt/live/README\)"):
        kept_state.restore(archive, PLACES, SITE, old)
    assert (old / "var/lib/told-mail.json").read_text() == "newer"


def test_another_appliances_archive_is_refused(archive: Path, bare: Path) -> None:
    with pytest.raises(KeptStateError, match=r"the archive is of cams\.example\.com, and this appliance is other"):
        kept_state.restore(archive, PLACES, "other.example.com", bare)
    assert list(bare.iterdir()) == []


def test_a_machine_without_state_says_so(tmp_path: Path, bare: Path) -> None:
    with pytest.raises(KeptStateError, match=r"nothing to keep.*site\.yml"):
        kept_state.pack(tmp_path / "none.tar.gz", PLACES, SITE, bare)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def encrypted(path: Path) -> None:
    path.write_text("$ANSIBLE_VAULT;1.1;AES256\n3031\n")


def somebody_elses(path: Path) -> None:
    with tarfile.open(path, "w:gz") as tar:
        add(tar, "etc/passwd", b"x")


@pytest.mark.parametrize("damage", [cut_off, encrypted, somebody_elses])
def test_what_is_no_archive_of_ours_is_refused(archive: Path, bare: Path, damage: Callable[[Path], None]) -> None:
    damage(archive)
    with pytest.raises(KeptStateError, match=r"this is no (whole )?archive of backup\.yml"):
        kept_state.check(archive, PLACES, SITE, bare)


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    if link:
        member.type, member.linkname = tarfile.SYMTYPE, link
    tar.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("etc/passwd", ""),
        ("etc/letsencrypt/live/../../passwd", ""),
        ("/etc/shadow", ""),
        ("etc/letsencrypt/live/key.pem", "/etc/shadow"),
        ("etc/letsencrypt/live/key.pem", "../../../shadow"),
    ],
)
def test_nothing_is_written_elsewhere(tmp_path: Path, bare: Path, name: str, link: str) -> None:
    path = tmp_path / "bad.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        add(tar, "backup.json", b'{"format": 1, "site": "cams.example.com"}')
        add(tar, name, b"" if link else b"x", link)
    with pytest.raises(KeptStateError, match="which no backup of an appliance does"):
        kept_state.restore(path, PLACES, SITE, bare)
    assert list(bare.iterdir()) == []


def test_an_archive_of_a_later_version_is_refused(tmp_path: Path, bare: Path) -> None:
    path = tmp_path / "later.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        add(tar, "backup.json", b'{"format": 2, "site": "cams.example.com"}')
    with pytest.raises(KeptStateError, match="has format 2; this version reads 1"):
        kept_state.check(path, PLACES, SITE, bare)
