"""Action plugin: runs the module of the same name, and shows meanwhile what it is waiting for.

A module is heard only when it is done, and Amazon takes its time to build a skill.
"""

from __future__ import annotations

import concurrent.futures
import tempfile
from typing import Any

from ansible.plugins.action import ActionBase

_LOOK_SECONDS = 0.5


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Reads the module's notes while the module runs; both are on the controller."""

    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action; the result is described in the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        with (
            tempfile.NamedTemporaryFile("r", prefix="alexa-skill-", encoding="utf-8") as notes,
            concurrent.futures.ThreadPoolExecutor(1) as pool,
        ):
            arguments = {**self._task.args, "progress_file": notes.name}
            done = pool.submit(self._execute_module, module_args=arguments, task_vars=task_vars)
            is_done = False
            while not is_done:
                is_done = bool(concurrent.futures.wait([done], _LOOK_SECONDS).done)
                for note in notes:
                    self._display.display(f"    {note.rstrip()}")
            result.update(done.result())
        return result
