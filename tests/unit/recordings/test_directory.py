"""Drop folders: files that grow, break, come by rename or link, and one whose writing nobody hears of."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.sources.block import Block
from alexa_ip_cam.events.sources.directory import DirectorySource
from alexa_ip_cam.events.sources.growing import BROKEN_SECONDS, EMPTY_SECONDS, LOOK_AGAIN_SECONDS, QUIET_SECONDS
from unit.recordings.conftest import Clock, Film, scan, touch

Make = Callable[..., DirectorySource]


@pytest.fixture
def source(tmp_path: Path, clock: Clock) -> Make:
    """Call ``source("layout")``; its folder is ``drop``."""
    (tmp_path / "drop").mkdir()

    def make(layout: str = "reolink", **options: object) -> DirectorySource:
        block = {"path": str(tmp_path / "drop"), "layout": layout, "timezone": "UTC", **options}
        made = DirectorySource("porch", Block("porch", block), clock=clock)
        assert scan(made) == []
        return made

    return make


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return tmp_path / "drop"


def named(moment: datetime | None = None) -> str:
    return f"Porch_00_{moment or datetime.now(UTC):%Y%m%d%H%M%S}.mp4"


def complete(source: DirectorySource) -> list[bool]:
    return [found.complete for found in scan(source)]


def test_a_file_that_says_itself_that_it_is_whole_is_taken_at_the_second_look(
    source: Make, drop: Path, film: Film, clock: Clock
) -> None:
    """Nobody was heard: the folder is a network share."""
    watched = source()
    start = datetime.now(UTC).replace(microsecond=0)
    shutil.copy(film("plain.mp4"), drop / named(start))
    assert complete(watched) == [False]
    assert watched.unsettled()
    clock.pass_(LOOK_AGAIN_SECONDS)
    assert scan(watched) == [
        Recording(
            "porch",
            named(start),
            (drop / named(start),),
            start,
            start + timedelta(seconds=1),
            "motion",
            complete=True,
        )
    ]
    assert not watched.unsettled()
    assert scan(watched) == []


@pytest.mark.parametrize("name", ["plain.mp4", "fast.mp4", "fragments.mp4", "plain.mkv"])
def test_a_file_that_grows_for_minutes_is_motion_until_it_is_finished(
    source: Make, drop: Path, film: Film, clock: Clock, name: str
) -> None:
    """With pauses of 15 s, as on a bad link, and nobody to be heard closing it."""
    watched = source("generic")
    data = film(name).read_bytes()
    path = drop / f"20990101_000000{Path(name).suffix}"
    for part in range(20):
        with path.open("ab") as file:
            file.write(data[len(data) * part // 20 : len(data) * (part + 1) // 20])
        for _ in range(5):
            whole = part == 19
            if whole:
                break
            assert complete(watched) == [False]
            clock.pass_(3)
    assert complete(watched) == [False]
    clock.pass_(QUIET_SECONDS + 1)
    assert complete(watched) == [True]


def test_one_in_fragments_waits_until_it_was_heard_to_be_closed(
    source: Make, drop: Path, film: Film, clock: Clock
) -> None:
    watched = source()
    path = drop / named()
    data = film("fragments.mp4").read_bytes()
    data = data[: -int.from_bytes(data[-4:])]  # without the index at the end, which would say that all is there
    path.write_bytes(data[: len(data) // 2])
    watched.closed(path)
    path.write_bytes(data)  # somebody writes on: what was heard counts no more
    for _ in range(4):
        assert complete(watched) == [False]
        clock.pass_(1)
    watched.closed(path)
    assert complete(watched) == [True]


def test_one_in_fragments_says_it_by_the_index_at_its_end(source: Make, drop: Path, film: Film, clock: Clock) -> None:
    watched = source()
    path = drop / named()
    data = film("fragments.mp4").read_bytes()
    path.write_bytes(data[:-1])
    complete(watched)
    clock.pass_(LOOK_AGAIN_SECONDS)
    assert complete(watched) == [False]
    path.write_bytes(data)
    assert complete(watched) == [False]
    clock.pass_(LOOK_AGAIN_SECONDS)
    assert complete(watched) == [True]


def test_closed_before_it_was_ever_seen(source: Make, drop: Path, film: Film, clock: Clock) -> None:
    watched = source()
    path = drop / named()
    shutil.copy(film("fragments.mp4"), path)
    watched.closed(path)
    complete(watched)
    clock.pass_(LOOK_AGAIN_SECONDS)
    assert complete(watched) == [True]


def test_an_empty_file_is_waited_for(source: Make, drop: Path, film: Film, clock: Clock) -> None:
    watched = source()
    path = drop / named()
    path.touch()
    watched.closed(path)
    clock.pass_(BROKEN_SECONDS * 3)
    assert complete(watched) == [False]
    clock.pass_(BROKEN_SECONDS * 3)
    assert complete(watched) == [False]
    shutil.copy(film("plain.mp4"), path)
    complete(watched)
    clock.pass_(LOOK_AGAIN_SECONDS)
    assert complete(watched) == [True]


def test_one_that_stays_empty_is_handed_on_in_the_end(source: Make, drop: Path, clock: Clock) -> None:
    watched = source()
    (drop / named()).touch()
    assert complete(watched) == [False]
    clock.pass_(EMPTY_SECONDS)
    assert complete(watched) == [True]


def test_a_truncated_file_is_handed_on_when_nobody_goes_on_with_it(
    source: Make, drop: Path, film: Film, clock: Clock
) -> None:
    watched = source()
    path = drop / named()
    path.write_bytes(film("plain.mp4").read_bytes()[:2000])
    watched.closed(path)
    for _ in range(10):
        assert complete(watched) == [False]
        clock.pass_(BROKEN_SECONDS / 11)
    clock.pass_(BROKEN_SECONDS)
    (found,) = scan(watched)
    assert (found.complete, found.end) == (True, None)


def test_brackets_and_at_signs(source: Make, drop: Path, film: Film, clock: Clock) -> None:
    watched = source("dahua")
    now = datetime.now(UTC)
    folder = drop / f"{now:%Y-%m-%d}/001/dav/{now:%H}"
    folder.mkdir(parents=True)
    writing = folder / f"{now:%H.%M.%S}-{now:%H.%M.%S}[M][0@0][0].mp4_"
    shutil.copy(film("fragments.mp4"), writing)
    for _ in range(3):
        assert scan(watched) == []
        clock.pass_(QUIET_SECONDS)
    finished = writing.rename(folder / f"{now:%H.%M.%S}-{now + timedelta(seconds=4):%H.%M.%S}[M][0@0][0].mp4")
    complete(watched)
    clock.pass_(LOOK_AGAIN_SECONDS)  # its name says that it is finished: no other sign is waited for
    (found,) = scan(watched)
    assert (found.complete, found.files) == (True, (finished,))


def test_moved_in_by_link_and_unlink(source: Make, drop: Path, film: Film, clock: Clock, tmp_path: Path) -> None:
    watched = source()
    upload = tmp_path / "upload"
    shutil.copy(film("plain.mp4"), upload)
    os.link(upload, drop / named())
    upload.unlink()
    complete(watched)
    clock.pass_(LOOK_AGAIN_SECONDS)
    assert complete(watched) == [True]


def test_the_size_in_the_name_is_the_sign(source: Make, drop: Path, film: Film, clock: Clock) -> None:
    watched = source("reolink-sd")
    data = film("fragments.mp4").read_bytes()
    now = datetime.now(UTC)
    path = drop / f"RecM01_{now:%Y%m%d_%H%M%S}_{now:%H%M%S}_ABC_{len(data):X}.mp4"
    path.write_bytes(data[: len(data) * 3 // 4])
    complete(watched)
    clock.pass_(QUIET_SECONDS * 2)
    assert complete(watched) == [False]
    path.write_bytes(data)
    complete(watched)
    clock.pass_(LOOK_AGAIN_SECONDS)
    assert complete(watched) == [True]


def test_a_name_without_a_time(source: Make, drop: Path, film: Film, clock: Clock) -> None:
    watched = source("generic")
    shutil.copy(film("long.mp4"), drop / "clip.mp4")
    written = datetime.now(UTC) - timedelta(seconds=30)
    touch(drop / "clip.mp4", written)
    complete(watched)
    clock.pass_(LOOK_AGAIN_SECONDS)
    (found,) = scan(watched)
    assert abs(found.start - (written - timedelta(seconds=10))) < timedelta(milliseconds=1)
    assert found.end is not None
    assert abs(found.end - written) < timedelta(milliseconds=1)


def test_a_name_that_is_no_text(source: Make, drop: Path, film: Film, clock: Clock) -> None:
    watched = source("generic")
    shutil.copy(film("plain.mp4"), drop / os.fsdecode(b"caf\xe9.mp4"))
    complete(watched)
    clock.pass_(LOOK_AGAIN_SECONDS)
    (found,) = scan(watched)
    assert found.key == "caf\\xe9.mp4"
    assert found.files[0].exists()


def test_two_cameras_in_one_folder(source: Make, drop: Path, film: Film, clock: Clock) -> None:
    watched = source(prefix="Yard_")
    now = datetime.now(UTC)
    for camera in ("Porch", "Yard"):
        shutil.copy(film("plain.mp4"), drop / f"{camera}_00_{now:%Y%m%d%H%M%S}.mp4")
    complete(watched)
    clock.pass_(LOOK_AGAIN_SECONDS)
    assert [found.files[0].name[:4] for found in scan(watched)] == ["Yard"]


def test_hikvisions_containers_are_refused_with_the_reason(
    source: Make, drop: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    watched = source("generic")
    (drop / "datadir0").mkdir()
    for number in range(3):
        (drop / f"datadir0/hiv0000{number}.mp4").write_bytes(b"\0" * 4096)
    for _ in range(3):
        assert scan(watched) == []
        clock.pass_(60)
    (told,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "Hikvision" in told.getMessage()
    assert "FTP" in told.getMessage()


def test_what_was_there_before_us_is_handed_on_without_looking_into_each(
    tmp_path: Path, film: Film, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = tmp_path / "old"
    drop.mkdir()
    long_ago = datetime.now(UTC) - timedelta(hours=5)
    for minutes in range(20):
        path = drop / named(long_ago + timedelta(minutes=minutes))
        shutil.copy(film("plain.mp4"), path)
        touch(path, long_ago + timedelta(minutes=minutes + 1))

    def never(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("alexa_ip_cam.events.sources.growing.probe", never)
    monkeypatch.setattr("alexa_ip_cam.events.sources.directory.probe", never)
    block = {"path": str(drop), "layout": "reolink", "timezone": "UTC"}
    watched = DirectorySource("porch", Block("porch", block), clock=clock)
    assert set(complete(watched)) == {False}
    assert watched.unsettled()
    clock.pass_(LOOK_AGAIN_SECONDS)
    found = scan(watched)
    assert [one.complete for one in found] == [True] * 20
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert scan(watched) == []


def test_recordings_long_past_get_no_clip(source: Make, drop: Path, film: Film, clock: Clock) -> None:
    watched = source()
    shutil.copy(film("plain.mp4"), drop / named(datetime.now(UTC) - timedelta(days=9)))
    (drop / "2020/01/01").mkdir(parents=True)
    clock.pass_(60)
    assert scan(watched) == []
    assert drop / "2020/01/01" not in set(watched.directories())


def test_a_folder_that_may_not_be_read_is_told_and_stops_no_other(
    source: Make, drop: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watched = source()
    (drop / "a").mkdir()
    (drop / "b").mkdir()
    (drop / "b" / named()).write_bytes(b"x")
    real = os.scandir

    def closed(path: str) -> object:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr("os.scandir", closed)
    assert complete(watched) == [False]
    assert complete(watched) == [False]
    assert caplog.text.count("/drop/a may not be read") == 1


def test_a_file_that_vanishes_is_forgotten(source: Make, drop: Path, clock: Clock) -> None:
    watched = source()
    path = drop / named()
    path.write_bytes(b"x")
    assert complete(watched) == [False]
    path.unlink()
    clock.pass_(1)
    assert scan(watched) == []


def test_a_link_that_leads_nowhere_or_around_does_no_harm(source: Make, drop: Path, clock: Clock) -> None:
    watched = source("generic")
    (drop / "a.mp4").symlink_to(drop / "nowhere")
    (drop / "loop").symlink_to(drop)
    clock.pass_(1)
    assert scan(watched) == []


def test_what_nobody_took_comes_again(source: Make, drop: Path, film: Film, clock: Clock) -> None:
    watched = source()
    shutil.copy(film("plain.mp4"), drop / named())
    complete(watched)
    clock.pass_(LOOK_AGAIN_SECONDS)
    for _ in watched.scan():
        break
    assert complete(watched) == [True]


def test_a_changed_folder_is_seen_though_its_time_of_change_is_coarse(
    source: Make, drop: Path, film: Film, clock: Clock
) -> None:
    """A file that comes within the tick of the listing leaves the folder's time as it was."""
    watched = source()
    scan(watched)
    tick = time.time() // 2 * 2
    os.utime(drop, (tick, tick))
    scan(watched)
    shutil.copy(film("plain.mp4"), drop / named())
    os.utime(drop, (tick, tick))
    clock.pass_(1)
    assert complete(watched) == [False]
