"""A throwaway Debian machine: what it is told before it boots, and how to work with it."""

from __future__ import annotations

import io
import shlex
import subprocess
import tarfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from sandbox.container import Container
from sandbox.errors import SandboxError
from sandbox.guest import host_nameservers, machine_files, place
from sandbox.host import require_host, tool
from sandbox.network import Network
from sandbox.roots import debian_root
from sandbox.ssh import Channel, checked, make_key

_BOOT_SECONDS = 60.0
_STOP_SECONDS = 30.0
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}


class Machine:
    """One machine, booted on entering the context and gone without a trace on leaving it.

    `number` is the last octet of its address (2 to 254). `binds` maps directories or files of the host to
    paths inside; `files` maps paths inside to contents, written with mode 0644 before it boots. `resolver` is
    the address of its nameserver, by default the host's.
    """

    def __init__(
        self,
        net: Network,
        name: str,
        *,
        number: int,
        root: Path | None = None,
        binds: Mapping[str | Path, str] | None = None,
        files: Mapping[str, bytes] | None = None,
        resolver: str | None = None,
    ) -> None:
        self.net = net
        self.name = name
        self.number = number
        self._root = root
        self._binds = dict(binds or {})
        self._files = dict(files or {})
        self._resolver = resolver
        self._container: Container | None = None
        self._channel: Channel | None = None

    @property
    def address(self) -> str:
        """The machine's IPv4 address."""
        return self.net.address(self.number)

    @property
    def leader_pid(self) -> int:
        """The host's id of the machine's first process; another one after a reboot."""
        if (pid := self._running().leader_pid) is None:
            raise SandboxError(f"{self.name} is just starting or ending")
        return pid

    @property
    def ssh_args(self) -> list[str]:
        """Options for ssh, and for Ansible's `ansible_ssh_common_args`; the user is root."""
        return self._connection().arguments

    def __enter__(self) -> Self:
        require_host()
        container = self._container = Container(self._root or debian_root())
        try:
            container.prepare()
            self._write_files(container)
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def wait_ready(self, timeout: float = _BOOT_SECONDS) -> str:
        """Wait until the machine has finished booting and answers on SSH.

        Returns systemd's word for its state: `running`, or `degraded` when a unit failed. Raises SandboxError
        with the end of the console when it takes longer than `timeout` seconds or ends before.
        """
        deadline = time.monotonic() + timeout
        reason = "is still booting"
        while time.monotonic() < deadline and self._running().running:
            try:
                self._connection(deadline)
                done = self.run(
                    ["systemctl", "is-system-running", "--wait"],
                    check=False,
                    timeout=max(0.1, deadline - time.monotonic()),
                )
            except SandboxError as error:
                reason = str(error)
            else:
                if (word := done.stdout.strip()) in ("running", "degraded"):
                    return word
                reason = f"is {word}"
            time.sleep(0.05)
        if not self._running().running:
            reason = "systemd-nspawn has ended"
        raise SandboxError(f"{self.name} did not boot: {reason}. Its console:\n{self.console()}")

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        input: str | None = None,  # noqa: A002 - named as in subprocess.run
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root over SSH; no shell sees its arguments.

        Raises CommandError when it fails and `check` is set, SandboxError when it takes longer than
        `timeout` seconds or the machine does not answer.
        """
        stdin = None if input is None else input.encode()
        raw = self._connection().call(argv, stdin, timeout)
        done = subprocess.CompletedProcess(
            list(argv), raw.returncode, raw.stdout.decode(errors="replace"), raw.stderr.decode(errors="replace")
        )
        return checked(done, argv, self.name) if check else done

    def read(self, path: str) -> bytes:
        """Return the content of a file in the machine."""
        argv = ["cat", "--", path]
        raw = self._connection().call(argv, None, 60)
        if raw.returncode != 0:
            raise SandboxError(f"{self.name}: {raw.stderr.decode(errors='replace').strip()}")
        return raw.stdout

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Write a file in the machine, in one step; missing parent directories are made."""
        target, part = shlex.quote(path), shlex.quote(path + ".part")
        parent = shlex.quote(str(PurePosixPath(path).parent))
        script = (
            f"set -e; umask 077; (umask 022; mkdir -p {parent}); "
            f"cat > {part}; chmod {mode:o} {part}; mv -f {part} {target}"
        )
        self._feed(["sh", "-c", script], data)

    def push(self, local: str | Path, remote: str) -> None:
        """Copy a file or a directory of the host, with modes, to the path `remote` in the machine."""
        packed = io.BytesIO()
        inside = PurePosixPath(remote)
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(local, arcname=inside.name, filter=_owned_by_root)
        parent = str(inside.parent)
        script = f"mkdir -p {shlex.quote(parent)} && tar -x -C {shlex.quote(parent)}"
        self._feed(["sh", "-c", script], packed.getvalue())

    def enter(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        input: str | None = None,  # noqa: A002 - named as in subprocess.run
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root in the machine's namespaces, without SSH or any service of the machine.

        Raises as `run` does.
        """
        command = ["nsenter", "--target", str(self.leader_pid), "--all", "--", *argv]
        done = tool(command, stdin=input, check=False, env=_ENVIRONMENT, timeout=timeout)
        return checked(done, argv, self.name) if check else done

    def journal(self, unit: str | None = None, lines: int = 200) -> str:
        """Return the last lines of the journal, of one unit or of all."""
        only = ["--unit", unit] if unit else []
        return self.enter(["journalctl", "--no-pager", "--lines", str(lines), *only]).stdout

    def console(self, lines: int = 30) -> str:
        """Return the end of what the machine printed on its console."""
        return self._running().console(lines)

    def stop(self, timeout: float = _STOP_SECONDS) -> None:
        """Shut the machine down in order, as its power button does; raises SandboxError when it will not."""
        container = self._running()
        self._disconnect()
        container.stop()
        if not container.wait_ended(timeout):
            raise SandboxError(f"{self.name} does not shut down. Its console:\n{self.console()}")

    def start(self) -> str:
        """Boot the machine again after `stop`, with its disk as it was; returns its state as `wait_ready`."""
        self._running().boot(self.name, self.net.bridge, self._binds)
        return self.wait_ready()

    def reboot(self) -> str:
        """Shut the machine down in order and boot it again; returns its state as `wait_ready`."""
        self.stop()
        return self.start()

    def kill(self) -> None:
        """End the machine at once and take away all that belonged to it; nothing happens when it is gone."""
        self._disconnect()
        if self._container is not None:
            self._container.destroy()
            self._container = None

    def _running(self) -> Container:
        if self._container is None:
            raise SandboxError(f"{self.name} is not booted: use it in a with statement")
        return self._container

    def _write_files(self, container: Container) -> None:
        directory = container.directory
        login_key = make_key(directory / "login_key")
        host_key = make_key(directory / "host_key")
        (directory / "known_hosts").write_text(f"{self.address} {host_key}")
        files = machine_files(
            name=self.name,
            address=self.address,
            gateway=self.net.host_address,
            resolvers=[self._resolver] if self._resolver else host_nameservers(),
            host_key=(directory / "host_key").read_bytes(),
            login_key=login_key,
        )
        files |= {path: (content, 0o644) for path, content in self._files.items()}
        for path, (content, mode) in files.items():
            place(container.tree, path, content, mode)

    def _connection(self, deadline: float | None = None) -> Channel:
        container = self._running()
        if self._channel is None:
            self._channel = Channel(
                address=self.address,
                identity=container.directory / "login_key",
                known_hosts=container.directory / "known_hosts",
                control=container.socket,
                start=container.start_helper,
                alive=lambda: container.running,
            )
        if not self._channel.is_open():
            self._channel.open(deadline or time.monotonic() + _BOOT_SECONDS)
        return self._channel

    def _disconnect(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _feed(self, argv: Sequence[str], data: bytes) -> None:
        raw = self._connection().call(argv, data, 300)
        if raw.returncode != 0:
            raise SandboxError(f"{self.name}: {raw.stderr.decode(errors='replace').strip()}")


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
