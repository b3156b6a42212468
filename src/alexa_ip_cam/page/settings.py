"""What the page's service is told by the role: the cameras' names, and where everything is read and written."""

import json
from pathlib import Path
from typing import NamedTuple

SETTINGS = Path("/etc/alexa-ip-cam/page.json")


class Camera(NamedTuple):
    """A camera's id, and what the family calls it."""

    id: str
    name: str


class Settings(NamedTuple):
    """Folders and files; each of those that are only read may be missing on the appliance.

    `recordings` is how many are shown, `metrics` whether a file for Prometheus is kept.
    """

    cameras: tuple[Camera, ...]
    recordings: int
    metrics: bool
    out: Path
    posters: Path
    template: Path
    clips: Path
    snapshots: Path
    gateway_status: Path
    events_status: Path
    events_metrics: Path
    proof: Path
    check: Path
    alarms: Path


_PATHS = Settings._fields[3:]


def load(path: Path) -> Settings:
    """Read the settings.

    Raises:
        ValueError: they are missing or damaged; says how to mend it.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return Settings(
            cameras=tuple(Camera(str(camera["id"]), str(camera["name"])) for camera in value["cameras"]),
            recordings=int(value["recordings"]),
            metrics=value["metrics"] is True,
            **{name: Path(value[name]) for name in _PATHS},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is missing or damaged ({error}): run the role page again") from None
