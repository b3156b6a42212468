"""Text files put in place whole: written beside their place and renamed, so that no reader sees half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, text: str) -> Iterator[Path]:
    """Give the new file beside ``path``, of mode 0600 until it gets another; it takes the place when all went well."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    new = Path(temporary)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode())
        yield new
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write(path: Path, text: str, mode: int) -> None:
    """Write a file in one step, to last over a power cut; nobody can read it before it has its mode."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode & 0o600)
    with os.fdopen(descriptor, "w") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
