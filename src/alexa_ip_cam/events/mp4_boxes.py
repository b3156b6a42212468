"""The outermost boxes of an MP4 file (ISO/IEC 14496-12), which tell whether all of it is there."""

import os
import struct
from pathlib import Path
from typing import BinaryIO

_MOST_BOXES = 64  # a whole file has a handful; one in fragments has thousands
_LAST_BOX = struct.Struct(">I4sII")  # mfro: its own size, its name, version and flags, the size of the box around it


def is_whole(path: Path) -> bool:
    """Whether a file is an MP4 that says itself that all of it is there.

    In one piece, its boxes fill it exactly, its index among them: that is either written last or announces how much is
    to come, so that a file that is still being written or sent never looks whole. In fragments it looks whole after
    each, and has its index of fragments (mfra) as the last box when it was ended in order. False for anything else.

    Raises:
        OSError: it cannot be read.
    """
    kinds: set[bytes] = set()
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if _ends_with_an_index(file, size):
            return True
        offset = 0
        for _ in range(_MOST_BOXES):
            if offset == size:
                return {b"ftyp", b"moov", b"mdat"} <= kinds and b"moof" not in kinds
            file.seek(offset)
            header = file.read(16)
            if len(header) < 8:
                return False
            length, kind = struct.unpack(">I4s", header[:8])
            least = 8
            if length == 1 and len(header) == 16:
                (length,) = struct.unpack(">Q", header[8:])
                least = 16
            if length < least or offset + length > size:  # 0 would be "up to the end", wherever that will be
                return False
            kinds.add(kind)
            offset += length
    return False


def _ends_with_an_index(file: BinaryIO, size: int) -> bool:
    if size < _LAST_BOX.size:
        return False
    file.seek(size - _LAST_BOX.size)
    length, kind, _, around = _LAST_BOX.unpack(file.read(_LAST_BOX.size))
    if (length, kind) != (_LAST_BOX.size, b"mfro") or not _LAST_BOX.size < around <= size:
        return False
    file.seek(size - around)
    return file.read(8) == struct.pack(">I4s", around, b"mfra")
