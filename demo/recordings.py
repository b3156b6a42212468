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

from demo.report import Report
from demo.stages import Stages
from home import Home, recorder
from home.cloud import Cloud
from machine.clip_client import ClipClient
from simulators.amazon.alexa import Alexa
from simulators.amazon.event_gateway import Accepted

_SECONDS = 5
_PATIENCE_S = 120.0


def show_recording(home: Home, cloud: Cloud, alexa: Alexa, stages: Stages, report: Report, *, directory: Path) -> None:
    """Let the camera record, wait until Alexa is told, and play what Alexa is given."""
    with stages.stage("recording", "the front porch camera records; Alexa is told"):
        # The service has found the family's grant when the first message came through.
        wait_for(cloud, lambda message: True)  # noqa: ARG005
        with tempfile.TemporaryDirectory(prefix="recording-") as scratch:
            film = Path(scratch, "film.mkv")
            start = datetime.now(UTC)
            recorder.shoot(home, film, _SECONDS)
            closed = recorder.deliver(home, film, start)
        told = wait_for(cloud, lambda message: message.name == "MediaCreatedOrUpdated")
        motion = wait_for(cloud, _is_motion)
        (recording,), _ = alexa.media([told.media_id])
        clip = directory / f"{recorder.CAMERA}-clip.mp4"
        clip.write_bytes(fetch(home, recording.uri))
        png = directory / f"{recorder.CAMERA}-clip.png"
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
