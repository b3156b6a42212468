"""What the page's service is told by the role: the cameras' names, and where everything is read and written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from alexa_ip_cam.service import settings_file

SETTINGS = Path("/etc/alexa-ip-cam/page.json")


class Camera(NamedTuple):
    """A camera's id, and what the family calls it."""

    id: str
    name: str


class Settings(NamedTuple):
    """Folders and files; each of those that are only read may be missing on the appliance.

    `recordings` is how many are shown, `metrics` whether a file for Prometheus is kept, `gateway` whether live view
    goes through the gateway at all.
    """

    cameras: tuple[Camera, ...]
    recordings: int
    metrics: bool
    gateway: bool
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


PATHS = Settings._fields[4:]
"""The fields that are paths."""


def load(path: Path) -> Settings:
    """Read the settings.

    Raises:
        ValueError: they are missing or damaged; says how to mend it.
    """
    return settings_file.load(path, _settings, "run the role page again")


def _settings(value: Mapping[str, Any]) -> Settings:
    return Settings(
        cameras=tuple(Camera(str(camera["id"]), str(camera["name"])) for camera in value["cameras"]),
        recordings=int(value["recordings"]),
        metrics=value["metrics"] is True,
        gateway=value["gateway"] is True,
        **{name: Path(value[name]) for name in PATHS},
    )
