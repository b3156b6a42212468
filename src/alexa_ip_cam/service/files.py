"""Files that are replaced whole, so that nobody ever reads half of one."""

import contextlib
import os
from pathlib import Path


def replace_file(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = False) -> None:
    """Write a file so that readers see the old or the new one whole.

    Args:
        path: the file.
        data: its new content.
        mode: its permissions, which it has from its first byte on.
        durable: whether it must also be there after a power cut once this returns.

    Raises:
        OSError: it cannot be written; the old one is untouched.
    """
    scratch = path.with_name(f".{path.name}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            scratch.unlink()  # left by a kill, perhaps with another mode
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            os.fchmod(descriptor, mode)
            file.write(data)
            if durable:
                file.flush()
                os.fsync(descriptor)
        os.replace(scratch, path)  # noqa: PTH105 - rename(2) over the old file is the point
        if durable:
            _sync_directory(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
