"""Action plugin: make texts of a role's templates and hand them over together. See library/mirrored_files.py."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

_RENDER = "lookup('ansible.builtin.template', mirrored_source)"


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Renders on the controller, as Ansible's own template does, and calls the module once."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action; the result is that of the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        arguments["directories"] = [_entry(item) for item in arguments.get("directories", [])]
        arguments["files"] = [self._rendered(_entry(item)) for item in arguments.get("files", [])]
        result.update(self._execute_module("mirrored_files", arguments, task_vars=task_vars))
        return result

    def _rendered(self, entry: dict[str, Any]) -> dict[str, Any]:
        if "text" in entry:
            return entry
        path = str(entry.get("path", ""))
        if not path or path.startswith("/"):
            raise AnsibleActionFail(f"{path!r} is no path below the role's templates; leave out the slash in front")
        text = self._templar.evaluate_expression(
            trust_as_template(_RENDER), local_variables={"mirrored_source": f"{path}.j2"}
        )
        return {**entry, "path": f"/{path}", "text": text}


def _entry(item: Any) -> dict[str, Any]:
    return dict(item) if isinstance(item, dict) else {"path": item}
