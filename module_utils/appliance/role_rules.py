"""The variables of each role against its argument specification: missing, misspelt or of another form.

Ansible checks the same when a role starts, one role after the other. Told together, before the first one starts, they
stop a run while nothing has changed. No sentence ever quotes a value.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.appliance.camera_rules import Unresolved, unresolved
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

Options = Mapping[str, Mapping[str, Any]]
"""``argument_specs.main.options`` of a role."""


def role_problems(role: str, options: Options, values: Mapping[str, object]) -> list[str]:
    """Problems of a role's variables.

    Args:
        role: the role's name.
        options: its specification.
        values: the value of each of its variables that has one, by name.
    """
    problems = []
    for name, option in options.items():
        if name in values:
            problems += _value_problems(role, name, option, values[name])
        elif option.get("required"):
            problems.append(f"{name} is missing; set it in the inventory, see roles/{role}/README.md")
    return problems


def stray_problems(role: str, options: Options, defined: Iterable[str]) -> list[str]:
    """Variables that begin with the role's name and are none of its own: misspelt, or left from an older version."""
    problems = []
    for name in sorted(set(defined) - set(options)):
        if name.startswith(f"{role}_"):
            near = difflib.get_close_matches(name, options, n=1, cutoff=0.8)
            mend = f"did you mean {near[0]}?" if near else "remove it"
            problems.append(f"{name} is no variable of the role {role}; {mend}")
    return problems


def _value_problems(role: str, name: str, option: Mapping[str, Any], value: object) -> list[str]:
    if isinstance(value, Unresolved):
        return [unresolved(name, value)]
    if value is None:
        return [f"{name} is empty; fill it in, or remove the line"]
    if option.get("type") == "bool":
        # Ansible's check would take the text "false" for a switch, and leave the text to the tasks.
        return [] if isinstance(value, bool) else [_switch_problem(name)]
    if (
        ArgumentSpecValidator({name: dict(option)})
        .validate({name: value}, validate_role_argument_spec=True)
        .error_messages
    ):
        choices = ", ".join(map(str, option.get("choices", [])))
        wanted = f"one of {choices}" if choices else f"of the type {option.get('type', 'str')}"
        return [f"{name} must be {wanted}; see roles/{role}/README.md"]
    return []


def _switch_problem(name: str) -> str:
    return (
        f"{name} must be true or false without quotes; on the command line, text becomes a switch only as "
        f"--extra-vars '{{\"{name}\": true}}'"
    )
