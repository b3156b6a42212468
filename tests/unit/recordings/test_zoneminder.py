"""ZoneMinder's events, in each of its three schemes."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alexa_ip_cam.events.sources.block import Block
from alexa_ip_cam.events.sources.zoneminder import ZoneMinderSource
from unit.recordings.conftest import Clock, Film, Today, scan, touch

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
START = datetime(2026, 11, 22, 9, 1, 2, tzinfo=UTC)
SCHEMES = {"deep": "26/11/22/10/01/02", "medium": "2026-11-22/1234", "shallow": "1234"}

each_scheme = pytest.mark.parametrize("scheme", SCHEMES)


@pytest.fixture
def events(tmp_path: Path, today: Today) -> Path:
    today(NOW)
    path = tmp_path / "events/1"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def source(events: Path, clock: Clock) -> ZoneMinderSource:
    block = {"path": str(events), "timezone": "Europe/Berlin"}
    return ZoneMinderSource("porch", Block("porch", block), clock=clock)


def begin(folder: Path, film: Film) -> Path:
    folder.mkdir(parents=True)
    (folder / "00001-capture.jpg").write_bytes(b"picture")
    touch(folder / "00001-capture.jpg", START)
    path = folder / "incomplete.mp4"
    shutil.copy(film("fragments.mp4"), path)
    return path


@each_scheme
@pytest.mark.parametrize("by_link", [False, True])
def test_from_beginning_to_end(
    events: Path, source: ZoneMinderSource, film: Film, *, scheme: str, by_link: bool
) -> None:
    assert scan(source) == []
    writing = begin(events / SCHEMES[scheme], film)
    for _ in range(2):
        (found,) = scan(source)
        assert (found.complete, found.end, found.start) == (False, None, START)
        assert writing.parent in source.directories()
    finished = writing.with_name("1234-video.h264.mp4")
    touch(writing, START + timedelta(seconds=10))
    if by_link:
        os.link(writing, finished)
        assert [one.complete for one in scan(source)] == [False]
        writing.unlink()
    else:
        writing.rename(finished)
    (found,) = scan(source)
    assert (found.complete, found.files) == (True, (finished,))
    # Only the deep scheme tells the start; otherwise it is the end less the length.
    length = timedelta(seconds=10 if scheme == "deep" else 4)
    assert (found.start, found.end) == (START + timedelta(seconds=10) - length, START + timedelta(seconds=10))
    assert scan(source) == []
    assert scan(source) == []


@each_scheme
def test_as_version_1_36_writes_it(events: Path, source: ZoneMinderSource, film: Film, scheme: str) -> None:
    """Debian 12's: the video has its name from the first byte on, and is a header of 36 bytes for the whole event."""
    whole = film("fragments.mp4").read_bytes()
    folder = events / SCHEMES[scheme]
    video = folder / "1234-video.mp4"
    folder.mkdir(parents=True)
    if scheme == "deep":
        (folder.parents[2] / ".1234").symlink_to("10/01/02")
    if scheme == "shallow":
        (folder / ".1234").touch()
    for size in (0, 36, len(whole) // 3, len(whole) - 1):
        video.write_bytes(whole[:size])
        touch(video, START)
        (found,) = scan(source)
        assert (found.complete, found.end, found.start) == (False, None, START), size
        assert folder in source.directories()
    video.write_bytes(whole)
    touch(video, START + timedelta(seconds=4))
    (found,) = scan(source)
    assert (found.complete, found.files) == (True, (video,))
    assert (found.start, found.end) == (START, START + timedelta(seconds=4))
    assert scan(source) == []


@pytest.mark.parametrize(("size", "patience"), [(0, 3600), (36, 3600), (20_000, 120)])
def test_what_was_cut_off_is_handed_out_at_last(
    events: Path, source: ZoneMinderSource, film: Film, clock: Clock, *, size: int, patience: float
) -> None:
    """ZoneMinder was killed, or could not write the video: whoever makes the clip says why there is none."""
    video = events / "2026-11-22/7/7-video.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(film("fragments.mp4").read_bytes()[:size])
    assert [found.complete for found in scan(source)] == [False]
    clock.pass_(patience - 1)
    assert [found.complete for found in scan(source)] == [False]
    clock.pass_(2)
    assert [found.complete for found in scan(source)] == [True]
    assert scan(source) == []


def test_events_of_pictures_alone_are_none(events: Path, source: ZoneMinderSource) -> None:
    (events / SCHEMES["medium"]).mkdir(parents=True)
    (events / SCHEMES["medium"] / "00001-capture.jpg").touch()
    assert scan(source) == []


def test_old_ones_are_left_out(events: Path, source: ZoneMinderSource, film: Film, clock: Clock) -> None:
    for name, when in (("77", NOW - timedelta(days=20)), ("2026-11-01/78", NOW), ("26/11/01/10/00/00", NOW)):
        begin(events / name, film).rename(events / name / "77-video.mp4")
        touch(events / name / "77-video.mp4", when)
    clock.pass_(1)
    assert scan(source) == []
    assert events / "26/11/01" not in source.directories()


def test_order_and_the_hour_that_comes_twice(events: Path, source: ZoneMinderSource, film: Film, today: Today) -> None:
    today(datetime(2026, 10, 25, 12, tzinfo=UTC))
    berlin = ZoneInfo("Europe/Berlin")
    starts = [datetime(2026, 10, 25, 0, 50, tzinfo=UTC), datetime(2026, 10, 25, 1, 10, tzinfo=UTC)]
    for number, start in enumerate(starts):
        folder = events / f"{start.astimezone(berlin):%y/%m/%d/%H/%M/%S}"
        begin(folder, film).rename(folder / f"{number}-video.mp4")
        touch(folder / f"{number}-video.mp4", start + timedelta(seconds=4))
    assert [found.start for found in scan(source)] == starts


def test_what_nobody_took_comes_again(events: Path, source: ZoneMinderSource, film: Film) -> None:
    writing = begin(events / "9", film)
    writing.rename(writing.with_name("9-video.mp4"))
    for _ in source.scan():
        break
    assert len(scan(source)) == 1
    assert scan(source) == []
