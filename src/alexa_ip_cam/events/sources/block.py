"""The `recordings:` block of a camera, read option by option."""

import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alexa_ip_cam.media_id import CAUSES

_LOCALTIME = Path("/etc/localtime")


class SourceError(ValueError):
    """A `recordings:` block cannot be used; the message says what is wrong with which option."""


class Block:
    """Takes the options out of a block; `close` tells what is left over.

    Args:
        camera_id: for messages.
        block: the block as the configuration has it.
    """

    def __init__(self, camera_id: str, block: Mapping[str, object]) -> None:
        self._camera_id = camera_id
        self._left = dict(block)

    def text(self, name: str) -> str | None:
        """An option that is text; None when it is left out."""
        value = self._left.pop(name, None)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.wrong(f"{name} must be text")
        return value

    def choice(self, name: str, choices: Mapping[str, object] | tuple[str, ...]) -> str:
        """An option that is one of a few words, and may not be left out."""
        value = self._left.pop(name, None)
        if not isinstance(value, str) or value not in choices:
            raise self.wrong(f"{name} must be one of {', '.join(choices)}")
        return value

    def path(self, default: Path | None = None) -> Path:
        """The option `path`: an absolute path; without a default it may not be left out."""
        value = self.text("path")
        if value is None and default is not None:
            return default
        if value is None or not value.startswith("/") or "\0" in value:
            raise self.wrong("path must be the absolute path of a directory")
        return Path(value)

    def cause(self) -> str | None:
        """The option `cause`; None when it is left out."""
        value = self.text("cause")
        if value is not None and value not in CAUSES:
            raise self.wrong(f"cause must be one of {', '.join(CAUSES)}")
        return value

    def zone(self, default: tzinfo | None = None) -> tzinfo:
        """The option `timezone`, a name such as Europe/Berlin; the default or this machine's when it is left out."""
        value = self.text("timezone")
        if value is None:
            return default or machine_zone()
        try:
            # Its own pattern first: ZoneInfo would open what leads out of its directory with an error of another kind.
            if not re.fullmatch(r"[A-Za-z0-9_+/-]+", value):
                raise ValueError(value)
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise self.wrong(f"timezone {value!r} is not known; write one like Europe/Berlin") from error

    def texts(self, name: str) -> tuple[str, ...]:
        """An option that is a list of texts; empty when it is left out."""
        value = self._left.pop(name, ())
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
            raise self.wrong(f"{name} must be a list of texts")
        return tuple(value)

    def close(self) -> None:
        """Raises SourceError when an option is left that nobody took."""
        if self._left:
            raise self.wrong(f"{', '.join(map(str, self._left))} is no option of this type")

    def wrong(self, what: str) -> SourceError:
        """An error about this block."""
        return SourceError(f"camera {self._camera_id}: recordings: {what}")


def machine_zone() -> tzinfo:
    """The time zone that this machine is set to; UTC when it is set to none."""
    try:
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError):
        return UTC
