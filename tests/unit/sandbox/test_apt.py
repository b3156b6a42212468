"""From the host's apt settings to those of another release."""

from __future__ import annotations

from subprocess import CompletedProcess
from typing import TYPE_CHECKING

import pytest

from sandbox import SandboxError, apt

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "http://archive.test/debian/"
SECURITY = "http://archive.test/debian-security/"
ROWS = [
    f"{MAIN}|bookworm|main|Debian",
    f"{MAIN}|bookworm|contrib|Debian",
    f"{MAIN}|bookworm-updates|main|Debian",
    f"{SECURITY}|bookworm-security|main|Debian",
    f"{MAIN}|bookworm-backports|main|Debian Backports",
    "http://other.test/|bookworm|main|Other",
    "http://other.test/|stable|main|Debian",
]


def test_the_release_is_swapped_in_every_pocket_and_strangers_are_left_out() -> None:
    assert apt.derive_archives(ROWS, "bookworm", "trixie") == (
        apt.Archive(MAIN, "trixie", ("main", "contrib")),
        apt.Archive(MAIN, "trixie-updates", ("main",)),
        apt.Archive(SECURITY, "trixie-security", ("main",)),
    )


@pytest.mark.parametrize("origin", ["", "$(ORIGIN)"])
def test_before_the_first_update_the_origin_is_unknown_and_accepted(origin: str) -> None:
    rows = [f"{MAIN}|bookworm|main|{origin}"]
    assert apt.derive_archives(rows, "bookworm", "bookworm") == (apt.Archive(MAIN, "bookworm", ("main",)),)


def test_a_mirror_list_is_followed_to_its_first_archive(tmp_path: Path) -> None:
    listing = tmp_path / "debian.list"
    listing.write_text(f"# nearest first\n{MAIN}\tpriority:1\nhttp://second.test/debian/\n")
    rows = [f"mirror+file:{listing}/|bookworm|main|Debian"]
    assert apt.derive_archives(rows, "bookworm", "bookworm")[0].uri == MAIN


def test_an_empty_mirror_list_is_named(tmp_path: Path) -> None:
    listing = tmp_path / "debian.list"
    listing.write_text("# nothing\n")
    with pytest.raises(SandboxError, match=str(listing)):
        apt.derive_archives([f"mirror+file:{listing}/|bookworm|main|Debian"], "bookworm", "bookworm")


def test_sources_name_each_archive_and_the_keyring() -> None:
    settings = apt.AptSettings(apt.derive_archives(ROWS, "bookworm", "bookworm"), "")
    stanzas = settings.sources.split("\n\n")
    assert len(stanzas) == 3
    assert f"URIs: {SECURITY}\nSuites: bookworm-security\nComponents: main\n" in stanzas[2]
    assert all(f"Signed-By: {apt.KEYRING}" in stanza for stanza in stanzas)
    assert settings.main == apt.Archive(MAIN, "bookworm", ("main", "contrib"))


def test_only_settings_about_the_way_to_the_archive_are_carried() -> None:
    dump = [
        'APT::Install-Recommends "0";',
        'Acquire::Check-Date "false";',
        'Acquire::http::Proxy "http://proxy.test:3128";',
        'Acquire::Languages "none";',
    ]
    carried = apt.carried_configuration(dump, {"http_proxy": "http://ignored.test", "https_proxy": "http://p.test"})
    assert carried == (
        'Acquire::Check-Date "false";\n'
        'Acquire::http::Proxy "http://proxy.test:3128";\n'
        'Acquire::https::Proxy "http://p.test";\n'
    )


def test_a_host_without_debian_sources_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text("ID=other\nVERSION_CODENAME=noble\n")
    monkeypatch.setattr(apt, "OS_RELEASE", release)
    rows = "http://other.test/|noble|main|Other\n"
    monkeypatch.setattr(apt, "tool", lambda command: CompletedProcess(command, 0, rows, ""))
    with pytest.raises(SandboxError, match="no Debian archive for noble"):
        apt.host_settings("trixie")
