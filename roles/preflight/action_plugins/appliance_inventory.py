"""Action plugin: find every problem of the inventory in one go. Documentation: library/appliance_inventory.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible import constants
from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

# Ansible packs our module_utils into modules only; an action plugin runs on the controller and imports them itself.
for _folder in constants.DEFAULT_MODULE_UTILS_PATH:
    if _folder not in ansible.module_utils.__path__:
        ansible.module_utils.__path__.append(_folder)

from ansible.module_utils.appliance import inventory, role_rules  # noqa: E402  # found by the loop above
from ansible.module_utils.appliance.camera_rules import Unresolved  # noqa: E402

_IS_LIST = "is sequence and {0} is not mapping and {0} is not string"


def _port(listen: str) -> int:
    """The port of an address; 0 for one that is wrong, which is told where it is used."""
    number = listen.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _is_told(value: Unresolved, told: list[str]) -> bool:
    if value.variable:
        return any(f"the variable {value.variable}," in problem for problem in told)
    return bool(told)


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Works the owner's variables out one by one, and hands them to the rules."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action; the result is described in the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            argument_spec={
                "cameras": {"type": "str", "required": True},
                "streams_name": {"type": "str", "required": True},
                "clips_name": {"type": "str", "required": True},
                "signing_key": {"type": "str", "required": True},
                "signing_key_previous": {"type": "str", "required": True},
                "roles": {"type": "list", "elements": "path", "default": []},
                "listeners": {"type": "dict", "default": {}},
            }
        )
        defined = task_vars or {}
        cameras = self._cameras(arguments["cameras"])
        names = [self._value(arguments[name]) for name in ("streams_name", "clips_name")]
        reserved = {_port(listen): what for what, listen in arguments["listeners"].items()}
        wrong_names = inventory.names_problems(*names)
        result["problems"] = [
            *inventory.cameras_problems(cameras, self._port_of, reserved),
            *wrong_names,
            *inventory.keys_problems(*(self._value(arguments[n]) for n in ("signing_key", "signing_key_previous"))),
        ]
        for folder in arguments["roles"]:
            result["problems"] += self._role_problems(Path(folder), defined, result["problems"])
        result["names"] = [] if wrong_names else names
        result["camera_listeners"] = inventory.camera_listeners(cameras, self._port_of)
        return result

    def _role_problems(self, folder: Path, defined: Mapping[str, Any], told: list[str]) -> list[str]:
        specification = self._loader.load_from_file(str(folder / "meta/argument_specs.yml"))
        options = specification["argument_specs"]["main"].get("options", {})
        values = {name: self._value(name) for name in options if name in defined}
        # A role's variable that hangs on one of the owner's that is told already is no news.
        known = {name for name, value in values.items() if isinstance(value, Unresolved) and _is_told(value, told)}
        return [
            *role_rules.role_problems(
                folder.name,
                {name: option for name, option in options.items() if name not in known},
                values,
            ),
            *role_rules.stray_problems(folder.name, options, defined),
        ]

    def _cameras(self, variable: str) -> object:
        is_list = self._value(f"{variable} {_IS_LIST.format(variable)}")
        if is_list is not True:
            return self._value(variable)
        count = self._value(f"{variable} | length")
        return [self._camera(variable, number) for number in range(count)] if isinstance(count, int) else count

    def _camera(self, variable: str, number: int) -> object:
        place = f"{variable}[{number}]"
        if self._value(f"{place} is mapping") is not True:
            return self._value(place)
        keys = self._value(f"{place} | list")
        if not isinstance(keys, list):
            return keys
        return {key: self._value(f"{place}[camera_key]", camera_key=key) for key in keys}

    def _port_of(self, camera_id: str) -> int:
        return int(
            self._templar.evaluate_expression(
                trust_as_template("{'id': camera_id} | live555_port"), local_variables={"camera_id": camera_id}
            )
        )

    def _value(self, expression: str, **local_variables: object) -> Any:
        try:
            return self._templar.evaluate_expression(
                trust_as_template(expression), local_variables=local_variables or None
            )
        except AnsibleUndefinedVariable as error:
            return Unresolved(str(error))
        except AnsibleError as error:
            # Other errors may quote the value they choke on, so they are not passed on.
            if "decrypt" in str(error).lower():
                return Unresolved("it is encrypted and the vault password is missing or wrong; give --ask-vault-pass")
            return Unresolved("its expression fails; correct the braces and filters in it")
