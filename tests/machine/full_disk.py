"""Runs in a mount namespace of its own: ``python -m machine.full_disk steps|service DIRECTORY FILM``.

Prints one JSON object. Everything that it mounts goes with it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alexa_ip_cam.events import clip_maker
from alexa_ip_cam.events.clip import ClipError
from alexa_ip_cam.events.clip_maker import FfmpegClips
from alexa_ip_cam.events.database import DatabaseError
from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.probe import probe
from alexa_ip_cam.events.recording import Recording

KEY = b"m" * 32
PLENTY = "64m"


def mount(disk: Path, size: str, *, again: bool = False) -> None:
    """A small disk in memory, or the same one made larger."""
    options = f"{'remount,' if again else ''}size={size}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True)


def attempt(disk: Path, film: Path) -> str:
    """Take one recording as far as there is room; at which step it ended."""
    step = "open the database"
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    try:
        with contextlib.closing(Outbox(disk / "events.db", interfaces=["media"])) as outbox:
            step = "note the recording down"
            outbox.found(Recording("porch", "one", (film,), start, start, "motion", complete=True))
            job = outbox.next_to_convert()
            if job is None:
                return "done" if list(outbox.clips_by_age()) else "waits for another try"
            step = "make the clip"
            try:
                clip = FfmpegClips(disk / "clips", KEY).make(job.recording)
            except ClipError as error:
                outbox.clip_failed(job, str(error), permanent=error.permanent)
                return f"{'refused' if error.permanent else step}: {error}"
            step = "note the clip down"
            outbox.clip_ready(job, clip.media, clip.identity, clip.size)
            return "done"
    except (DatabaseError, OSError) as error:
        return f"{step}: {error}"


def recovered(disk: Path, film: Path) -> dict[str, Any]:
    """With room at last: what there is in the end."""
    with contextlib.closing(Outbox(disk / "events.db", interfaces=["media"])) as outbox:
        outbox.retry_clips()
    outcome = attempt(disk, film)
    clips = list((disk / "clips").rglob("*.mp4"))
    with contextlib.closing(sqlite3.connect(disk / "events.db")) as connection:
        return {
            "outcome": outcome,
            "clips": len(clips),
            "whole": all(probe(path).seconds for path in clips),
            "left over": [path.name for path in (disk / "clips").rglob(".*")],
            "messages": connection.execute("SELECT kind FROM messages").fetchall(),
            "database": connection.execute("PRAGMA integrity_check").fetchone()[0],
        }


def steps(directory: Path, film: Path) -> dict[str, Any]:
    """Disks of every size, from one on which nothing has room: where it ended on each, and what it came to later."""
    clip_maker._SPARE_BYTES = 0
    real = shutil.disk_usage
    # Others write, too: that there was room before says nothing.
    clip_maker.shutil.disk_usage = lambda path: real(path)._replace(free=2**40)  # type: ignore[attr-defined]
    ended: dict[str, str] = {}
    ends: list[dict[str, Any]] = []
    for size in [*range(4, 204, 8), *range(236, 300, 4), 600]:
        disk = directory / f"disk-{size}"
        disk.mkdir()
        mount(disk, f"{size}k")
        ended[str(size)] = attempt(disk, film)
        attempt(disk, film)
        mount(disk, PLENTY, again=True)
        ends.append(recovered(disk, film))
        subprocess.run(["umount", disk], check=True)
    return {"ended": ended, "ends": ends}


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def service(directory: Path, film: Path) -> dict[str, Any]:
    """The whole service on a disk that is full for a while, and three recordings that come meanwhile."""
    disk, drop = directory / "disk", directory / "drop"
    disk.mkdir()
    drop.mkdir()
    mount(disk, PLENTY)
    (directory / "keys").write_text(json.dumps({"clips": "c" * 40, "media": KEY.hex()}))
    config = {
        "streams_name": "cams.example.com",
        "clips_name": "clips.example.com",
        "database": str(disk / "events.db"),
        "clips_dir": str(disk / "clips"),
        "keys_file": str(directory / "keys"),
        "tokens_file": str(disk / "tokens.json"),
        "rescan_seconds": 1,
        "keep_disk_percent": 99,
        "status_file": str(disk / "status.json"),
        "cameras": [
            {"id": "porch", "recordings": {"type": "directory", "path": str(drop), "layout": "reolink"}},
        ],
    }
    (directory / "config").write_text(json.dumps(config))
    log = (directory / "log").open("wb")
    command = [sys.executable, "-m", "alexa_ip_cam.events", str(directory / "config")]
    with subprocess.Popen(command, stderr=log) as running:
        try:
            began = wait_for((disk / "clips").is_dir, 20)
            filler = disk / "filler"
            with contextlib.suppress(OSError), filler.open("wb") as file:
                while True:
                    file.write(b"x" * 4096)
                    file.flush()
            now = datetime.now().astimezone()
            for number in range(3):
                shutil.copy(film, drop / f"Porch_00_{now - timedelta(seconds=number):%Y%m%d%H%M%S}.mp4")
                time.sleep(2)
            alive, none = running.poll() is None, not list((disk / "clips").rglob("*.mp4"))
            filler.unlink()
            came = wait_for(lambda: len(list((disk / "clips").rglob("*.mp4"))) == 3, 60)
        finally:
            running.terminate()
            code = running.wait(30)
    with contextlib.closing(sqlite3.connect(disk / "events.db")) as connection:
        kinds = [row[0] for row in connection.execute("SELECT kind FROM messages WHERE interface = 'media'")]
    return {
        "began": began,
        "alive": alive,
        "none while full": none,
        "all when there was room": came,
        "exit": code,
        "messages": kinds,
        "log": (directory / "log").read_text(),
    }


def main() -> None:
    """Run the scenario named on the command line."""
    scenario, directory, film = sys.argv[1:]
    run = {"steps": steps, "service": service}[scenario]
    print(json.dumps(run(Path(directory), Path(film))))


if __name__ == "__main__":
    main()
