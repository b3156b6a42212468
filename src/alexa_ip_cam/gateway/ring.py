"""The last seconds of a camera, from a keyframe on."""

from collections import deque
from collections.abc import Iterator

from alexa_ip_cam.gateway.access_unit import Unit


class Group:
    """A keyframe and everything up to the next one, in order of arrival; sound among the pictures."""

    __slots__ = ("given_up", "keyframe", "size", "units")

    def __init__(self, keyframe: Unit) -> None:
        self.keyframe = keyframe
        self.units = [keyframe]
        self.size = keyframe.size
        self.given_up = False


class Ring:
    """Groups of pictures, bounded in seconds and bytes.

    Old groups go when the next one alone reaches back ``keep_seconds``. A group that outgrows the bounds (a camera
    with endless groups) is given up whole, since a decoder cannot start in its middle: until the next keyframe
    there is nothing to start a viewer with.

    Args:
        keep_seconds: how far back a start must be possible.
        most_seconds: no group may be older than this.
        most_bytes: all groups together.
    """

    def __init__(self, keep_seconds: float, most_seconds: float, most_bytes: int) -> None:
        self._keep_seconds = keep_seconds
        self._most_seconds = most_seconds
        self._most_bytes = most_bytes
        self._groups: deque[Group] = deque()
        self._size = 0
        self.edge: float | None = None  # capture time of the newest picture
        self.group_seconds: float | None = None  # length of the last whole group
        self.largest_keyframe = 0
        self.given_up = 0  # groups that outgrew the bounds

    def add(self, unit: Unit) -> None:
        """Take the next unit."""
        if unit.keyframe:
            if self._groups:
                self.group_seconds = unit.capture - self._groups[-1].keyframe.capture
            self.largest_keyframe = max(self.largest_keyframe, unit.size)
            self._groups.append(Group(unit))
            self._size += unit.size
        elif self._groups and not (group := self._groups[-1]).given_up:
            group.units.append(unit)
            group.size += unit.size
            self._size += unit.size
        if unit.video:
            self.edge = unit.capture
            self._bound()

    def clear(self) -> None:
        """Forget everything: the upstream session is over."""
        self._groups.clear()
        self._size = 0
        self.edge = None

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._size

    @property
    def latest_keyframe(self) -> Unit | None:
        """The newest keyframe, also of a group that was given up."""
        return self._groups[-1].keyframe if self._groups else None

    def keyframes(self) -> list[Unit]:
        """Where a viewer can start, oldest first."""
        if self._groups and self._groups[-1].given_up:
            return []  # what lies before it does not lead to live
        return [group.keyframe for group in self._groups]

    def since(self, keyframe: Unit) -> Iterator[Unit]:
        """Everything from this keyframe on, and the sound that was captured with it or later."""
        found = False
        for group in self._groups:
            found = found or group.keyframe is keyframe
            for unit in group.units:
                if (found or not unit.video) and (unit.video or unit.capture >= keyframe.capture):
                    yield unit

    def _bound(self) -> None:
        groups = self._groups
        edge = self.edge
        if not groups or edge is None:
            return
        while len(groups) > 1 and (
            edge - groups[1].keyframe.capture >= self._keep_seconds
            or edge - groups[0].keyframe.capture > self._most_seconds
            or self._size > self._most_bytes
        ):
            self._size -= groups.popleft().size
        group = groups[-1]
        too_long = edge - group.keyframe.capture > self._most_seconds or self._size > self._most_bytes
        if too_long and len(groups) == 1 and not group.given_up:
            group.given_up = True
            self.given_up += 1
            group.units = [group.keyframe]
            self._size = group.size = group.keyframe.size
