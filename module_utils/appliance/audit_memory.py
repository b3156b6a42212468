"""Which cameras were fit for an Echo when they were last looked at, so that a run need not look again.

Below /run, so that it is gone after a boot. A mark is a keyed hash of the camera's settings; the key is in the same
file, which only root may read, and root may read the passwords themselves.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path

from ansible.module_utils.appliance.whole_files import write

_KEY_BYTES = 32


class Memory:
    """The marks in a file; without one, or with a broken one, nothing is known. Without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._key, self._marks = _read(path) if path else (b"", {})

    def has(self, camera_id: str, settings: object) -> bool:
        """Whether the camera was fit with these very settings."""
        return self._path is not None and self._marks.get(camera_id) == self._mark(settings)

    def keep(self, settings: Mapping[str, object], *, due: Collection[str], failing: Collection[str]) -> None:
        """Write marks of those that are fit; cameras that are not among the settings are forgotten. Raises OSError."""
        if self._path is None or not due:
            return
        self._key = self._key or secrets.token_bytes(_KEY_BYTES)
        fit = {name for name in settings if name not in failing and (name in due or name in self._marks)}
        marks = {name: self._mark(settings[name]) for name in sorted(fit)}
        write(self._path, json.dumps({"key": self._key.hex(), "fit": marks}), 0o600)

    def _mark(self, settings: object) -> str:
        text = json.dumps(settings, sort_keys=True, default=str)
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _read(path: Path) -> tuple[bytes, dict[str, str]]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        key, marks = bytes.fromhex(kept["key"]), dict(kept["fit"])
    except (OSError, ValueError, KeyError, TypeError):
        return b"", {}
    return (key, marks) if len(key) == _KEY_BYTES else (b"", {})
