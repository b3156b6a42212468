"""What the documents tell people to type and to open exists."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import re
import shlex
from pathlib import Path

import pytest

from static.project import ROOT, files, load, plays, role_names, spec

DOCUMENTS = [path for path in files() if path.suffix == ".md"]
each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))

# `…` in a line, and lines that are indented by four or stand between fences.
INLINE = re.compile(r"`([^`\n]+)`")
OURS = re.compile(r"alexa-ip-cam[a-z-]*")


def commands(path: Path) -> list[str]:
    """Every line and piece of code of a document."""
    text = path.read_text()
    blocks = re.findall(r"(?ms)^```\w*\n(.*?)^```", text)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += [line.strip() for line in re.findall(r"(?m)^ {4,}(.+)$", text)]
    return lines + INLINE.findall(text)


def playbook_calls(path: Path) -> list[list[str]]:
    return [
        shlex.split(part, comments=True)
        for command in commands(path)
        for part in command.split("&&")
        if part.strip().startswith("ansible-playbook ") and "playbooks/" in part
    ]


@each_document
def test_every_playbook_tag_and_variable_exists(path: Path) -> None:
    tags = {"preflight"} | {role.get("tags") for _, play in plays() for role in play.get("roles", [])}
    variables = {name for role in role_names() for name in spec(role)}
    for words in playbook_calls(path):
        names = [word for word in words if word.endswith(".yml")]
        assert [name for name in names if not (ROOT / name).is_file()] == []
        given = dict(itertools.pairwise(words))
        assert set(given.get("--tags", "preflight").split(",")) <= tags
        assert given.get("--extra-vars", "backup_archive=x").split("=")[0] in variables


@each_document
def test_every_extra_variable_exists(path: Path) -> None:
    variables = {name for role in role_names() for name in spec(role)}
    named = re.findall(r"--extra-vars (\w+)=", path.read_text())
    assert [name for name in named if name not in variables] == []


@each_document
def test_every_module_to_run_exists(path: Path) -> None:
    named = [name for command in commands(path) for name in re.findall(r"python3? -m (alexa_ip_cam[\w.]*)", command)]
    assert [name for name in named if importlib.util.find_spec(name) is None] == []


@each_document
def test_every_goal_of_make_exists(path: Path) -> None:
    goals = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    named = [match[1] for command in commands(path) if (match := re.match(r"make ([a-z]+)\b", command.strip()))]
    assert [goal for goal in named if goal not in goals] == []


@each_document
def test_every_file_that_is_named_exists(path: Path) -> None:
    folders = {file.relative_to(ROOT).parts[0] for file in files() if len(file.relative_to(ROOT).parts) > 1}
    for name in INLINE.findall(path.read_text()):
        plain = name.partition("::")[0].rstrip("/")
        if re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+", plain) and plain.split("/")[0] in folders:
            assert (ROOT / plain).exists(), f"{path.relative_to(ROOT)} names {plain}"


@each_document
def test_every_test_that_proves_a_claim_exists(path: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/.]+\.py)::(\w+)`", path.read_text()):
        tree = ast.parse((ROOT / file).read_text())
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"


@each_document
def test_every_command_of_the_appliance_exists(path: Path) -> None:
    installed = {file.name.removesuffix(".j2") for file in files() if "/usr/local/" in str(file)}
    called = {command.split()[0] for command in commands(path) if len(command.split()) > 1}
    assert {name for name in called if OURS.fullmatch(name)} <= installed


def test_the_claims_of_security_are_proved_or_say_that_they_are_not() -> None:
    text = (ROOT / "docs/security.md").read_text()
    rows = [row for row in re.findall(r"(?m)^\|.*\|$", text) if "::" in row or "not tested" in row]
    tables = re.findall(r"(?ms)^\| can \| cannot \| proved by \|\n\| --- .*?\n(.*?)\n\n", text)
    assert len(tables) == text.count("| proved by |")
    assert [row for table in tables for row in table.splitlines() if row not in rows] == []


def test_each_playbook_is_told_of_where_owners_look() -> None:
    told = (ROOT / "README.md").read_text() + (ROOT / "docs/owning.md").read_text()
    assert [path.name for path in files() if path.parent.name == "playbooks" and path.name not in told] == []
    assert load(ROOT / "playbooks/site.yml")
