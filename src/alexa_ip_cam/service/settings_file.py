"""Settings that a role has written for its program, in JSON."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

Settings = TypeVar("Settings")


def load(path: Path, make: Callable[[Mapping[str, Any]], Settings], mend: str) -> Settings:
    """Read settings.

    Args:
        path: the file.
        make: makes them from the file's object; may raise ValueError, KeyError or TypeError for one that is damaged.
        mend: what the owner is told to do then.

    Raises:
        ValueError: they are missing or damaged; says how to mend it.
    """
    try:
        return make(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is missing or damaged ({error}): {mend}") from None
