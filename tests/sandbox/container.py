"""A systemd-nspawn container on a fresh overlay over a kept root, and everything on the host that belongs to it."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox import cgroups
from sandbox.cache import keep_debs, lend_debs, machines_dir
from sandbox.host import require_overlay, tool
from sandbox.resources import Resource
from sandbox.roots import suite_of_root
from sandbox.runs import Run

# IPAddressDeny= and IPAddressAllow= of units are BPF programs, which nspawn forbids by itself.
_FOR_UNITS = ("--capability=CAP_BPF,CAP_PERFMON", "--system-call-filter=bpf")


class Container:
    """One container: first `prepare`, then `boot`, in the end `destroy`, which may be called at any point."""

    def __init__(self, root: Path) -> None:
        self.id = f"aic-{secrets.token_hex(3)}"
        self.directory = machines_dir() / self.id
        self._root = root
        self._suite = suite_of_root(root)
        self._run = Run.current()
        self._resources: list[Resource] = []
        self._groups: list[Path] = []
        self._nspawn: subprocess.Popen[bytes] | None = None

    @property
    def tree(self) -> Path:
        """The container's root directory as the host sees it; to be written to before `boot` only."""
        return self.directory / "merged"

    @property
    def socket(self) -> Path:
        """A place for a control socket; short, because names of sockets are limited to 107 bytes."""
        return self._run.directory / f"{self.id}.ssh"

    @property
    def running(self) -> bool:
        """Tell whether the container runs."""
        return self._nspawn is not None and self._nspawn.poll() is None

    @property
    def leader_pid(self) -> int | None:
        """The host's id of the container's first process; None while it does not run."""
        pids = {pid for group in self._groups for pid in cgroups.members(group / "machine")}
        return next((pid for pid in sorted(pids) if _first_in_namespace(pid)), None)

    def prepare(self) -> None:
        """Mount the fresh overlay."""
        self._record("directory", self.directory)
        self.directory.mkdir(mode=0o700)
        for part in ("upper", "work", "merged"):
            (self.directory / part).mkdir(mode=0o755)
        lend_debs(self._suite, self.directory / "upper")
        self._record("mount", self.tree)
        layers = f"lowerdir={self._root},upperdir={self.directory}/upper,workdir={self.directory}/work"
        command = ["mount", "-t", "overlay", "overlay", str(self.tree), "-o"]
        # What is thrown away need not wait for the disk: without syncs, packages install much faster.
        if tool([*command, f"{layers},volatile"], check=False).returncode != 0:
            require_overlay(self.directory)
            tool([*command, layers])

    def boot(self, hostname: str, bridge: str, binds: Mapping[str | Path, str]) -> None:
        """Start systemd in the container, attached to a bridge of the host; also again once it has ended."""
        if not self._groups:
            self._record("link", f"vb-{self.id}")
            for hierarchy in cgroups.hierarchies():
                self._record("cgroup", hierarchy / self.id)
            self._groups = cgroups.create(self.id)
        command = [
            "systemd-nspawn",
            "--quiet",
            "--boot",
            "--register=no",
            "--keep-unit",
            f"--directory={self.tree}",
            f"--machine={self.id}",
            f"--hostname={hostname}",
            f"--network-bridge={bridge}",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            *_FOR_UNITS,
            *(f"--bind={host}:{inside}" for host, inside in binds.items()),
        ]
        with self._log.open("wb") as console:
            self._nspawn = self._start_in("machine", command, console.fileno())

    def start_helper(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a program of the host in the background that ends with the container at the latest."""
        return self._start_in("helpers", command, subprocess.DEVNULL)

    def console(self, lines: int = 30) -> str:
        """Return the end of what was printed on the console."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """Ask systemd to shut down in order."""
        if self._nspawn is not None:
            self._nspawn.send_signal(signal.SIGTERM)

    def wait_ended(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the end of the container, which a reboot is too; tell whether it came."""
        if self._nspawn is not None:
            try:
                self._nspawn.wait(timeout)
            except subprocess.TimeoutExpired:
                return False
        return True

    def destroy(self) -> None:
        """End all processes at once and take everything away; downloaded packages are kept for others."""
        self._take_away("cgroup")
        if self._nspawn is not None:
            self._nspawn.wait()
        keep_debs(self._suite, self.directory / "upper")
        self._take_away("link", "mount", "directory")

    @property
    def _log(self) -> Path:
        return self.directory / "console.log"

    def _record(self, kind: str, name: str | Path) -> None:
        self._resources.append(self._run.add(kind, name))

    def _take_away(self, *kinds: str) -> None:
        self._run.take_away([resource for resource in self._resources if resource.kind in kinds])

    def _start_in(self, group: str, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        joins = [f"echo $$ > {shlex.quote(str(parent / group))}/cgroup.procs" for parent in self._groups]
        environment = dict(os.environ)
        if cgroups.unified_available():
            # systemd of Debian 13 needs cgroup2; where the host has it beside v1, nspawn must be told.
            environment["UNIFIED_CGROUP_HIERARCHY"] = "1"
        return subprocess.Popen(
            ["sh", "-c", "; ".join(["set -e", *joins, 'exec "$@"']), "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the owner, who then ends the container
        )


def _first_in_namespace(pid: int) -> bool:
    """Tell whether a process is the first one of a PID namespace right below this one."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    numbers = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
    return len(numbers) == 2 and numbers[1] == "1"
