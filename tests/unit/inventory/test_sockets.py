"""Who listens where, on real sockets of the loopback interface and on a made-up /proc."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.module_utils.appliance import sockets


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_the_holder_of_a_real_port_is_found(listener: int) -> None:
    (holder,) = sockets.holders(listener)
    assert holder.pid == os.getpid()
    assert holder.command == Path("/proc/self/comm").read_text().strip()
    assert not sockets.can_listen("127.0.0.1", listener)
    assert not sockets.can_listen("0.0.0.0", listener)  # noqa: S104


def test_a_free_port_has_no_holder(listener: int) -> None:
    with socket.create_connection(("127.0.0.1", listener)) as client:
        ours = client.getsockname()[1]
        assert sockets.holders(ours) == []  # connected, not listening
    assert sockets.holders(ours) == []
    assert sockets.can_listen("127.0.0.1", 0)


def test_an_address_of_another_machine_is_no_use() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        sockets.can_listen("192.0.2.1", 0)  # reserved for documentation by RFC 5737
    assert not sockets.is_local("192.0.2.1")
    assert sockets.is_local("127.0.0.1")


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0 100\n"


def make_proc(root: Path, groups: str) -> Path:
    (root / "net").mkdir()
    (root / "net/tcp").write_text(
        HEAD
        + ROW.format(local="00000000:01BB", state="0A", inode=77)  # 0.0.0.0:443 listening
        + ROW.format(local="0100007F:1F90", state="01", inode=78)  # 127.0.0.1:8080 connected
    )
    process = root / "4242"
    (process / "fd").mkdir(parents=True)
    (process / "fd/3").symlink_to("socket:[77]")
    (process / "comm").write_text("nginx\n")
    (process / "cgroup").write_text(groups)
    (root / "4243").mkdir()  # ended while we looked
    return root


@pytest.mark.parametrize(
    ("groups", "unit"),
    [
        ("0::/system.slice/nginx.service\n", "nginx.service"),
        ("1:name=systemd:/machine.slice/x/system.slice/system-stunnel.slice/stunnel@a.service\n", "stunnel@a.service"),
        ("0::/user.slice/user-0.slice/user@0.service/app.slice/web.service\n", "web.service"),
        ("0::/\n", ""),
    ],
)
def test_the_unit_of_a_holder(tmp_path: Path, groups: str, unit: str) -> None:
    proc = make_proc(tmp_path, groups)
    assert sockets.holders(443, proc) == [sockets.Holder(4242, "nginx", unit)]
    assert sockets.holders(8080, proc) == []


def test_a_holder_reads_as_an_owner_would_look_it_up() -> None:
    assert str(sockets.Holder(7, "nginx", "nginx.service")) == "nginx (process 7, nginx.service)"
    assert str(sockets.Holder(7, "nc", "")) == "nc (process 7)"
