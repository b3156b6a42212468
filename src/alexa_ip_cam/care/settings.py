"""What the self-check is told by the role, and where it finds what the other roles have left."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alexa_ip_cam.service import settings_file

SETTINGS = Path("/etc/alexa-ip-cam/care.json")


@dataclass(frozen=True)
class Camera:
    """`inventory` is the camera as the audit judges it; `port` LIVE555's; `host` local or remote."""

    id: str
    port: int
    host: str
    inventory: Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """Names, cameras, and which parts there are. `clock_url` is asked for the time."""

    streams_name: str
    remote_name: str
    cameras: tuple[Camera, ...]
    gateway: bool
    events: bool
    skill: bool
    clock_url: str
    etc: Path = Path("/etc/alexa-ip-cam")
    run: Path = Path("/run")
    state: Path = Path("/var/lib/alexa-ip-cam-check")
    renewals: Path = Path("/var/lib/alexa-ip-cam-proof/renewals.json")
    clips: Path = Path("/srv/alexa-ip-cam/clips")
    var: Path = Path("/var/lib")

    def name_of(self, camera: Camera) -> str:
        """The name in the URL of a camera's stream."""
        return self.remote_name if camera.host == "remote" and self.remote_name else self.streams_name


def load(path: Path) -> Settings:
    """Read the settings.

    Raises:
        ValueError: they are missing or damaged; says how to mend it.
    """
    return settings_file.load(path, _settings, "run site.yml with --tags care")


def _settings(value: Mapping[str, Any]) -> Settings:
    return Settings(
        streams_name=str(value["streams_name"]),
        remote_name=str(value["remote_name"]),
        cameras=tuple(
            Camera(str(one["id"]), int(one["port"]), str(one["host"]), one["inventory"]) for one in value["cameras"]
        ),
        gateway=bool(value["gateway"]),
        events=bool(value["events"]),
        skill=bool(value["skill"]),
        clock_url=str(value["clock_url"]),
    )
