"""The files a machine gets before it boots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import SandboxError
from sandbox.guest import host_nameservers, machine_files, place

if TYPE_CHECKING:
    from pathlib import Path


def test_nameservers_on_loopback_give_way_to_those_behind_them(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("nameserver 127.0.0.53\noptions edns0\n")
    real.write_text("# by the network\nnameserver 192.0.2.53\nnameserver ::1\n")
    assert host_nameservers((stub, real)) == ["192.0.2.53"]


def test_a_host_with_loopback_nameservers_only_is_told_what_to_pass(tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.write_text("nameserver 127.0.0.1\n")
    with pytest.raises(SandboxError, match="resolver="):
        host_nameservers((stub, tmp_path / "missing"))


def test_a_machine_knows_its_own_name_and_the_way_out() -> None:
    files = machine_files(
        name="box",
        address="10.64.0.10",
        gateway="10.64.0.1",
        resolvers=["192.0.2.53", "192.0.2.54"],
        host_key=b"key",
        login_key="ssh-ed25519 AAAA",
    )
    assert b"10.64.0.10 box\n" in files["/etc/hosts"][0]
    assert files["/etc/resolv.conf"][0] == b"nameserver 192.0.2.53\nnameserver 192.0.2.54\n"
    network = files["/etc/systemd/network/10-host0.network"][0]
    assert b"Address=10.64.0.10/24\nGateway=10.64.0.1\n" in network
    assert files["/etc/ssh/ssh_host_ed25519_key"] == (b"key", 0o600)


def test_a_file_replaces_what_was_there_even_a_link(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "precious").write_bytes(b"kept")
    (tmp_path / "etc" / "resolv.conf").symlink_to(tmp_path / "precious")
    place(tmp_path, "/etc/resolv.conf", b"new", 0o640)
    assert (tmp_path / "precious").read_bytes() == b"kept"
    assert not (tmp_path / "etc" / "resolv.conf").is_symlink()
    assert (tmp_path / "etc" / "resolv.conf").stat().st_mode & 0o777 == 0o640


def test_relative_links_on_the_way_are_followed(tmp_path: Path) -> None:
    (tmp_path / "usr" / "lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    place(tmp_path, "/lib/own/file", b"x", 0o644)
    assert (tmp_path / "usr" / "lib" / "own" / "file").read_bytes() == b"x"


@pytest.mark.parametrize("path", ["etc/motd", "/etc/../../motd", "/var/run/motd"])
def test_no_path_leads_out_of_the_machine(tmp_path: Path, path: str) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    outside.mkdir()
    (tree / "var").mkdir(parents=True)
    (tree / "var" / "run").symlink_to(outside)
    with pytest.raises(SandboxError, match="absolute"):
        place(tree, path, b"x", 0o644)
    assert not list(outside.iterdir())
