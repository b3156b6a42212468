"""What the host is told when something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from sandbox import CommandError, SandboxError, host, install_host_packages, require_host, suite_from_env
from sandbox.roots import debian_root
from sandbox.ssh import Channel

if TYPE_CHECKING:
    from pathlib import Path


def test_other_users_are_told_to_be_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SandboxError, match="run as root"):
        require_host()


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"systemd-nspawn", "ssh", "ssh-keygen"}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program: None if program in missing else f"/usr/bin/{program}")
    with pytest.raises(SandboxError, match=r"apt-get install openssh-client systemd-container$"):
        require_host()


def test_only_missing_packages_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "tool", lambda command, **_: commands.append(command))
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "nft" else f"/usr/bin/{program}")
    install_host_packages()
    assert commands[-1][-1] == "nftables"
    assert "debootstrap" not in commands[-1]
    commands.clear()
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    install_host_packages()
    assert commands == []


def test_a_failed_command_shows_what_it_printed() -> None:
    with pytest.raises(CommandError, match="ended with status 7") as caught:
        host.tool(["sh", "-c", "echo out; echo the reason >&2; exit 7"])
    assert str(caught.value).splitlines()[1:] == ["out", "the reason"]
    assert caught.value.returncode == 7


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(SandboxError, match="did not end within"):
        host.tool(["sleep", "5"], timeout=0.1)


@pytest.mark.parametrize(
    ("value", "suite"), [(None, "bookworm"), ("", "bookworm"), ("12", "bookworm"), ("13", "trixie")]
)
def test_the_environment_chooses_the_release(monkeypatch: pytest.MonkeyPatch, value: str | None, suite: str) -> None:
    monkeypatch.delenv("DEBIAN", raising=False)
    if value is not None:
        monkeypatch.setenv("DEBIAN", value)
    assert suite_from_env() == suite


def test_an_unsupported_release_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBIAN", "11")
    with pytest.raises(SandboxError, match="DEBIAN=11 is not supported; use one of 12, 13"):
        suite_from_env()
    with pytest.raises(SandboxError, match="unknown Debian release 'sid'"):
        debian_root("sid")


def test_ssh_accepts_the_pinned_host_key_only(tmp_path: Path) -> None:
    def start(command: object) -> subprocess.Popen[bytes]:
        raise AssertionError(command)

    channel = Channel("10.64.0.10", tmp_path / "key", tmp_path / "hosts", tmp_path / "control", start, lambda: False)
    options = channel.arguments
    assert "StrictHostKeyChecking=yes" in options
    assert f"UserKnownHostsFile={tmp_path / 'hosts'}" in options
    assert "GlobalKnownHostsFile=/dev/null" in options
    with pytest.raises(SandboxError, match="does not answer"):
        channel.open(time.monotonic() + 60)


@pytest.mark.parametrize(
    ("filesystems", "said", "reason"),
    [
        ("nodev tmpfs", "unknown filesystem type 'overlay'", "this kernel has no overlayfs"),
        ("nodev overlay", "mount: permission denied.", "mounting is not permitted here"),
        ("nodev overlay", "wrong fs type, bad superblock", "set ALEXA_IP_CAM_CACHE"),
    ],
)
def test_a_host_that_cannot_mount_overlays_is_told_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, filesystems: str, said: str, reason: str
) -> None:
    listing = tmp_path / "filesystems"
    listing.write_text(filesystems)
    monkeypatch.setattr(host, "FILESYSTEMS", listing)
    monkeypatch.setattr(host, "tool", lambda command, **_: subprocess.CompletedProcess(command, 32, "", said))
    with pytest.raises(SandboxError, match=reason):
        host.require_overlay(tmp_path)
