"""What 100 000 recordings cost the events service, and how long a clip takes. Needs no appliance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from alexa_ip_cam.events.clip_maker import FfmpegClips
from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.sources import make_source
from alexa_ip_cam.media_id import Media, clip_path, media_id
from benchmarks.figures import Figures, percentile
from unit.recordings.axis_tree import AxisRecording

CAMERAS = 8
DAYS, A_DAY = 125, 100  # recordings of each camera
IDLE_SECONDS = float(os.environ.get("BENCH_IDLE_S", "120"))

_ZONE = ZoneInfo("Europe/Berlin")
_KEY = b"b" * 32
_WHOLE_DAYS = 10  # the days before are never looked into: their folders are enough
_CLIPS = 20


def run() -> Figures:
    """Measure."""
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="bench-recordings-") as scratch:
        directory = Path(scratch)
        film = _film(directory)
        keys = _record(directory / "camera-0", film)
        for camera in range(1, CAMERAS):
            subprocess.run(["cp", "-al", directory / "camera-0", directory / f"camera-{camera}"], check=True)
        config = _configure(directory)
        figures.add("recordings", CAMERAS * DAYS * A_DAY)
        _know_all(directory, keys)
        with _service(config) as service:
            figures.add("start_with_all_known_s", _ready(directory), "<= 5")
            time.sleep(20)  # the first looks at all folders are over
            before, begun = _cpu(service), time.monotonic()
            time.sleep(IDLE_SECONDS)
            share = (_cpu(service) - before) / (time.monotonic() - begun) * 100
            figures.add("idle_cpu_percent", share, "<= 0.5")
            figures.add("resident_mb", _resident(service) / 1e6, "<= 60")
        taken = _convert(directory, film)
        figures.add("clip_p50_s", percentile(taken, 0.5))
        figures.add("clip_p95_s", percentile(taken, 0.95))
    return figures


def _film(directory: Path) -> Path:
    path = directory / "film.mkv"
    picture = ["-f", "lavfi", "-i", "testsrc=size=1280x720:rate=25", "-t", "20", "-c:v", "libx264"]
    form = ["-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    subprocess.run(["ffmpeg", "-v", "error", *picture, *form, path], check=True)
    return path


def _starts() -> Iterator[tuple[int, datetime]]:
    now = datetime.now(UTC).replace(microsecond=0)
    for day in range(DAYS):
        for number in range(A_DAY):
            yield day, now - timedelta(days=day, minutes=5 + number * 10)


def _record(root: Path, film: Path) -> list[str]:
    """A camera's tree; returns the names of its recordings."""
    empty = root.with_name("empty")
    empty.write_bytes(film.read_bytes()[:1000])
    keys = []
    for number, (day, start) in enumerate(_starts()):
        recording = AxisRecording(root, _ZONE, start, empty, token=f"{number:04X}")
        if day < _WHOLE_DAYS:
            recording.write(seconds=20)
        else:
            recording.folder.mkdir(parents=True, exist_ok=True)
        keys.append(recording.key)
    return keys


def _configure(directory: Path) -> Path:
    (directory / "keys").write_text(json.dumps({"clips": "c" * 40, "media": _KEY.hex()}))
    document = {
        "streams_name": "cams.example.com",
        "clips_name": "clips.example.com",
        "database": str(directory / "events.db"),
        "clips_dir": str(directory / "clips"),
        "keys_file": str(directory / "keys"),
        "tokens_file": str(directory / "tokens.json"),
        "status_file": str(directory / "status.json"),
        "metrics_file": str(directory / "metrics"),
        "keep_days": 1000,
        "keep_disk_percent": 99,
        "rescan_seconds": 3,  # the role's
        "cameras": [
            {
                "id": f"camera-{number}",
                "recordings": {"type": "axis", "path": str(directory / f"camera-{number}"), "timezone": _ZONE.key},
            }
            for number in range(CAMERAS)
        ],
    }
    path = directory / "config.json"
    path.write_text(json.dumps(document))
    return path


def _know_all(directory: Path, keys: list[str]) -> None:
    """As if every recording had its clip, and Alexa knew of it."""
    with closing(Outbox(directory / "events.db", interfaces=[])) as outbox:
        for number in range(CAMERAS):
            camera = f"camera-{number}"
            with outbox.batch():
                for key, (_, start) in zip(keys, _starts(), strict=True):
                    outbox.found(Recording(camera, key, (), start, start, "motion", complete=True))
                    job = outbox.next_to_convert()
                    assert job is not None
                    media = Media(camera, start, timedelta(seconds=20), "motion")
                    identity = media_id(_KEY, media)
                    place = directory / clip_path(media, identity)[1:]
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.touch()
                    outbox.clip_ready(job, media, identity, 0)


@contextmanager
def _service(config: Path) -> Iterator[int]:
    """The running service's process id."""
    with subprocess.Popen([sys.executable, "-m", "alexa_ip_cam.events", config], stderr=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


def _ready(directory: Path) -> float:
    """Seconds until the service has written its first status: everything is known and looked after by then."""
    begun = time.monotonic()
    while not (directory / "status.json").exists():
        if time.monotonic() - begun > 60:
            raise TimeoutError("the service does not start")
        time.sleep(0.02)
    return time.monotonic() - begun


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _convert(directory: Path, film: Path) -> list[float]:
    """Seconds for the clip of each of some recordings of 20 s in 720p, found by their source."""
    for number in range(_CLIPS):
        start = datetime.now(UTC) - timedelta(minutes=number)
        AxisRecording(directory / "new", _ZONE, start, film).write(seconds=20)
    maker = FfmpegClips(directory / "new-clips", _KEY)
    taken = []
    for recording in make_source("new", {"type": "axis", "path": str(directory / "new")}).scan():
        begun = time.monotonic()
        maker.make(recording)
        taken.append(time.monotonic() - begun)
    assert len(taken) == _CLIPS
    return taken
