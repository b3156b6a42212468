"""A folder with everything that the page's service reads and writes, and a web server that shows it as Apache does."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.media_id import Media, clip_path, media_id
from alexa_ip_cam.page.__main__ import PageService
from alexa_ip_cam.page.settings import PATHS, Camera, Settings

ROOT = Path(__file__).resolve().parents[3]
FILES = ROOT / "roles/page/files"
SITE = ROOT / "roles/apache/templates/etc/apache2/sites-available/alexa-ip-cam.conf.j2"
CAMERAS = (
    Camera("front-porch", "Front Porch"),
    Camera("driveway", "Driveway"),
    Camera("back-garden", "Back Garden"),
    Camera("garage", "Garage"),
)
SCENES = {
    "front-porch": "gradients=size=640x360:c0=0x31566b:c1=0xd9b48f:x0=0:y0=0:x1=0:y1=360:nb_colors=2:seed=3",
    "driveway": "gradients=size=640x360:c0=0x8fb4c9:c1=0x55624a:x0=320:y0=0:x1=320:y1=360:nb_colors=2:seed=3",
    "back-garden": "gradients=size=640x360:c0=0x20301f:c1=0x9db87a:x0=0:y0=360:x1=640:y1=0:nb_colors=2:seed=3",
    "garage": "gradients=size=640x360:c0=0x202428:c1=0x70777d:x0=0:y0=0:x1=640:y1=360:nb_colors=2:seed=3",
}


class Site:
    """The folder; `settings` lead to it."""

    def __init__(self, folder: Path, cameras: tuple[Camera, ...] = CAMERAS) -> None:
        self.folder = folder
        names = {name: folder / name for name in PATHS}
        names["template"] = FILES / "page.html.jinja"
        self.settings = Settings(cameras, 200, metrics=True, gateway=True, **names)
        for name in ("out", "posters", "clips", "snapshots"):
            names[name].mkdir()

    @property
    def html(self) -> str:
        """The page as it is now."""
        return (self.settings.out / "index.html").read_text()

    def round(self) -> str:
        """Write the page and return it."""
        PageService(self.settings).round()
        return self.html

    def write(self, source: str, value: object, age: float = 0.0) -> None:
        """Write one of the files that other services keep, as it was `age` seconds ago."""
        path = getattr(self.settings, source)
        path.write_text(json.dumps(value))
        os.utime(path, (time.time() - age,) * 2)

    def alarm(self, key: str, text: str) -> None:
        """Raise an alarm."""
        raised = self.settings.alarms / "raised"
        raised.mkdir(parents=True, exist_ok=True)
        (raised / f"{key}.json").write_text(json.dumps({"text": text, "since": time.time() - 7200, "test": False}))

    def snapshot(self, camera_id: str, picture: bytes = b"\xff\xd8", age: float = 0.0) -> None:
        """A camera's newest picture."""
        path = self.settings.snapshots / f"{camera_id}.jpg"
        path.write_bytes(picture)
        os.utime(path, (time.time() - age,) * 2)

    def clip(self, camera_id: str, start: datetime, film: Path | None = None, seconds: float = 24.0) -> str:
        """A recording; returns its media id."""
        media = Media(camera_id, start, timedelta(seconds=seconds), "motion")
        identity = media_id(b"k" * 32, media)
        path = self.settings.clips / clip_path(media, identity).removeprefix("/clips/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if film is None:
            path.write_bytes(b"")
        else:
            path.hardlink_to(film)
        return identity


def gateway_status(**changed: dict[str, Any]) -> dict[str, Any]:
    """What the gateway writes when all is well; `changed` replaces values of a camera (underscores for hyphens)."""
    one = {
        "connected": True,
        "problem": None,
        "warm": "always",
        "last_picture_age_seconds": 0.04,
        "bits_per_second": 1_800_000,
        "frames_per_second": 30.0,
        "gop_seconds": 2.0,
        "largest_keyframe_bytes": 90_000,
        "buffered_seconds": 3.4,
        "buffered_bytes": 800_000,
        "viewers": 0,
        "viewers_total": 12,
        "viewer_cuts_total": 0,
        "connections_total": 1,
        "damaged_pictures_total": 0,
        "first_picture_p50_seconds": 0.041,
        "first_picture_max_seconds": 0.092,
    }
    cameras = {camera.id: {**one, **changed.get(camera.id.replace("-", "_"), {})} for camera in CAMERAS}
    return {"connections": 2, "refused_total": 3, "cameras": cameras}


def events_status(**changed: object) -> dict[str, Any]:
    """What the events service writes when all is well."""
    well = {
        "linked": True,
        "halted": None,
        "recordings": {"recording": 0, "found": 0, "failed": 0},
        "messages": {"motion": {"waiting": 0, "parked": 0}, "media": {"waiting": 0, "parked": 0}},
        "refused": {},
        "troubles": {},
        "counts": {"told": 41},
        "resident_bytes": 60_000_000,
    }
    return {**well, **changed}


def proof(**changed: object) -> dict[str, Any]:
    """What the proof writes when all is well."""
    now = time.time()
    return {"at": now, "ok": True, "problems": [], "expires": now + 61 * 86_400, "days_left": 61.0, **changed}


def check(*, broken: bool = False) -> dict[str, Any]:
    """What the self-check writes."""
    good = {"step": "camera", "state": "good", "text": "It answers.", "mend": ""}
    failed = {
        "step": "LIVE555",
        "state": "failed",
        "text": "It has no stream of this camera.",
        "mend": "systemctl restart live555@driveway, and look at its journal.",
    }
    return {
        "at": "2026-11-24T12:00:00Z",
        "well": not broken,
        "ways": [
            {"way": "picture", "subject": "front-porch", "steps": [good] * 5},
            {"way": "picture", "subject": "driveway", "steps": [good, failed if broken else good]},
            {"way": "event", "subject": "", "steps": [good] * 4},
            {"way": "certificate", "subject": "", "steps": [good] * 3},
        ],
    }


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site of which nothing is known yet."""
    return Site(tmp_path)


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A picture of each camera."""
    folder = tmp_path_factory.mktemp("scenes")
    for name, source in SCENES.items():
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1"]
        subprocess.run([*command, folder / f"{name}.jpg"], check=True)
    return {name: (folder / f"{name}.jpg").read_bytes() for name in SCENES}


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of H.264."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", SCENES["driveway"] + ":rate=15", "-t", "3"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    subprocess.run([*command, path], check=True)
    return path


def well(site: Site, scenes: dict[str, bytes], film: Path, recordings: int = 14) -> Site:
    """Fill a site as it is on a good day."""
    for camera in CAMERAS:
        site.snapshot(camera.id, scenes[camera.id])
    site.write("gateway_status", gateway_status(driveway={"viewers": 1}))
    site.write("events_status", events_status())
    site.settings.events_metrics.write_text("# TYPE alexa_events_linked gauge\nalexa_events_linked 1\n")
    site.write("proof", proof())
    site.write("check", check())
    start = datetime.now(UTC) - timedelta(minutes=3)
    for number in range(recordings):
        camera = CAMERAS[(number * 7 // 3) % len(CAMERAS)]
        identity = site.clip(camera.id, start - timedelta(minutes=47 * number), film)
        (site.settings.posters / f"{identity}.jpg").write_bytes(scenes[camera.id])
    return site


@pytest.fixture
def serve() -> Iterator[Callable[[Site], str]]:
    """Call it with a site for the URL at which its page is."""
    running: list[http.server.ThreadingHTTPServer] = []

    def start(site: Site) -> str:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
        running.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def _handler(site: Site) -> type[http.server.SimpleHTTPRequestHandler]:
    policy = re.findall(r'Content-Security-Policy "([^"]*script-src[^"]*)"', SITE.read_text())[0]
    paths = site.settings
    places = {"page": FILES / "www", "posters": paths.posters, "live": paths.snapshots, "recordings": paths.clips}

    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            head, _, rest = path.partition("?")[0].removeprefix("/").partition("/")
            return str(places[head] / rest if head in places else paths.out / (head or "index.html"))

        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", policy)
            self.send_header("Cache-Control", "private, no-store")
            super().end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
