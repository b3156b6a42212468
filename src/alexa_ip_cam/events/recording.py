"""What a camera's recorder left on disk, and where recordings come from."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable


class Recording(NamedTuple):
    """One recording as its source found it."""

    camera_id: str
    key: str
    """The source's own name for it: unique per camera, and the same at every scan."""
    files: tuple[Path, ...]
    """In order; several blocks are joined to one clip."""
    start: datetime
    """Aware, UTC."""
    end: datetime | None
    """Aware, UTC; None while it is being recorded, or when only the clip's own length will tell."""
    cause: str
    """One of `media_id.CAUSES`."""
    complete: bool
    """False while the camera is still recording: then it means "motion now" and nothing else."""
    pressed: bool = False
    """Whether the button of the doorbell belongs to it."""


class Source(Protocol):
    """Where the recordings of one camera are."""

    def scan(self) -> Iterator[Recording]:
        """Everything on disk that may be new, oldest first; cheap enough to be repeated every minute.

        Raises:
            OSError: the place cannot be read now; the scan is repeated later.
        """

    def directories(self) -> Iterable[Path]:
        """What is worth watching for changes. Asked again after every scan, as new days make new directories."""

    def unsettled(self) -> bool:
        """Whether the last scan saw a file that may just have been finished, so that a look within a second pays."""


@runtime_checkable
class NoticesClosing(Protocol):
    """A source that learns something from a file being closed."""

    def closed(self, path: Path) -> None:
        """Somebody was seen to close a file that was written, or to move one here."""


class Watcher(Protocol):
    """Tells that something has changed in the watched directories; a hint only, scans find everything by themselves."""

    def watch(self, camera_id: str, directories: Iterable[Path]) -> None:
        """Watch these directories (not those below them) for the camera, instead of those given before."""

    def wait(self, seconds: float) -> set[str]:
        """The cameras of which something has changed; waits for it as long as given. All, when hints were lost."""

    def wake(self) -> None:
        """End a `wait` in another thread at once."""

    def close(self) -> None:
        """Watch nothing any more."""
