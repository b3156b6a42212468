"""Rules for every file of the project: no gate that cannot fail, nothing of the machine it was written on."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ansible import constants

from static.project import ROOT, files

RUNNABLE = (".sh", ".yml", ".py", ".j2", ".toml", ".cfg", "Makefile", "run", "setup")


def texts() -> list[tuple[Path, str]]:
    """Every text file with its content."""
    found = []
    for path in files():
        data = path.read_bytes()
        if b"\0" not in data:
            found.append((path, data.decode()))
    return found


def with_pattern(pattern: str, *endings: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path, text in texts()
        if not endings or path.name.endswith(endings)
        for match in [re.search(pattern, text)]
        if match
    ]


def test_no_gate_is_made_unable_to_fail() -> None:
    assert with_pattern(r"\|\|[ \t]*(?:true\b|:(?=\s|$))", *RUNNABLE) == []


def test_shell_scripts_pass_shellcheck() -> None:
    assert shutil.which("shellcheck"), "shellcheck is missing; `make setup` installs it"
    scripts = [path for path, text in texts() if re.match(r"#!.*\b(ba|da)?sh\b", text) and path.suffix != ".j2"]
    assert scripts
    done = subprocess.run(["shellcheck", *scripts], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""


def registry_hosts() -> set[str]:
    """Hosts of the package registries that this machine uses, from each tool's own settings."""
    pip = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    own = "from pip._internal.models.index import PyPI, TestPyPI; print(PyPI.url, TestPyPI.url)"
    built_in = subprocess.run([sys.executable, "-c", own], capture_output=True, text=True, check=True)
    sources = [Path("/etc/apt/sources.list"), *Path("/etc/apt").glob("sources.list.d/*"), Path.home() / ".npmrc"]
    galaxy = [constants.GALAXY_SERVER, *(_galaxy_servers())]
    environment = [os.environ.get(name, "") for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "npm_config_registry")]
    settings = [pip.stdout, built_in.stdout, *galaxy, *environment]
    settings += [path.read_text() for path in sources if path.is_file()]
    hosts = {match for text in settings for match in re.findall(r"https?://(?:[^/@\s]+@)?([\w.-]+)", text)}
    return {host for host in hosts if "." in host and not host.startswith("127.")}


def _galaxy_servers() -> list[str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read([Path.home() / ".ansible.cfg", "/etc/ansible/ansible.cfg"])
    return [parser[section].get("url", "") for section in parser.sections() if section.startswith("galaxy_server")]


def test_no_file_names_a_package_registry() -> None:
    """Owners behind a mirror of their own set it once, in their tools; a name in a file would go past it."""
    hosts = registry_hosts()
    assert hosts
    assert [
        f"{path.relative_to(ROOT)}: {host}" for path, text in texts() for host in sorted(hosts) if host in text
    ] == []


def test_no_file_names_a_place_on_the_machine_it_was_written_on() -> None:
    places = [str(ROOT), *([str(Path.home())] if Path.home().parent == Path("/home") else [])]
    assert [f"{path.relative_to(ROOT)}: {place}" for path, text in texts() for place in places if place in text] == []
