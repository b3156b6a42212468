#!/usr/bin/python3
"""Give stunnel a certificate, and prove that it serves it.

Runs as certbot's deploy hook (without arguments), and for the role. stunnel says nothing when it keeps its old
certificate or configuration at a reload; what port 443 answers is the only proof. certbot says next to nothing when it
gets another chain than the preferred one; a certificate that an Echo would refuse is not taken while the one in use is
good.

    deploy         copy the certificate if it differs, reload, prove; back to the one before when that fails
    check FILE     start a second stunnel with the configuration FILE on a free port of loopback, and see what it serves
    reload         have stunnel read its configuration again, and prove it

Settings: /etc/stunnel/alexa-ip-cam.ini.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

SETTINGS = Path("/etc/stunnel/alexa-ip-cam.ini")
FILES = ("fullchain.pem", "privkey.pem")
SECONDS = 5.0
HANDSHAKE_TURNS = 10
# Below the process, where the sandbox of certbot.service leaves them visible.
TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))


class Failure(Exception):  # noqa: N818 - reads as what it is
    """What went wrong, and that it did no harm."""


@dataclass(frozen=True)
class Settings:
    """Where the certificate comes from and goes to, and which stunnel serves it with which configuration.

    `roots` is a file with the only roots that devices trust; None when any chain will do.
    """

    source: Path
    target: Path
    config: Path
    user: str
    unit: str
    roots: Path | None = None

    @property
    def generations(self) -> Path:
        """Directory of one directory for each certificate; `target` is a link to the one in use."""
        return self.target.with_name(f"{self.target.name}.d")


@dataclass(frozen=True)
class Door:
    """Where a configuration listens, and a name that it serves."""

    address: str
    port: int
    name: str

    @classmethod
    def of(cls, config: str) -> Door:
        """Read stunnel's configuration; raises Failure when it does not say where it listens."""
        accept = re.search(r"(?m)^accept = (\S+):(\d+)$", config)
        name = re.search(r"(?m)^sni = [^:]+:(\S+)$", config)
        if accept is None or name is None:
            raise Failure("stunnel's configuration does not say where it listens: run the role stunnel again")
        address = "127.0.0.1" if accept.group(1) == "0.0.0.0" else accept.group(1)  # noqa: S104 - compared only
        return cls(address, int(accept.group(2)), name.group(1))


def read_settings(path: Path) -> Settings:
    """Read the settings' file; raises Failure when there is none."""
    parser = configparser.ConfigParser(interpolation=None)
    if not parser.read(path):
        raise Failure(f"{path} is missing: run the role stunnel again")
    section = parser["stunnel"]
    return Settings(
        source=Path(section["source"]),
        target=Path(section["target"]),
        config=Path(section["config"]),
        user=section["user"],
        unit=section["unit"],
        roots=Path(section["roots"]) if section.get("roots") else None,
    )


# The certificate on disk


def load(directory: Path) -> bytes:
    """Return the leaf in DER, having had OpenSSL accept chain and key; raises Failure when it does not."""
    chain, key = (directory / name for name in FILES)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
        text = chain.read_text()
    except FileNotFoundError as error:
        raise Failure(
            f"there is no certificate in {directory}: run the role certbot first, or set stunnel_certificate_dir"
        ) from error
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise Failure(f"the certificate in {directory} is of no use: {error}") from error
    return leaf(text)


def leaf(chain: str) -> bytes:
    """Return the first certificate of a PEM chain in DER."""
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(chain[: chain.index(end) + len(end)] + "\n")


def refusal(directory: Path, roots: Path) -> str | None:
    """Why a device that trusts nothing but `roots` refuses the certificate in a directory; None when it takes it.

    A handshake in memory is what tells: OpenSSL then builds and verifies the chain as it would for a viewer. Raises
    Failure when roots or certificate cannot be used.
    """
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    try:
        server.load_cert_chain(*(directory / name for name in FILES))
        client.load_verify_locations(roots)
    except (OSError, ValueError) as error:
        raise Failure(f"the chain in {directory} cannot be checked with the roots in {roots}: {error}") from error
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    device = client.wrap_bio(down, up)
    sides = [device, server.wrap_bio(up, down, server_side=True)]
    for _ in range(HANDSHAKE_TURNS):
        for side in sides.copy():
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
            if side is device:
                return None
            sides.remove(side)
    raise Failure(f"the chain in {directory} cannot be checked: the handshake does not end")


def same(one: Path, other: Path) -> bool:
    """Tell whether two directories hold the same certificate and key."""
    try:
        return all((one / name).read_bytes() == (other / name).read_bytes() for name in FILES)
    except FileNotFoundError:
        return False


def put(settings: Settings) -> Path | None:
    """Copy the certificate into a directory of its own and turn the link to it; returns where the link led before."""
    before = settings.target.resolve() if settings.target.is_symlink() else None
    directory = Path(tempfile.mkdtemp(prefix="", dir=settings.generations))
    for name in FILES:
        # The parent's set-group-id bit has given the directory, and so gives the files, stunnel's group.
        descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write((settings.source / name).read_bytes())
            os.fchmod(stream.fileno(), 0o640)
            os.fsync(stream.fileno())
    directory.chmod(0o750)
    turn(settings.target, directory)
    return before


def turn(target: Path, directory: Path) -> None:
    """Make `target` a link to `directory`, in one step: chain and key always fit each other."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(f"{directory.parent.name}/{directory.name}")
    part.replace(target)


def tidy(settings: Settings) -> None:
    """Remove all certificates but the one in use."""
    used = settings.target.resolve()
    for directory in settings.generations.iterdir():
        if directory != used:
            shutil.rmtree(directory)


# The running stunnel


def systemctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemctl."""
    return subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)


