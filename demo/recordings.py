"""A camera records: how soon Alexa is told, and what the family sees when it asks for the recording."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from demo.report import Report
from demo.stages import Stages
from home import Home
from home.cloud import Cloud
from home.inventory import RECORDINGS
from machine.clip_client import ClipClient
from simulators.amazon.alexa import Alexa
from simulators.amazon.event_gateway import Accepted
from unit.recordings.axis_tree import AxisRecording

CAMERA = "front-porch"
_SECONDS = 5
_ARRIVING = "/srv/arriving"
_PATIENCE_S = 120.0


def show_recording(home: Home, cloud: Cloud, alexa: Alexa, stages: Stages, report: Report, *, directory: Path) -> None:
    """Let the camera record, wait until Alexa is told, and play what Alexa is given."""
    with stages.stage("recording", "the front porch camera records; Alexa is told"):
        # The service has found the family's grant when the first message came through.
        wait_for(cloud, lambda message: True)  # noqa: ARG005
        with tempfile.TemporaryDirectory(prefix="recording-") as scratch:
            film = Path(scratch, "film.mkv")
            start = datetime.now(UTC)
            _film(home, film)
            place = Path(RECORDINGS[CAMERA]["path"])
            root = Path(scratch, place.name)
            zone = ZoneInfo(RECORDINGS[CAMERA]["timezone"])
            AxisRecording(root, zone, start, film).write(seconds=_length(film))
            # All of it is there at once: what is measured is not how long it takes to copy.
            home.appliance.push(root, f"{_ARRIVING}/{place.name}")
            home.appliance.run(["sh", "-c", 'mv "$0"/* "$1"', f"{_ARRIVING}/{place.name}", str(place)])
        closed = time.monotonic()
        told = wait_for(cloud, lambda message: message.name == "MediaCreatedOrUpdated")
        motion = wait_for(cloud, _is_motion)
        (recording,), _ = alexa.media([told.media_id])
        clip = directory / f"{CAMERA}-clip.mp4"
        clip.write_bytes(fetch(home, recording.uri))
        png = directory / f"{CAMERA}-clip.png"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-ss", "1", "-i", clip, "-frames:v", "1", png], check=True)
        report.recording = {
            "sentence": "Alexa, show what happened at the front porch",
            "media_id": told.media_id,
            "told_ms": round(1000 * (told.at - closed)),
            "motion_ms": round(1000 * (motion.at - closed)),
            "seconds": (recording.end - recording.start) / timedelta(seconds=1),
            "clip": clip.name,
            "png": png.name,
        }
        print(f"   Alexa was told {report.recording['told_ms']} ms after the camera closed the file", flush=True)
        print(f'   "{report.recording["sentence"]}": {clip}', flush=True)


def fetch(home: Home, uri: str) -> bytes:
    """What a signed URL gives, asked for as a device does; raises RuntimeError when it is refused."""
    parts = urlsplit(uri)
    with ClipClient(home) as client:
        answer = client.get(f"{parts.path}?{parts.query}")
    if answer.status != 200:
        raise RuntimeError(f"{parts.path} was answered with {answer.status}")
    return answer.body


def make_shares(home: Home) -> None:
    """The folders that cameras write to; their owner has made them."""
    paths = [block["path"] for block in RECORDINGS.values() if "path" in block]
    home.appliance.run(["mkdir", "-p", *paths])


def wait_for(cloud: Cloud, wanted: Callable[[Accepted], bool]) -> Accepted:
    """The first message to Alexa that is wanted; raises TimeoutError, or RuntimeError for one that Amazon refuses."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if problems := cloud.events.problems:
            raise RuntimeError(f"Amazon would not have understood: {problems}")
        for message in cloud.events.accepted:
            if wanted(message):
                return message
        time.sleep(0.02)
    raise TimeoutError(f"Alexa was not told within {_PATIENCE_S:g} s")


def changes(message: Accepted) -> dict[str, Any]:
    """The properties that a ChangeReport tells of, by name; empty for every other message."""
    told = message.document["event"]["payload"].get("change", {}).get("properties", [])
    return {each["name"]: each["value"] for each in told}


def _is_motion(message: Accepted) -> bool:
    return changes(message).get("detectionState") == "DETECTED"


def _film(home: Home, path: Path) -> None:
    """What the camera writes to its share: its own pictures, with its name and clock in them."""
    source = home.world.cameras[CAMERA].url_with_credentials()
    asked = ["ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", source, "-t", str(_SECONDS)]
    # The film begins with its first keyframe, not with what came before it.
    asked += ["-map", "0:v", "-c", "copy", "-avoid_negative_ts", "make_zero", str(path)]
    subprocess.run(asked, check=True, stdin=subprocess.DEVNULL, timeout=60)


def _length(film: Path) -> float:
    """Seconds that a film really has: it begins with the first keyframe that came."""
    asked = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(film)]
    return float(subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout)
