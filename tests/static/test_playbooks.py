"""The playbooks: roles only, everything checked before anything changes, every tag and playbook in the README."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from static.project import ROOT, load, playbooks, plays, role_names

README = (ROOT / "README.md").read_text()
# Roles that put nothing on the appliance.
NOT_INSTALLED = {"preflight", "lambda", "backup"}


def roles_of(play: dict[str, Any]) -> list[dict[str, Any]]:
    return [role if isinstance(role, dict) else {"role": role} for role in play.get("roles", [])]


def imports_of(play: dict[str, Any]) -> list[dict[str, Any]]:
    return [task.get("ansible.builtin.import_role", {}) for task in play.get("tasks", [])]


def appliance() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(ROOT / "playbooks/appliance.yml")
    return found


def skill() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(ROOT / "playbooks/skill.yml")
    return found


def test_every_play_is_named_and_stops_at_the_first_error() -> None:
    for path, play in plays():
        assert play.get("name"), path
        assert play.get("any_errors_fatal") is True, f"{path}: {play['name']}"
    for path in playbooks():
        assert all(item.get("name") for item in load(path)), path


def test_plays_hold_roles_only() -> None:
    for path, play in plays():
        assert all(imports_of(play)), f"{path}: {play['name']} has a task that is no import_role"
        assert not ("roles" in play and "tasks" in play), path
        assert "pre_tasks" not in play, path
        assert "post_tasks" not in play, path


def test_everything_is_checked_before_anything_changes() -> None:
    first, *others = appliance()
    assert first["tags"] == ["always", "preflight"]
    checks = imports_of(first)
    assert checks[0]["name"] == "preflight"
    assert all(check["tasks_from"] == "validate" for check in checks[1:])
    changing = [role["role"] for play in others for role in roles_of(play)]
    assert {check["name"] for check in checks[1:]} == set(changing) == set(role_names()) - NOT_INSTALLED


def test_removing_takes_every_role_away_in_the_other_direction() -> None:
    """What uses others goes before them."""
    installed = [role["role"] for play in appliance()[1:] for role in roles_of(play)]
    (play,) = load(ROOT / "playbooks/remove.yml")
    *removals, last = imports_of(play)
    assert [role["tasks_from"] for role in removals] == ["remove"] * len(removals)
    assert [role["name"] for role in reversed(removals)] == list(dict.fromkeys(installed))
    assert (last["name"], last["tasks_from"]) == ("preflight", "left")


def test_the_skill_is_checked_before_anything_changes_too() -> None:
    first, *others = skill()
    assert first["tags"] == ["always", "preflight"]
    checks = imports_of(first)
    assert [(check["name"], check["tasks_from"]) for check in checks] == [
        ("preflight", "inventory_alone"),
        ("lambda", "validate"),
    ]
    assert [role["role"] for role in roles_of(others[0])] == ["lambda"]


def test_the_skill_needs_no_appliance() -> None:
    """What is not the controller itself is only checked, by code that runs on the controller."""
    for play in load(ROOT / "playbooks/skill.yml")[1:2] + load(ROOT / "playbooks/remove-skill.yml"):
        assert (play["hosts"], play["connection"], play["become"]) == ("localhost", "local", False)


def test_each_role_has_its_name_as_its_tag() -> None:
    for play in appliance()[1:] + skill()[1:]:
        assert [role["role"] for role in roles_of(play)] == [role.get("tags") for role in roles_of(play)]


def test_the_readme_has_every_tag_and_playbook() -> None:
    tags = {"preflight", *(role["tags"] for play in appliance()[1:] + skill()[1:] for role in roles_of(play))}
    assert [tag for tag in sorted(tags) if f"| `{tag}` |" not in README] == []
    listed = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))
    assert [tag for tag in sorted(listed & set(role_names())) if tag not in tags] == []
    assert [path.name for path in playbooks() if f"`playbooks/{path.name}`" not in README] == []


def test_the_versions_of_ansible_are_told_in_one_voice() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (core,) = [text for text in project["dependencies"] if text.startswith("ansible-core")]
    variables = load(ROOT / "roles/preflight/vars/main.yml")
    assert core == f"ansible-core>={variables['__preflight_core_from']},<{variables['__preflight_core_before']}"
