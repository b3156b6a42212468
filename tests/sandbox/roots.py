"""Root directories of Debian machines, built once and kept."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.apt import AptSettings, host_settings
from sandbox.cache import cache_dir, debs_dir, keep_debs, lend_debs, locked
from sandbox.errors import CommandError, SandboxError
from sandbox.host import require_host, tool
from sandbox.trust import local_authorities, pip_configuration

SUITES = {"12": "bookworm", "13": "trixie"}
BASE_PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "netbase",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "systemd",
    "systemd-sysv",
)
# Pages nobody reads in a throwaway machine; what is left out changes no program.
_DPKG = """\
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/doc/*/changelog*
"""
# Without this file, packages with init scripts would start their services while a root is built.
_POLICY = "#!/bin/sh\nexit 101\n"
_BASE_SCRIPT = """\
set -eu
export DEBIAN_FRONTEND=noninteractive
update-ca-certificates >/dev/null
apt-get -q update
apt-get -q -y dist-upgrade
systemctl enable systemd-networkd.service
"""
_LAYER_SCRIPT = """\
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y install "$@"
"""
# A machine gets host keys and an identity of its own at boot.
_FINISH_SCRIPT = """\
set -eu
rm -f /etc/ssh/ssh_host_* /usr/sbin/policy-rc.d /var/log/bootstrap.log
: > /etc/machine-id
"""
_STAGE_SECONDS = 1800.0


def suite_from_env() -> str:
    """Return the release that the environment variable DEBIAN asks for: 12 (also without it) or 13.

    Raises SandboxError for any other value.
    """
    return suite_of(os.environ.get("DEBIAN") or "12")


def suite_of(version: str) -> str:
    """Return the codename of a Debian version number; raises SandboxError for one that is not supported."""
    try:
        return SUITES[version]
    except KeyError:
        raise SandboxError(f"DEBIAN={version} is not supported; use one of {', '.join(SUITES)}") from None


def debian_root(suite: str = "bookworm", packages: Sequence[str] = (), *, setup: Path | None = None) -> Path:
    """Return a directory that holds Debian `suite`, building it when it is not kept yet.

    With `packages` (installed with their recommended ones, as on a real machine) or `setup` (a shell script
    run as root inside, with the network) the root is a layer on top of the plain one. Each set of inputs has
    its own directory. Nothing may write to it: machines boot from it with an overlay.

    Raises SandboxError when the suite is unknown, the host lacks something or a stage of the build fails.
    """
    if suite not in SUITES.values():
        raise SandboxError(f"unknown Debian release {suite!r}; use one of {', '.join(SUITES.values())}")
    require_host()
    settings = host_settings(suite)
    script = setup.read_text() if setup else ""
    base_key = _key([suite, platform.machine(), BASE_PACKAGES, _DPKG, _BASE_SCRIPT, _FINISH_SCRIPT,
                     settings.sources, settings.configuration,
                     [pem.decode("ascii") for pem in local_authorities()], pip_configuration()])  # fmt: skip
    base = _roots() / f"{suite}-{base_key}"
    if not base.is_dir():
        _build(base, lambda tree: _build_base(tree, suite, settings))
    if not packages and not script:
        return base
    wanted = sorted(set(packages))
    layer = _roots() / f"{suite}-{base_key}-{_key([wanted, script, _LAYER_SCRIPT])}"
    if not layer.is_dir():
        _build(layer, lambda tree: _build_layer(tree, suite, base, wanted, script))
    return layer


def suite_of_root(root: Path) -> str:
    """Return the codename of the Debian in a root directory."""
    lines = (root / "etc/os-release").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("VERSION_CODENAME="))


def _roots() -> Path:
    directory = cache_dir() / "roots"
    directory.mkdir(exist_ok=True)
    return directory


def _key(inputs: object) -> str:
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:12]


def _build(root: Path, fill: Callable[[Path], None]) -> None:
    """Fill a directory under a temporary name and give it its own when it is whole; one builder at a time."""
    with locked(root.with_name(f".{root.name}.lock")):
        if root.is_dir():
            return
        tree = root.with_name(f".{root.name}.part")
        if tree.exists():  # left by a build that was killed
            _remove(tree)
        try:
            fill(tree)
        except BaseException:
            _remove(tree)
            raise
        tool(["sync", "--file-system", str(tree)], timeout=_STAGE_SECONDS)  # else a power cut could leave holes
        tree.rename(root)


def _build_base(tree: Path, suite: str, settings: AptSettings) -> None:
    tree.mkdir()
    with _stage(f"Debian {suite}: unpacking the base system"):
        environment = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
        environment.update(_proxies(settings.configuration))
        command = ["debootstrap", "--variant=minbase", f"--cache-dir={debs_dir(suite)}",
                   f"--include={','.join(BASE_PACKAGES)}", suite, str(tree), settings.main.uri]  # fmt: skip
        _contained(command, environment)
    with _stage(f"Debian {suite}: updating it"):
        _write(tree / "etc/apt/sources.list.d/debian.sources", settings.sources)
        (tree / "etc/apt/sources.list").unlink(missing_ok=True)
        _write(tree / "etc/apt/apt.conf.d/90host", settings.configuration, 0o600)
        _write(tree / "etc/dpkg/dpkg.cfg.d/90sandbox", _DPKG)
        for number, authority in enumerate(local_authorities(), start=1):
            name = f"usr/local/share/ca-certificates/host-{number:02d}.crt"
            _write(tree / name, authority.decode("ascii"))
        if pip := pip_configuration():
            _write(tree / "etc/pip.conf", pip, 0o600)
        _run_inside(tree, suite, _BASE_SCRIPT)


def _build_layer(tree: Path, suite: str, base: Path, packages: Sequence[str], setup: str) -> None:
    tool(["cp", "-a", "--reflink=auto", str(base), str(tree)], timeout=_STAGE_SECONDS)
    if packages:
        with _stage(f"Debian {suite}: installing {' '.join(packages)}"):
            _run_inside(tree, suite, _LAYER_SCRIPT, packages)
    if setup:
        with _stage(f"Debian {suite}: running the set-up script"):
            _run_inside(tree, suite, setup)


def _run_inside(tree: Path, suite: str, script: str, arguments: Sequence[str] = ()) -> None:
    """Run a shell script in the tree, with the host's network and nothing else of the host."""
    lend_debs(suite, tree)
    _write(tree / "usr/sbin/policy-rc.d", _POLICY, 0o755)
    for text in (script, _FINISH_SCRIPT):
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--as-pid2", "--pipe",
                   "--resolv-conf=replace-host", "--timezone=off", f"--directory={tree}",
                   "--", "/bin/sh", "-c", text, "sh", *arguments]  # fmt: skip
        _contained(command, dict(os.environ))
    keep_debs(suite, tree)


def _contained(command: Sequence[str], environment: dict[str, str]) -> None:
    """Run a command whose processes and mounts all go away with this process, however it ends."""
    own_life = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    tool([*own_life, *command], env=environment, timeout=_STAGE_SECONDS)


def _proxies(configuration: str) -> dict[str, str]:
    """Return the environment that makes debootstrap use the proxies of apt's configuration."""
    found = re.findall(r'^Acquire::(https?)::Proxy "(.+)";$', configuration, re.MULTILINE | re.IGNORECASE)
    return {f"{scheme.lower()}_proxy": proxy for scheme, proxy in found if proxy != "DIRECT"}


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _remove(tree: Path) -> None:
    tool(["rm", "-rf", "--one-file-system", str(tree)], timeout=_STAGE_SECONDS)


@contextmanager
def _stage(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    print(f"sandbox: {what} ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    try:
        yield
    except CommandError as error:
        raise SandboxError(f"{what} failed. {error}") from error
    print(f"sandbox: {what}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
