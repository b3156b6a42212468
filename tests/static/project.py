"""The project's files as data, for the static tests. Only files known to git count."""

from __future__ import annotations

import dataclasses
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = ROOT / "roles"


class _Loader(yaml.SafeLoader):
    """Safe YAML with Ansible's tags read as plain values."""


for _tag in ("!vault", "!unsafe"):
    _Loader.add_constructor(_tag, lambda _, node: node.value)


def load(path: Path) -> Any:
    """The content of a YAML file."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  # based on the safe one


@functools.cache
def files() -> tuple[Path, ...]:
    """Every file that git knows and that is there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def files_below(folder: str, *suffixes: str) -> list[Path]:
    """The files below a folder whose names end so."""
    return [path for path in files() if path.is_relative_to(ROOT / folder) and path.name.endswith(suffixes or "")]


@functools.cache
def role_names() -> tuple[str, ...]:
    """The roles, in the order of the alphabet."""
    return tuple(sorted({path.relative_to(ROLES).parts[0] for path in files_below("roles")}))


def spec(role: str) -> dict[str, Any]:
    """Options of a role's main entry point, by name."""
    options: dict[str, Any] = load(ROLES / role / "meta/argument_specs.yml")["argument_specs"]["main"].get(
        "options", {}
    )
    return options


@dataclasses.dataclass(frozen=True)
class Task:
    """One task of a role: where it is, which role has it, what it holds, and what its blocks add."""

    path: Path
    role: str
    data: dict[str, Any]
    inherited: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}: {self.data.get('name', 'a task without a name')}"

    def get(self, key: str) -> Any:
        """A keyword of the task, or of a block around it."""
        return self.data.get(key, self.inherited.get(key))

    @property
    def module(self) -> str:
        """The module's name as written; empty for a block."""
        return next((key for key in self.data if key not in KEYWORDS and not key.startswith("with_")), "")

    @property
    def short_module(self) -> str:
        """The module's last part: ``template`` for ``ansible.builtin.template``."""
        return self.module.rpartition(".")[2]

    @property
    def arguments(self) -> dict[str, Any]:
        """The module's arguments; empty when they are not a mapping."""
        value = self.data.get(self.module)
        return value if isinstance(value, dict) else {}


KEYWORDS = frozenset(
    [
        "action",
        "always",
        "any_errors_fatal",
        "args",
        "async",
        "become",
        "become_exe",
        "become_flags",
        "become_method",
        "become_user",
        "block",
        "changed_when",
        "check_mode",
        "collections",
        "connection",
        "debugger",
        "delay",
        "delegate_facts",
        "delegate_to",
        "diff",
        "environment",
        "failed_when",
        "ignore_errors",
        "ignore_unreachable",
        "listen",
        "local_action",
        "loop",
        "loop_control",
        "module_defaults",
        "name",
        "no_log",
        "notify",
        "poll",
        "port",
        "register",
        "remote_user",
        "rescue",
        "retries",
        "run_once",
        "tags",
        "throttle",
        "timeout",
        "until",
        "vars",
        "when",
    ]
)


def task_files() -> list[Path]:
    """Task and handler files of all roles."""
    return [path for path in files_below("roles", ".yml") if path.parent.name in ("tasks", "handlers")]


@functools.cache
def tasks() -> tuple[Task, ...]:
    """Every task and handler of all roles, blocks and what is in them each by itself."""
    return tuple(task for path in task_files() for task in _walk(path, load(path) or [], {}))


def _walk(path: Path, items: list[dict[str, Any]], inherited: dict[str, Any]) -> Iterator[Task]:
    for item in items:
        yield Task(path, path.relative_to(ROLES).parts[0], item, inherited)
        for part in ("block", "rescue", "always"):
            passed_on = {key: value for key, value in item.items() if key not in ("block", "rescue", "always", "name")}
            yield from _walk(path, item.get(part, []), {**inherited, **passed_on})


def playbooks() -> list[Path]:
    """The playbooks."""
    return files_below("playbooks", ".yml")


def plays() -> list[tuple[Path, dict[str, Any]]]:
    """Every play, with the playbook it is in; imports of other playbooks left out."""
    return [(path, play) for path in playbooks() for play in load(path) if "hosts" in play]
