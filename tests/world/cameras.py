"""One simulated camera as the host knows it, and the files its process in the machine reads."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from world.clips import audio_clip, video_clip
from world.profiles import Profile

#: Where the clips are in the machine.
GUEST_CLIPS = "/srv/clips"
GUEST_CAMERAS = "/etc/world/cameras"

_INVENTORY_AUDIO = {"none": "none", "aac": "aac", "pcmu": "g711"}


@dataclass(frozen=True)
class Camera:
    """A camera of the world. `url` has no credentials; username and password are empty when it asks for none.

    `clip` is the H.264 file it plays (see `world.clip.Clip`). `gop` counts pictures, `audio` is none, pcmu or aac.
    """

    id: str
    name: str
    url: str
    username: str
    password: str = field(repr=False)
    profile: Profile = field(repr=False)
    clip: Path
    sound: Path | None = None

    @property
    def width(self) -> int:
        """Width of the picture in pixels."""
        return self.profile.width

    @property
    def height(self) -> int:
        """Height of the picture in pixels."""
        return self.profile.height

    @property
    def fps(self) -> int:
        """Pictures per second."""
        return self.profile.fps

    @property
    def gop(self) -> int:
        """Pictures from one keyframe to the next."""
        return self.profile.gop

    @property
    def audio(self) -> str:
        """What it sends as sound: none, pcmu or aac."""
        return self.profile.audio

    @property
    def port(self) -> int:
        """Its RTSP port."""
        return int(self.url.split("/")[2].rpartition(":")[2])

    def url_with_credentials(self) -> str:
        """Return the URL for players that take credentials in it."""
        if not self.username:
            return self.url
        return self.url.replace("rtsp://", f"rtsp://{self.username}:{self.password}@", 1)

    def inventory(self) -> dict[str, Any]:
        """Return the camera as an item of the inventory's `cameras`."""
        entry: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "url": self.url,
            "manufacturer": self.profile.manufacturer,
            "model": self.profile.model,
            "width": self.width,
            "height": self.height,
            "audio": _INVENTORY_AUDIO[self.audio],
        }
        if self.username:
            entry |= {"username": self.username, "password": self.password}
        return entry

    def process_files(self) -> dict[str, bytes]:
        """Return what its process reads, by path in the machine; to be written with mode 0600."""
        settings = {
            "port": self.port,
            "path": self.profile.path,
            "video": f"{GUEST_CLIPS}/{self.clip.name}",
            "fps": self.fps,
            "parameter_sets": self.profile.parameter_sets,
            "aggregate": self.profile.aggregate,
            "audio": self.audio,
            "sound": f"{GUEST_CLIPS}/{self.sound.name}" if self.sound else "",
            "auth": self.profile.auth,
            "username": self.username,
            "password": self.password,
        }
        return {f"{GUEST_CAMERAS}/{self.id}.json": json.dumps(settings).encode()}


def make_camera(camera_id: str, profile: Profile, *, name: str, address: str, port: int) -> Camera:
    """Return a camera with a password of its own, encoding its clip when it is not kept yet."""
    protected = profile.auth != "none"
    return Camera(
        id=camera_id,
        name=name,
        url=f"rtsp://{address}:{port}{profile.path}",
        username="viewer" if protected else "",
        password=secrets.token_urlsafe(12) if protected else "",
        profile=profile,
        clip=video_clip(profile),
        sound=None if profile.audio == "none" else audio_clip(profile.audio),
    )
