"""The outermost boxes of an MP4 file (ISO/IEC 14496-12), which tell whether all of it is there."""

import os
import struct
from pathlib import Path

_MOST_BOXES = 64  # a whole file has a handful; one in fragments has thousands


def is_whole(path: Path) -> bool:
    """Whether a file is an MP4 in one piece whose boxes fill it exactly, its index among them.

    The index is either written last or announces how much is to come, so that a file that is still being written or
    sent never looks whole. False for one in fragments, which looks whole after each, and for anything else.

    Raises:
        OSError: it cannot be read.
    """
    kinds: set[bytes] = set()
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
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
