"""Axis' own recordings: nothing is lost, doubled, or called complete before the camera says so."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alexa_ip_cam.events.sources.axis import ABANDONED_SECONDS, AxisSource
from alexa_ip_cam.events.sources.block import Block
from alexa_ip_cam.events.sources.tree import SETTLE_SECONDS
from unit.recordings.axis_tree import AxisRecording, index, make_index
from unit.recordings.conftest import Clock, Film, Today, scan

BERLIN = ZoneInfo("Europe/Berlin")
Card = Callable[..., AxisRecording]
Make = Callable[..., AxisSource]
NOON = datetime(2026, 11, 22, 11, 0, 0, 154103, UTC)


@pytest.fixture
def card(tmp_path: Path, film: Film, today: Today) -> Card:
    """Call ``card(start)`` for a recording on the share that is still to be written."""
    today(NOON + timedelta(hours=5))
    (tmp_path / "card").mkdir()

    def make(start: datetime = NOON, **options: str) -> AxisRecording:
        return AxisRecording(tmp_path / "card", BERLIN, start, film("plain.mkv"), **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def source(tmp_path: Path, clock: Clock) -> Make:
    def make(**options: object) -> AxisSource:
        block = {"path": str(tmp_path / "card"), "timezone": "Europe/Berlin", **options}
        return AxisSource("porch", Block("porch", block), clock=clock)

    return make


def test_a_complete_recording(card: Card, source: Make) -> None:
    written = card().write()
    (found,) = scan(source())
    assert found == (
        "porch",
        written.key,
        (written.block(NOON),),
        NOON,
        NOON + timedelta(seconds=300),
        "motion",
        True,
        False,
    )


def test_blocks_come_in_the_order_of_their_times(card: Card, source: Make) -> None:
    """The third block lies in another hour's folder, and so in another place of the alphabet."""
    written = card(NOON - timedelta(minutes=8)).write(blocks=3)
    (found,) = scan(source())
    assert [path.parent.name for path in found.files] == ["20261122_11", "20261122_11", "20261122_12"]
    assert list(found.files) == [written.block(start) for start in written.blocks]


@pytest.mark.parametrize("blocks", [1, 3])
def test_whatever_the_camera_is_at_it_is_complete_only_at_the_end(
    card: Card, source: Make, clock: Clock, blocks: int
) -> None:
    watched = source()
    seen = []
    for step in card().steps(blocks):
        clock.pass_(2)
        seen += [(step, found.complete, found.end is None) for found in scan(watched)]
    assert {(complete, open_) for step, complete, open_ in seen if step != "complete"} == {(False, True)}
    assert [entry for entry in seen if entry[1]] == [("complete", True, False)]
    clock.pass_(2)
    assert scan(watched) == []


def test_one_that_has_only_begun_is_motion_now(card: Card, source: Make) -> None:
    written = card()
    steps = written.steps()
    watched = source()
    assert scan(watched) == []
    for step in steps:
        if step == "half a recording.xml":
            assert scan(watched) == []  # it may be a continuous recording
        if step == "recording.xml":
            break
    (found,) = scan(watched)
    assert (found.key, found.start, found.end, found.complete, found.files) == (written.key, NOON, None, False, ())


def test_what_nobody_took_comes_again(card: Card, source: Make) -> None:
    """The queue's disk may be full: then the scan ends in the middle."""
    first, second = card().write(), card(NOON + timedelta(minutes=10), token="25CF").write()
    watched = source()
    for _ in watched.scan():
        break
    assert [found.key for found in scan(watched)] == [first.key, second.key]
    assert scan(watched) == []


def test_the_night_that_has_an_hour_twice(card: Card, source: Make, today: Today) -> None:
    """By name, the second recording is before the first, and the third has the first one's hour."""
    today(datetime(2026, 10, 25, 12, tzinfo=UTC))
    times = [datetime(2026, 10, 25, 0, 50, tzinfo=UTC), datetime(2026, 10, 25, 1, 10, tzinfo=UTC)]
    times.append(datetime(2026, 10, 25, 1, 50, tzinfo=UTC))
    keys = [card(start, token=token).write().key for start, token in zip(times, ("0001", "0002", "0003"), strict=True)]
    assert keys[1] < keys[0] < keys[2]
    assert [(found.key, found.start) for found in scan(source())] == list(zip(keys, times, strict=True))


