"""Small files beside the inventory that hold secrets: JSON, for their owner alone, always whole."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOGIN = "amazon-login.txt"
"""Client id, client secret and refresh token of the log-in at Amazon, and the owner's user id."""
SKILL = "skill.txt"
"""The skill's id at Amazon and its messaging credentials."""
ACCESS = "skill-access.txt"
"""Each site's access to the store: table, region, regions of the function, and access key."""


class PrivateFileError(Exception):
    """The file cannot be used; the message names it and the mend, and quotes nothing of it."""


def read(path: Path) -> dict[str, Any]:
    """The file's object; an empty one when there is no file.

    Raises:
        PrivateFileError: it is unreadable, holds something else, or others may read it.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = json.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PrivateFileError(f"{path} cannot be read ({error.strerror}); give it to the user who deploys") from None
    except ValueError:
        raise PrivateFileError(f"{path} is damaged; take it from your backup, or delete it") from None
    if not isinstance(content, dict):
        raise PrivateFileError(f"{path} is damaged; take it from your backup, or delete it")
    if mode & 0o077:
        raise PrivateFileError(f"{path} holds secrets and others may read it; run: chmod 600 {path}")
    return content


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the file in one step; whoever is killed meanwhile leaves the old one or the new one.

    Raises:
        PrivateFileError: its directory is missing or may not be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(dict(content), file, indent=1, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise PrivateFileError(f"{path} cannot be written ({error.strerror})") from None
