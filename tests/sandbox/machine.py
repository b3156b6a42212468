"""A throwaway Debian machine: systemd in a container of its own, on a fresh overlay over a kept root."""

from __future__ import annotations

import io
import os
import secrets
import shlex
import signal
import subprocess
import tarfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from sandbox import cgroups
from sandbox.cache import cache_dir, keep_debs, lend_debs
from sandbox.errors import SandboxError
from sandbox.guest import host_nameservers, machine_files, place
from sandbox.host import require_host, require_overlay, tool
from sandbox.network import Network
from sandbox.resources import Resource
from sandbox.roots import debian_root, suite_of_root
from sandbox.runs import Run
from sandbox.ssh import Channel, checked, make_key

_BOOT_SECONDS = 60.0
_STOP_SECONDS = 30.0


class Machine:
    """One machine, booted on entering the context and gone on leaving it.

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
        self._id = f"aic-{secrets.token_hex(3)}"
        self._resources: list[Resource] = []
        self._groups: list[Path] = []
        self._run: Run | None = None
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None

    @property
    def address(self) -> str:
        """The machine's IPv4 address."""
        return self.net.address(self.number)

    @property
    def leader_pid(self) -> int:
        """The host's id of the machine's first process; another one after a reboot."""
        if self._nspawn is not None and self._nspawn.poll() is None:
            for pid in sorted({pid for group in self._groups for pid in cgroups.members(group / "machine")}):
                if _first_in_namespace(pid):
                    return pid
        raise SandboxError(f"{self.name} is not running")

    @property
    def ssh_args(self) -> list[str]:
        """Options for ssh, and for Ansible's `ansible_ssh_common_args`; the user is root."""
        return self._open_channel().arguments

    def __enter__(self) -> Self:
        require_host()
        try:
            self._start()
            self.wait_ready()
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

        Returns systemd's word for its state, `running` or `degraded` (a unit failed). Raises SandboxError
        with the end of the console when that takes longer than `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            if self._nspawn is None or self._nspawn.poll() is not None:
                raise SandboxError(f"{self.name} does not run. Its console:\n{self.console()}")
            try:
                self._open_channel(deadline)
                left = max(1.0, deadline - time.monotonic())
                state = self.run(["systemctl", "is-system-running", "--wait"], check=False, timeout=left)
            except SandboxError as error:
                if time.monotonic() > deadline:
                    raise SandboxError(f"{self.name}: {error}. Its console:\n{self.console()}") from error
                time.sleep(0.05)
                continue
            if (word := state.stdout.strip()) in ("running", "degraded"):
                return word
            if time.monotonic() > deadline:
                raise SandboxError(f"{self.name} is still {word} after {timeout:.0f} s")
            time.sleep(0.1)

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
        raw = self._open_channel().call(argv, stdin, timeout)
        done = subprocess.CompletedProcess(
            list(argv), raw.returncode, raw.stdout.decode(errors="replace"), raw.stderr.decode(errors="replace")
        )
        return checked(done, argv, self.name) if check else done

    def read(self, path: str) -> bytes:
        """Return the content of a file in the machine."""
        argv = ["cat", "--", path]
        raw = self._open_channel().call(argv, None, 60)
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
        """Run a command as root in the machine's namespaces, without SSH or any service of the machine."""
        command = ["nsenter", "--target", str(self.leader_pid), "--all", "--"]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        done = tool(
            [*command, *argv],
            stdin=input,
            check=False,
            env={**environment, "LANG": "C.UTF-8"},
            timeout=timeout,
        )
        return checked(done, argv, self.name) if check else done

    def journal(self, unit: str | None = None, lines: int = 200) -> str:
        """Return the last lines of the journal, of one unit or of all."""
        only = ["--unit", unit] if unit else []
        return self.enter(["journalctl", "--no-pager", "--lines", str(lines), *only]).stdout

    def console(self, lines: int = 30) -> str:
        """Return the end of what the machine printed on its console."""
        log = self._directory / "console.log"
        text = log.read_text(errors="replace") if log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, timeout: float = _STOP_SECONDS) -> None:
        """Shut the machine down in order, as its power button does; raises SandboxError when it will not."""
        if self._nspawn is None or self._nspawn.poll() is not None:
            return
        self._close_channel()
        self._nspawn.send_signal(signal.SIGTERM)
        try:
            self._nspawn.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"{self.name} does not shut down within {timeout:.0f} s") from error

    def kill(self) -> None:
        """End the machine at once and take away all that belonged to it; nothing happens when it is gone."""
        if self._run is None:
            return
        self._close_channel()
        cgroup_resources = [resource for resource in self._resources if resource.kind == "cgroup"]
        self._run.take_away(cgroup_resources)
        if self._nspawn is not None:
            self._nspawn.wait()
        if self._root is not None and (self._directory / "upper").is_dir():
            keep_debs(suite_of_root(self._root), self._directory / "upper")
        self._run.take_away([resource for resource in self._resources if resource.kind != "cgroup"])
        self._resources = []
        self._run = self._nspawn = None

    @property
    def _directory(self) -> Path:
        return cache_dir() / "machines" / self._id

    def _start(self) -> None:
        root = self._root = self._root or debian_root()
        run = self._run = Run.current()
        directory = self._directory
        directory.parent.mkdir(exist_ok=True)
        self._resources.append(run.add("directory", directory))
        directory.mkdir(mode=0o700)
        for part in ("upper", "work", "merged"):
            (directory / part).mkdir(mode=0o755)
        lend_debs(suite_of_root(root), directory / "upper")
        self._resources.append(run.add("mount", directory / "merged"))
        _mount_overlay(root, directory)
        self._write_files(directory)
        self._resources.append(run.add("link", f"vb-{self._id}"))
        for hierarchy in cgroups.hierarchies():
            self._resources.append(run.add("cgroup", hierarchy / self._id))
        self._groups = cgroups.create(self._id)
        with (directory / "console.log").open("wb") as console:
            self._nspawn = self._start_in("machine", self._nspawn_command(directory), console.fileno())

    def _write_files(self, directory: Path) -> None:
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
            place(directory / "merged", path, content, mode)

    def _nspawn_command(self, directory: Path) -> list[str]:
        return [
            "systemd-nspawn",
            "--quiet",
            "--boot",
            "--register=no",
            "--keep-unit",
            f"--directory={directory / 'merged'}",
            f"--machine={self._id}",
            f"--hostname={self.name}",
            f"--network-bridge={self.net.bridge}",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            *(f"--bind={host}:{inside}" for host, inside in self._binds.items()),
        ]

    def _start_in(self, group: str, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        """Start a program in a group of the machine, so that it ends with it at the latest."""
        joins = [f"echo $$ > {shlex.quote(str(parent / group))}/cgroup.procs" for parent in self._groups]
        environment = dict(os.environ)
        if cgroups.unified_available():
            environment["UNIFIED_CGROUP_HIERARCHY"] = "1"
        return subprocess.Popen(
            ["sh", "-c", "; ".join(["set -e", *joins, 'exec "$@"']), "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the owner, who then ends the machine
        )

    def _open_channel(self, deadline: float | None = None) -> Channel:
        if self._run is None:
            raise SandboxError(f"{self.name} is not running")
        if self._channel is None:
            self._channel = Channel(
                address=self.address,
                identity=self._directory / "login_key",
                known_hosts=self._directory / "known_hosts",
                control=self._run.directory / f"{self._id}.ssh",
                start=lambda command: self._start_in("helpers", command, subprocess.DEVNULL),
            )
        if not self._channel.is_open():
            self._channel.open(deadline or time.monotonic() + _BOOT_SECONDS)
        return self._channel

    def _close_channel(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _feed(self, argv: Sequence[str], data: bytes) -> None:
        raw = self._open_channel().call(argv, data, 300)
        if raw.returncode != 0:
            raise SandboxError(f"{self.name}: {raw.stderr.decode(errors='replace').strip()}")


def _mount_overlay(root: Path, directory: Path) -> None:
    layers = f"lowerdir={root},upperdir={directory}/upper,workdir={directory}/work"
    command = ["mount", "-t", "overlay", "overlay", str(directory / "merged"), "-o"]
    # A machine that is thrown away need not wait for the disk: without syncs, packages install much faster.
    if tool([*command, f"{layers},volatile"], check=False).returncode != 0:
        require_overlay(directory)
        tool([*command, layers])


def _first_in_namespace(pid: int) -> bool:
    """Tell whether a process is the first one of a PID namespace right below the host's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    numbers = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
    return len(numbers) == 2 and numbers[1] == "1"


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