def test_the_night_that_lacks_an_hour(card: Card, source: Make, today: Today) -> None:
    today(datetime(2026, 3, 29, 12, tzinfo=UTC))
    times = [datetime(2026, 3, 29, 0, 58, tzinfo=UTC), datetime(2026, 3, 29, 1, 1, tzinfo=UTC)]
    keys = [card(start).write().key for start in times]
    assert [key[9:13] for key in keys] == ["0158", "0301"]
    assert [found.start for found in scan(source())] == times


@pytest.mark.parametrize("about", [True, False])
def test_old_firmware(card: Card, source: Make, clock: Clock, about: bool) -> None:
    """Without a recording.xml the name tells the start, and stillness the end."""
    written = card()
    folder = written.write_old_layout(12, about=about)
    watched = source()
    found = scan(watched)
    if not about:
        assert found == []
        clock.pass_(ABANDONED_SECONDS)
        found = scan(watched)
    assert [path.name for path in found[0].files] == [f"{number}.mkv" for number in range(12)]
    assert (found[0].complete, found[0].files[0].parent) == (True, folder)
    assert found[0].start == (NOON if about else NOON.replace(microsecond=0))


def test_a_camera_that_lost_its_power_leaves_what_it_had(card: Card, source: Make, clock: Clock) -> None:
    written = card()
    for step in written.steps(blocks=2):
        if step == "a block with its file still open" and written.blocks:
            break
    watched = source()
    for _ in range(5):
        assert [found.complete for found in scan(watched)] == [False]
        clock.pass_(ABANDONED_SECONDS / 6)
    with written.block(written.start).with_suffix(".xml").open("a"):
        os.utime(written.block(written.start))  # it was alive after all
    assert [found.complete for found in scan(watched)] == [False]
    clock.pass_(ABANDONED_SECONDS)
    (found,) = scan(watched)
    assert (found.complete, len(found.files), found.end) == (True, 2, None)
    assert scan(watched) == []


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, {"motion", "other source"}),
        ({"source": "1"}, {"motion"}),
        ({"triggers": ["ACC_Motion_*"]}, {"motion", "other source"}),
        ({"triggers": ["Line*"]}, set()),
    ],
)
def test_only_events_are_taken(card: Card, source: Make, options: dict[str, object], wanted: set[str]) -> None:
    keys = {
        card(token="0001", trigger="ACC_Motion_1").write().key: "motion",
        card(token="0002", trigger="ACC_Continuous_1").write().key: "continuous by name",
        card(token="0003", trigger_type="continuous").write().key: "continuous",
        card(token="0004", trigger="ACC_Motion_2", source="2").write().key: "other source",
    }
    watched = source(**options)
    assert {keys[found.key] for found in scan(watched)} == wanted
    assert scan(watched) == []


@pytest.mark.usefixtures("card")
def test_what_lies_around_is_no_recording(source: Make, tmp_path: Path) -> None:
    for name in ("recording_groups", "areas", "ws", "lost+found", "20261122", "2026112", "20261122/1"):
        (tmp_path / "card" / name).mkdir(parents=True)
    (tmp_path / "card/20261122/12").write_text("a file")
    assert scan(source()) == []


def test_xml_that_makes_parsers_sweat_is_not_parsed(card: Card, source: Make) -> None:
    written = card().write()
    bomb = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    (written.folder / "recording.xml").write_text(f"{bomb}<Recording>&b;</Recording>")
    assert scan(source()) == []


def test_a_share_that_is_not_mounted_is_told(source: Make) -> None:
    with pytest.raises(OSError, match="card"):
        scan(source())


# index.db


