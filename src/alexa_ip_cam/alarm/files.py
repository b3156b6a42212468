"""Small files that several programs read and write: seen old or new, never half."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_json(path: Path, value: object, mode: int = 0o640, *, scratch_in: Path | None = None) -> None:
    """Write a file in one step, with the directory's group where that has its set-group-id bit.

    `scratch_in` is where it is prepared, in place of its own directory, when somebody watches that.

    Raises:
        OSError: it cannot be written.
    """
    descriptor, scratch = tempfile.mkstemp(prefix=".", suffix=".part", dir=scratch_in or path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(value, stream, indent=1)
            stream.write("\n")
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a file; an empty one when there is no file or it holds something else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
