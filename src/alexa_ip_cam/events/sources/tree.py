"""A tree of recordings, looked at again and again: what has not changed since the last look costs next to nothing."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

SETTLE_SECONDS = 15.0
"""How long a folder is listed at every look after its time of change has moved. File systems tell that time coarsely
(2 s on FAT, as long as the attribute cache on NFS), so a change just after a listing may not move it."""

RELIST_SECONDS = 900.0
"""After how long every folder is listed again, whatever its time of change says."""

_COLD_SECONDS = 36 * 3600.0


class Folder:
    """One directory as it was listed last.

    Attributes:
        path: the directory.
        relative: its path below the root, with slashes; empty for the root.
        files: names of everything that is no directory.
        folders: names of directories. Links count as files, so that a link to a parent is no endless tree.
        done: names that need no second look: for whoever walks the tree to fill.
    """

    __slots__ = ("_changed", "_listed", "_open", "_since", "children", "done", "files", "folders", "path", "relative")

    def __init__(self, path: str, relative: str) -> None:
        self.path = path
        self.relative = relative
        self.files: tuple[str, ...] = ()
        self.folders: tuple[str, ...] = ()
        self.children: dict[str, Folder] = {}
        self.done: set[str] = set()
        self._open: list[str] = []  # what was not done when last asked for
        self._changed = -1  # the time of change when it was listed, ns
        self._since = 0.0  # when that time was seen first, by our clock
        self._listed = 0.0

    def refresh(self, now: float) -> None:
        """List the directory if it may have changed.

        Args:
            now: a clock that only goes forward, seconds.

        Raises:
            OSError: it is gone, or cannot be read.
        """
        changed = os.stat(self.path).st_mtime_ns  # noqa: PTH116 - looked at thousands of times an hour
        if changed != self._changed:
            self._changed, self._since = changed, now
        elif self._listed - self._since >= SETTLE_SECONDS and now - self._listed < RELIST_SECONDS:
            return
        files: list[str] = []
        folders: list[str] = []
        with os.scandir(self.path) as entries:
            for entry in entries:
                (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
        self.files, self.folders = tuple(sorted(files)), tuple(sorted(folders))
        self.done.intersection_update([*files, *folders])
        self.children = {name: folder for name, folder in self.children.items() if name in self.folders}
        self._open = [*self.files, *self.folders]
        self._listed = now

    def news(self) -> list[str]:
        """The names that are not done. A folder of ten thousand files that are costs nothing."""
        self._open = [name for name in self._open if name not in self.done]
        return self._open

    def is_cold(self, wall: float) -> bool:
        """Whether nothing has come for a day and a half into a folder without subfolders; `wall` is Unix seconds."""
        return not self.folders and wall - self._changed / 1e9 > _COLD_SECONDS

    def listed_within(self, now: float, seconds: float) -> bool:
        """Whether it was listed in the last seconds."""
        return self._changed >= 0 and now - self._listed < seconds


class Tree:
    """All folders that matter below a root.

    Args:
        root: the directory; need not exist yet.
        descend: whether a subfolder, given by its path below the root, is part of the tree. Asked at every walk, so
            that yesterday can go as the days go by.
        rests: whether nothing more is expected in a subfolder, so that a look every `RELIST_SECONDS` will do.
        clock: a clock that only goes forward, seconds.
    """

    def __init__(
        self,
        root: Path,
        descend: Callable[[str], bool],
        *,
        rests: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = Folder(str(root), "")
        self._descend = descend
        self._rests = rests
        self._clock = clock

    def walk(self) -> Iterator[Folder]:
        """Every folder of the tree, freshly listed, a folder before those in it, in the order of their names.

        Folders that vanish meanwhile are left out. What is in `done` of a folder is not descended into.

        Raises:
            OSError: the root cannot be read.
        """
        now, wall = self._clock(), time.time()
        self._root.refresh(now)
        yield from self._walk(self._root, now, wall)

    def _walk(self, folder: Folder, now: float, wall: float) -> Iterator[Folder]:
        yield folder
        for name in folder.folders:
            if name in folder.done:
                folder.children.pop(name, None)
                continue
            relative = f"{folder.relative}/{name}" if folder.relative else name
            if not self._descend(relative):
                folder.children.pop(name, None)
                continue
            child = folder.children.get(name) or Folder(f"{folder.path}/{name}", relative)
            may_wait = child.listed_within(now, RELIST_SECONDS) and (child.is_cold(wall) or self._rests(relative))
            if not may_wait:
                try:
                    child.refresh(now)
                except OSError:
                    continue  # gone, or not ours to read: as if it were not there
            folder.children[name] = child
            yield from self._walk(child, now, wall)

    def hot(self) -> list[Path]:
        """The folders in which something new may appear, as of the last walk."""
        wall = time.time()
        found, waiting = [], [self._root]
        while waiting:
            folder = waiting.pop()
            waiting.extend(folder.children.values())
            if folder is self._root or not (folder.is_cold(wall) or self._rests(folder.relative)):
                found.append(Path(folder.path))
        return found
