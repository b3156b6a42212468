"""The host's way to Debian's packages, so that machines fetch from the same place in the same way."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sandbox.errors import SandboxError
from sandbox.host import tool

OS_RELEASE = Path("/etc/os-release")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_INDEX_FORMAT = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
# What a suite's name may carry behind the release's codename, and is carried over to another release.
_POCKETS = ("", "-updates", "-security")
# Settings about the way to the archive; all else of the host's apt is its own business.
_CARRIED = re.compile(
    r"Acquire::(?:https?::|Check-Valid-Until|Check-Date|Max-ValidTime|Retries|ForceIPv[46])", re.IGNORECASE
)


class Archive(NamedTuple):
    """One place to fetch one suite from."""

    uri: str
    suite: str
    components: tuple[str, ...]


@dataclass(frozen=True)
class AptSettings:
    """Everything apt needs in a root or machine of one release."""

    archives: tuple[Archive, ...]
    configuration: str

    @property
    def main(self) -> Archive:
        """The archive of the release itself, from which a root is built."""
        return next(archive for archive in self.archives if "-" not in archive.suite)

    @property
    def sources(self) -> str:
        """Text for a file under /etc/apt/sources.list.d, in deb822 form."""
        stanzas = [
            f"Types: deb\nURIs: {archive.uri}\nSuites: {archive.suite}\n"
            f"Components: {' '.join(archive.components)}\nSigned-By: {KEYRING}\n"
            for archive in self.archives
        ]
        return "\n".join(stanzas)


def host_settings(suite: str) -> AptSettings:
    """Read the host's apt settings and turn them into those for the release `suite` ("bookworm", "trixie").

    Raises SandboxError when the host has no Debian archive among its sources.
    """
    rows = tool(["apt-get", "indextargets", "--format", _INDEX_FORMAT, "Created-By: Packages"]).stdout
    codename = _host_codename(OS_RELEASE.read_text())
    archives = derive_archives(rows.splitlines(), codename, suite)
    if not any(archive.suite == suite for archive in archives):
        raise SandboxError(
            f"the host's apt sources name no Debian archive for {codename or 'its release'}, "
            f"so there is nowhere to fetch {suite} from: add Debian's main archive to /etc/apt/sources.list.d"
        )
    dump = tool(["apt-config", "dump"]).stdout
    return AptSettings(archives, carried_configuration(dump.splitlines(), os.environ))


def derive_archives(rows: Sequence[str], codename: str, suite: str) -> tuple[Archive, ...]:
    """Pick Debian's own archives from `uri|suite|component|origin` rows and turn them to another release.

    Rows of other origins (third-party archives) are left out; an unknown origin, as before the first
    `apt-get update`, counts as Debian's.
    """
    components: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        uri, release, component, origin = row.split("|")
        if origin not in ("Debian", "", "$(ORIGIN)") or not release.startswith(codename):
            continue
        pocket = release.removeprefix(codename)
        if pocket in _POCKETS:
            key = (_direct_uri(uri), suite + pocket)
            components.setdefault(key, []).append(component)
    archives = [Archive(uri, release, tuple(dict.fromkeys(found))) for (uri, release), found in components.items()]
    return tuple(archive for archive in archives if "main" in archive.components)


def carried_configuration(dump: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the lines of apt's configuration that a machine needs to reach the archive as the host does."""
    lines = [line for line in dump if _CARRIED.match(line)]
    for scheme in ("http", "https"):
        proxy = environment.get(f"{scheme}_proxy", "")
        if proxy and not any(line.lower().startswith(f"acquire::{scheme}::proxy ") for line in lines):
            lines.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return "".join(f"{line}\n" for line in lines)


def _host_codename(os_release: str) -> str:
    match = re.search(r'^VERSION_CODENAME="?([a-z]+)"?$', os_release, re.MULTILINE)
    return match.group(1) if match else ""


def _direct_uri(uri: str) -> str:
    """Follow apt's `mirror+file:` to the first archive it lists; cloud images of Debian use it."""
    if not uri.startswith("mirror+file:"):
        return uri
    listing = Path("/" + uri.removeprefix("mirror+file:").strip("/"))
    lines = [line.split()[0] for line in listing.read_text().splitlines() if line and line[0] != "#"]
    if not lines:
        raise SandboxError(f"{listing}, named by the host's apt sources, lists no archive")
    return lines[0]