def active(settings: Settings) -> bool:
    """Tell whether stunnel runs."""
    return systemctl("--quiet", "is-active", settings.unit).returncode == 0


def served(door: Door) -> bytes:
    """Return the leaf in DER that is served; raises OSError when there is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((door.address, door.port), timeout=SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=door.name) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def serves(door: Door, wanted: bytes) -> bool:
    """Tell whether the wanted leaf is served."""
    try:
        return served(door) == wanted
    except OSError:
        return False


def listeners(port: int, tables: Sequence[Path] = TABLES) -> set[str]:
    """Return the inodes of the sockets that listen on a TCP port."""
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}


def wait_for(condition: Callable[[], bool]) -> bool:
    """Wait until a condition is true; returns False when it is not within a few seconds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def reload(settings: Settings) -> str | None:
    """Have stunnel read configuration and certificate; returns what shows that it did not.

    It opens its port anew when it takes a configuration, and keeps the socket when it does not.
    """
    wanted = load(settings.target)
    door = Door.of(settings.config.read_text())
    old = listeners(door.port)
    done = systemctl("reload", settings.unit)
    if done.returncode != 0:
        return f"systemctl reload {settings.unit} failed: {done.stderr.strip()}"
    if not wait_for(lambda: bool(listeners(door.port) - old)):
        return f"stunnel kept its old configuration (journalctl -u {settings.unit})"
    if not wait_for(lambda: serves(door, wanted)):
        return f"{door.address}:{door.port} does not serve the certificate in {settings.target}"
    return None


# Commands


def deploy(settings: Settings) -> bool:
    """Bring the certificate to stunnel; tells whether anything was done. Raises Failure."""
    wanted = load(settings.source)
    door = Door.of(settings.config.read_text()) if active(settings) else None
    equal = same(settings.source, settings.target)
    if equal and (door is None or serves(door, wanted)):
        return False
    if not equal:
        require_trusted(settings)
    before = None if equal else put(settings)
    if door and (problem := reload(settings)) and (problem := reload(settings)):
        if before is None:
            raise Failure(problem)
        turn(settings.target, before)
        # With a configuration that stunnel does not take, it still serves what it had.
        well = serves(door, load(settings.target)) or reload(settings) is None
        back = "is served" if well else "cannot be served either"
        raise Failure(f"{problem}; the certificate before is back in {settings.target} and {back}")
    tidy(settings)
    return True


def require_trusted(settings: Settings) -> None:
    """Raise Failure when devices would refuse the new certificate but take the one in use."""
    if settings.roots is None:
        return
    why = refusal(settings.source, settings.roots)
    if why is None:
        return
    if settings.target.exists() and refusal(settings.target, settings.roots) is None:
        raise Failure(
            f"an Echo would refuse the new certificate in {settings.source} ({why}), so the one before stays in use:"
            " see which roots the ACME server offers, set certbot_preferred_chain, and run site.yml again"
        )


def check(settings: Settings, path: Path) -> None:
    """Start a second stunnel with a configuration; raises Failure when it does not serve the certificate."""
    text = path.read_text()
    wanted = load(settings.target)
    door = Door.of(text)
    require_port(settings, door.port)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        door = replace(door, address="127.0.0.1", port=probe.getsockname()[1])
    candidate = re.sub(r"(?m)^accept = .*$", f"accept = {door.address}:{door.port}", text)
    with tempfile.TemporaryFile() as config, tempfile.TemporaryFile() as log:
        config.write(candidate.encode())
        config.seek(0)
        process = subprocess.Popen(
            ["stunnel4", "-fd", "0"],
            stdin=config,
            stdout=log,
            stderr=log,
            user=settings.user,
            group=settings.user,
            extra_groups=[],
        )
        try:
            wait_for(lambda: process.poll() is not None or serves(door, wanted))
            good = process.poll() is None and serves(door, wanted)
        finally:
            process.terminate()
            process.wait()
        if not good:
            log.seek(0)
            said = [line for line in log.read().decode(errors="replace").splitlines() if "LOG5" not in line]
            raise Failure("\n".join(["stunnel does not work with this configuration:", *said[-12:]]))


def require_port(settings: Settings, port: int) -> None:
    """Raise Failure, naming who it is, when another program than our stunnel listens on a port."""
    main_pid = systemctl("show", "--property=MainPID", "--value", settings.unit).stdout.strip()
    foreign = listeners(port) - sockets(Path("/proc") / (main_pid or "0"))
    if foreign:
        holders = [
            f"{(process / 'comm').read_text().strip()} (process {process.name})"
            for process in Path("/proc").glob("[0-9]*")
            if foreign & sockets(process)
        ]
        by = ", ".join(holders) or "another program"
        raise Failure(f"port {port} is taken by {by}: stop it, or move it to another port")


def sockets(process: Path) -> set[str]:
    """Return the inodes of a process's sockets, given its directory in /proc; none when it is gone or hidden."""
    found = set()
    try:
        for descriptor in (process / "fd").iterdir():
            if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor)):  # noqa: PTH115 - not a path
                found.add(match.group(1))
    except OSError:
        return found
    return found


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status."""
    try:
        settings = read_settings(SETTINGS)
        match arguments:
            case []:
                if Path(os.environ.get("RENEWED_LINEAGE", settings.source)) == settings.source:
                    deploy(settings)
            case ["deploy"]:
                print("changed" if deploy(settings) else "unchanged")
            case ["check", path]:
                check(settings, Path(path))
            case ["reload"]:
                if (problem := reload(settings)) and (problem := reload(settings)):
                    raise Failure(problem)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except Failure as failure:
        print(f"stunnel: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
