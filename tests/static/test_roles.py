"""Each role has the same skeleton, and its inputs are the same in defaults, specification and README."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from static.project import ROLES, ROOT, files, load, role_names, spec

SKELETON = (
    "README.md",
    "defaults/main.yml",
    "meta/argument_specs.yml",
    "meta/main.yml",
    "tasks/main.yml",
    "vars/main.yml",
)

each_role = pytest.mark.parametrize("role", role_names())


@each_role
def test_the_skeleton_is_whole(role: str) -> None:
    # preflight is nothing but validation, so it needs no task file of that name.
    wanted = SKELETON if role == "preflight" else (*SKELETON, "tasks/validate.yml")
    assert [name for name in wanted if ROLES / role / name not in files()] == []


@each_role
def test_specification_and_defaults_have_the_same_variables(role: str) -> None:
    required = {name for name, option in spec(role).items() if option.get("required")}
    assert set(load(ROLES / role / "defaults/main.yml") or {}) == set(spec(role)) - required
    text = (ROLES / role / "defaults/main.yml").read_text()
    assert [name for name in required if not re.search(rf"^# {name}:", text, re.MULTILINE)] == []


@each_role
def test_public_variables_begin_with_the_role_and_internal_ones_with_underscores(role: str) -> None:
    assert [name for name in spec(role) if not name.startswith(f"{role}_")] == []
    assert [name for name in load(ROLES / role / "vars/main.yml") or {} if not name.startswith(f"__{role}_")] == []


@each_role
def test_defaults_are_those_that_the_specification_tells(role: str) -> None:
    """A default in the specification is documentation only, so nothing else keeps it true."""
    defaults = load(ROLES / role / "defaults/main.yml") or {}
    told = {name: option["default"] for name, option in spec(role).items() if "default" in option}
    assert {name: defaults.get(name) for name in told} == told


@each_role
def test_the_readme_has_every_variable_and_the_tag(role: str) -> None:
    text = (ROLES / role / "README.md").read_text()
    assert [name for name in spec(role) if f"`{name}`" not in text] == []
    assert f"Tag: `{role}`" in text


@each_role
def test_it_says_where_it_runs(role: str) -> None:
    galaxy = load(ROLES / role / "meta/main.yml")["galaxy_info"]
    assert galaxy["min_ansible_version"] == "2.19"
    assert galaxy["platforms"] == [{"name": "Debian", "versions": ["bookworm", "trixie"]}]


def test_the_specifications_render_as_manual_pages() -> None:
    program = Path(sys.executable).with_name("ansible-doc")
    argv: list[str | Path] = [program, "-t", "role", "-r", ROLES, "--json", *role_names()]
    shown = json.loads(subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    for role in role_names():
        assert set(shown[role]["entry_points"]["main"]["options"]) == set(spec(role))


def test_preflight_checks_the_variables_of_every_role() -> None:
    assert set(load(ROLES / "preflight/vars/main.yml")["__preflight_roles"]) == set(role_names())