def every_file(root: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def open_recording(card: Card) -> AxisRecording:
    """Complete but for the XML files, which stay half written: the database alone knows its end."""
    written = card()
    for step in written.steps():
        if step == "half a recording.xml at the end":
            break
    return written


def test_index_db_fills_in_what_the_xml_leaves_out(open_recording: AxisRecording, source: Make) -> None:
    path = open_recording.root / "index.db"
    with closing(make_index(path)) as connection:
        number = index(connection, open_recording, None)
        assert scan(source()) == []
        stop = utc_text = "2026-11-22T11:05:00.154103Z"
        connection.execute("UPDATE recordings SET stoptime = ? WHERE id = ?", (stop, number))
        connection.execute("UPDATE blocks SET stoptime = ? WHERE recording_id = ?", (utc_text, number))
    before = every_file(open_recording.root)
    (found,) = scan(source())
    assert (found.start, found.end, found.complete) == (NOON, NOON + timedelta(seconds=300), True)
    assert every_file(open_recording.root) == before


def spoil_missing(path: Path) -> Iterator[None]:
    path.unlink()
    yield


def spoil_locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


def spoil_corrupt(path: Path) -> Iterator[None]:
    data = bytearray(path.read_bytes())
    dice = random.Random(3)  # noqa: S311 - the same damage every time
    for _ in range(400):
        data[dice.randrange(100, len(data))] = dice.randrange(256)
    path.write_bytes(data)
    yield


def spoil_copied(path: Path) -> Iterator[None]:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 100])
    yield


def spoil_text(path: Path) -> Iterator[None]:
    path.write_text("this is no database" * 100)
    yield


def spoil_wal(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO version VALUES ('4')")
        yield


def spoil_other_form(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE recordings DROP COLUMN stoptime")
    yield


@pytest.mark.parametrize(
    "spoil", [spoil_missing, spoil_locked, spoil_corrupt, spoil_copied, spoil_text, spoil_wal, spoil_other_form]
)
def test_an_index_db_that_cannot_be_read_does_not_matter(
    card: Card, source: Make, clock: Clock, spoil: Callable[[Path], Iterator[None]]
) -> None:
    first = card().write()
    path = first.root / "index.db"
    with closing(make_index(path)) as connection:
        index(connection, first, NOON + timedelta(seconds=300))
    spoiled = spoil(path)
    next(spoiled)
    watched = source()
    told = []
    second = card(NOON + timedelta(hours=1), token="0002")
    for _ in second.steps(blocks=2):
        clock.pass_(2)
        told += [found.key for found in scan(watched) if found.complete]
    assert told == [first.key, second.key]
    assert list(spoiled) == []


def test_what_the_camera_is_about_to_delete_is_left_alone(open_recording: AxisRecording, source: Make) -> None:
    with closing(make_index(open_recording.root / "index.db")) as connection:
        number = index(connection, open_recording, NOON)
        connection.execute("INSERT INTO remove_recordings (recording_id) VALUES (?)", (number,))
    assert scan(source()) == []


# Cost


def test_days_long_past_are_not_even_listed(
    card: Card, source: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in range(30):
        card(NOON - timedelta(days=days)).write()
    watched = source()
    assert len(scan(watched)) == 7
    clock.pass_(SETTLE_SECONDS)
    assert scan(watched) == []
    clock.pass_(SETTLE_SECONDS)
    listed = []
    real = os.scandir
    monkeypatch.setattr("os.scandir", lambda path: listed.append(path) or real(path))  # type: ignore[func-returns-value]
    assert scan(watched) == []
    assert listed == []


def test_it_watches_today_and_what_is_being_written(card: Card, source: Make) -> None:
    start = NOON + timedelta(hours=4, minutes=55)
    written = card(start)
    card(NOON).write()
    for step in written.steps():
        if step == "half a block":
            break
    watched = source()
    scan(watched)
    scan(watched)
    day = written.folder.parents[1]
    block = written.block(start).parent
    assert set(watched.directories()) == {written.root, day, written.folder.parent, written.folder, block}
