"""The tree that an Axis camera writes, made step by step as the camera does it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

MAC = "ACCC8EB0662C"


def utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


@dataclass
class AxisRecording:
    """One recording: `start` in UTC; its names are in the camera's time zone."""

    root: Path
    zone: tzinfo
    start: datetime
    film: Path
    token: str = "25CE"
    trigger: str = "Motion"
    trigger_type: str = "triggered"
    source: str = "1"
    blocks: list[datetime] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.start.astimezone(self.zone):%Y%m%d_%H%M%S}_{self.token}_{MAC}"

    @property
    def folder(self) -> Path:
        return self.root / f"{self.start.astimezone(self.zone):%Y%m%d/%H}" / self.key

    def block(self, start: datetime) -> Path:
        local = start.astimezone(self.zone)
        return self.folder / f"{local:%Y%m%d_%H}" / f"{local:%Y%m%d_%H%M%S}_{self.token}.mkv"

    def write_about(self, stop: datetime | None) -> str:
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Recording RecordingToken="{self.key}">'
            f"<RecordingGroup/><SourceToken>{self.source}</SourceToken><StartTime>{utc(self.start)}</StartTime>"
            + (f"<StopTime>{utc(stop)}</StopTime>" if stop else "")
            + '<Content/><Track TrackToken="Video"><VideoAttributes><Encoding>video/x-h264</Encoding></VideoAttributes>'
            f"</Track><CustomAttributes><TriggerName>{self.trigger}</TriggerName>"
            f"<TriggerType>{self.trigger_type}</TriggerType></CustomAttributes></Recording>"
        )
        (self.folder / "recording.xml").write_text(text)
        return text

    def write_sidecar(self, start: datetime, stop: datetime | None) -> str:
        path = self.block(start).with_suffix(".xml")
        text = (
            f'<?xml version="1.0"?>\n<RecordingBlock RecordingBlockToken="{path.stem}" >'
            f"<RecordingToken>{self.key}</RecordingToken><StartTime>{utc(start)}</StartTime>"
            + (f"<StopTime>{utc(stop)}</StopTime>" if stop else "")
            + f"<Status>{'Complete' if stop else 'Recording'}</Status></RecordingBlock>"
        )
        path.write_text(text)
        return text

    def steps(self, blocks: int = 1, seconds: float = 300.0) -> Iterator[str]:
        """Every state that the share goes through; `complete` is the last."""
        self.folder.mkdir(parents=True)
        yield "a folder"
        half_written(self.folder / "recording.xml", self.write_about(None))
        yield "half a recording.xml"
        self.write_about(None)
        yield "recording.xml"
        for number in range(blocks):
            start = self.start + timedelta(seconds=number * seconds)
            stop = start + timedelta(seconds=seconds)
            path = self.block(start)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            yield "an empty block"
            self.write_sidecar(start, None)
            data = self.film.read_bytes()
            path.write_bytes(data[: len(data) // 2])
            yield "half a block"
            path.write_bytes(data)
            yield "a block with its file still open"
            half_written(path.with_suffix(".xml"), self.write_sidecar(start, stop))
            yield "half a sidecar"
            self.write_sidecar(start, stop)
            self.blocks.append(start)
            yield "a complete block"
        stop = self.start + timedelta(seconds=blocks * seconds)
        half_written(self.folder / "recording.xml", self.write_about(stop))
        yield "half a recording.xml at the end"
        self.write_about(stop)
        yield "complete"

    def write(self, blocks: int = 1, seconds: float = 300.0) -> AxisRecording:
        """All of it."""
        for _ in self.steps(blocks, seconds):
            pass
        return self

    def write_old_layout(self, blocks: int, *, about: bool = True) -> Path:
        """As firmware before sidecars: the folder right below the root, blocks counted."""
        folder = self.root / self.key
        folder.mkdir(parents=True)
        for number in range(blocks):
            shutil.copy(self.film, folder / f"{number}.mkv")
        if about:
            text = (
                f"<StartTime>{utc(self.start)}</StartTime><StopTime>{utc(self.start + timedelta(minutes=1))}</StopTime>"
            )
            (folder / "recording.xml").write_text(f'<Recording RecordingToken="{self.key}">{text}</Recording>')
        return folder


def half_written(path: Path, text: str) -> None:
    path.write_text(text[: len(text) // 2])


def make_index(path: Path) -> sqlite3.Connection:
    """An `index.db` with the columns that readers of it name."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("""
        CREATE TABLE version (version TEXT);
        INSERT INTO version VALUES ('3.0');
        CREATE TABLE recordings (id INTEGER PRIMARY KEY, filename TEXT, path TEXT, starttime TEXT, stoptime TEXT,
            recording_type_id INTEGER, recording_source_id INTEGER, recording_event_id INTEGER,
            recording_action_id INTEGER, video_id INTEGER);
        CREATE TABLE blocks (id INTEGER PRIMARY KEY, recording_id INTEGER, filename TEXT, path TEXT, starttime TEXT,
            stoptime TEXT, filesize INTEGER);
        CREATE TABLE remove_recordings (id INTEGER PRIMARY KEY, recording_id INTEGER);
        CREATE TABLE remove_blocks (id INTEGER PRIMARY KEY, block_id INTEGER);
    """)
    return connection


def index(connection: sqlite3.Connection, recording: AxisRecording, stop: datetime | None) -> int:
    """Enter a recording and its blocks; returns its id."""
    cursor = connection.execute(
        "INSERT INTO recordings (filename, path, starttime, stoptime) VALUES (?, ?, ?, ?)",
        (recording.key, str(recording.folder.parent), utc(recording.start), utc(stop) if stop else None),
    )
    number = cursor.lastrowid or 0
    for start in recording.blocks:
        path = recording.block(start)
        connection.execute(
            "INSERT INTO blocks (recording_id, filename, path, starttime, stoptime, filesize)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (number, path.stem, path.parent.name, utc(start), utc(stop) if stop else None, path.stat().st_size),
        )
    return number
