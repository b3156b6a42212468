"""What is remembered about a certificate between runs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.appliance import tries
from ansible.module_utils.appliance.whole_files import write


class Memory:
    """What is remembered between runs, in a file that nobody else reads: that the certificate is ours, failed tries."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._state = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            self._state = {}

    @property
    def is_ours(self) -> bool:
        """Whether the certificate of this name has been issued or taken over by this module before."""
        return self._state.get("ours") is True

    @property
    def failures(self) -> list[tries.Try]:
        """Tries that failed since the last that did not."""
        return list(tries.from_state(self._state))

    @property
    def settings(self) -> dict[str, str]:
        """What was set for the renewal when all was well last."""
        return dict(self._state.get("settings", {}))

    def ours(self, settings: dict[str, str]) -> None:
        """Note that all is well, with these settings for the renewal."""
        self._keep({"ours": True, "settings": settings, "tries": []})

    def failed(self, inputs: str, said: str, *, issued: bool) -> None:
        """Note a try that failed."""
        failed = [*self.failures, tries.Try(time.time(), inputs, said[-1000:], issued=issued)]
        self._keep({"ours": self.is_ours, "settings": self.settings, "tries": tries.to_state(failed)})

    def _keep(self, state: dict[str, Any]) -> None:
        if state != self._state:
            self.path.parent.mkdir(mode=0o755, exist_ok=True)
            write(self.path, json.dumps(state, indent=1) + "\n", 0o600)
            self._state = state
