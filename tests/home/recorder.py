"""A camera that records to the appliance: a film of its own pictures, in the tree that an Axis camera writes."""

from __future__ import annotations

import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from home.home import Home
from home.inventory import RECORDINGS
from unit.recordings.axis_tree import AxisRecording

CAMERA = "front-porch"
_ARRIVING = "/srv/arriving"
# The folders of a day and an hour may be there already.
_MOVE = 'mkdir -p "$1/${2%/*}"; mv "$0/$2" "$1/$2"; rm -r "$0"'


def make_shares(home: Home) -> None:
    """The folders that cameras write to; their owner has made them."""
    paths = [block["path"] for block in RECORDINGS.values() if "path" in block]
    home.appliance.run(["mkdir", "-p", *paths])


def shoot(home: Home, path: Path, seconds: float) -> None:
    """What `CAMERA` writes to its share: its own pictures, with its name and clock in them."""
    source = home.world.cameras[CAMERA].url_with_credentials()
    asked = ["ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", source, "-t", str(seconds)]
    # The film begins with its first keyframe, not with what came before it.
    asked += ["-map", "0:v", "-c", "copy", "-avoid_negative_ts", "make_zero", str(path)]
    subprocess.run(asked, check=True, stdin=subprocess.DEVNULL, timeout=60)


def deliver(home: Home, film: Path, start: datetime) -> float:
    """Have a recording of ``film`` on the camera's share, all of it at once; gives the monotonic time of that."""
    place = Path(RECORDINGS[CAMERA]["path"])
    zone = ZoneInfo(RECORDINGS[CAMERA]["timezone"])
    with tempfile.TemporaryDirectory(prefix="recording-") as scratch:
        root = Path(scratch, place.name)
        recording = AxisRecording(root, zone, start.astimezone(UTC), film)
        recording.write(seconds=_length(film))
        # What is measured from here on is not how long it takes to copy.
        home.appliance.push(root, f"{_ARRIVING}/{place.name}")
        folder = str(recording.folder.relative_to(root))
        home.appliance.run(["sh", "-ec", _MOVE, f"{_ARRIVING}/{place.name}", str(place), folder])
    return time.monotonic()


def _length(film: Path) -> float:
    """Seconds that a film really has: it begins with the first keyframe that came."""
    asked = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(film)]
    return float(subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout)
