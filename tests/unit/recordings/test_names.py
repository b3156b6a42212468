"""What the file names of each vendor tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alexa_ip_cam.events.sources.patterns import FOREIGN, LAYOUTS, Named, day_of_folder, read_name

BERLIN = ZoneInfo("Europe/Berlin")


def at(hour: int, minute: int, second: int = 0, *, day: int = 22, millisecond: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, millisecond * 1000, UTC)


RIGHT = [
    ("reolink", "2026/11/22/Porch_00_20261122100102.mp4", at(9, 1, 2), None, "motion"),
    ("reolink", "2026-11-22/Porch_01_Hub_20261122100102.mp4", at(9, 1, 2), None, "motion"),
    ("reolink", "Front Porch_00_20261122100102.MP4", at(9, 1, 2), None, "motion"),
    (
        "reolink-sd",
        "Mp4Record/2026-11-22/RecM01_20261122_100102_100130_6D28808_2DA8B3.mp4",
        at(9, 1, 2),
        at(9, 1, 30),
        "motion",
    ),
    (
        "reolink-sd-sub",
        "Mp4Record/2026-11-22/RecS01_20261122_235950_000010_6D28808_2DA8B3.mp4",
        at(22, 59, 50),
        at(23, 0, 10),
        "motion",
    ),
    ("dahua", "AMC0/2026-11-22/001/dav/10/10.01.02-10.01.42[M][0@0][0].mp4", at(9, 1, 2), at(9, 1, 42), "motion"),
    ("dahua", "2026-11-22/001/dav/23/23.59.50-00.00.20[A][0@0][0].dav", at(22, 59, 50), at(23, 0, 20), "rule"),
    ("dahua", "Porch_ch1_main_20261122100102_20261122100142.dav", at(9, 1, 2), at(9, 1, 42), "motion"),
    ("foscam", "FI9821W_00626E5A1234/record/MDalarm_20261122_100102.mkv", at(9, 1, 2), None, "motion"),
    ("foscam", "FI9900P_00626E5A1234/record/MDAlarm_20261122-100102.avi", at(9, 1, 2), None, "motion"),
    ("foscam", "record/SDalarm_20261122_100102.mkv", at(9, 1, 2), None, "audio"),
    (
        "hikvision",
        "192.168.1.64_01_20261122100102345_MOTION_DETECTION.mp4",
        at(9, 1, 2, millisecond=345),
        None,
        "motion",
    ),
    (
        "hikvision",
        "cam/192.168.1.64_01_20261122100102345_LINE_CROSSING_DETECTION.mp4",
        at(9, 1, 2, millisecond=345),
        None,
        "rule",
    ),
    ("motion", "01-20261122100102.mkv", at(9, 1, 2), None, "motion"),
    ("motion", "Camera1/2026-11-22/10-01-02.mp4", at(9, 1, 2), None, "motion"),
    ("yi-hack", "record/2026Y11M22D10H/22M37S23.mp4", at(10, 22, 37), None, "motion"),
    ("yi-hack", "2026Y11M22D10H/E122M37S23.mp4", at(10, 22, 37), None, "motion"),
    ("wyze", "record/20261122/10/22.mp4", at(9, 22), None, "motion"),
    ("generic", "whatever/cam_2026-11-22_10-01-02.mov", at(9, 1, 2), None, "motion"),
    ("generic", "20261122T100102.ts", at(9, 1, 2), None, "motion"),
    ("generic", "clip7.mp4", None, None, "motion"),
    ("generic", "cam_20269922_100102.mp4", None, None, "motion"),
]


@pytest.mark.parametrize(("layout", "path", "start", "end", "cause"), RIGHT)
def test_a_name_tells_times_and_cause(
    layout: str, path: str, start: datetime | None, end: datetime | None, cause: str
) -> None:
    kind = LAYOUTS[layout]
    named = read_name(kind, path, kind.zone or BERLIN)
    assert named is not None
    assert named[:3] == (start, end, cause)


@pytest.mark.parametrize(
    ("layout", "path"),
    [
        ("reolink", "2026/11/22/Porch_00_20261122100102.jpg"),
        ("reolink", "Porch_00_20261122100102.mp4.tmp"),
        ("reolink-sd", "RecS01_20261122_100102_100130_6D28808_2DA8B3.mp4"),
        ("dahua", "2026-11-22/001/dav/10/10.01.02-10.01.02[M][0@0][0].mp4_"),
        ("dahua", "2026-11-22/001/dav/10/10.01.02-10.01.02[M][0@0][0].dav_"),
        ("dahua", "2026-11-22/001/dav/10/10.01.02-10.01.42[R][0@0][0].mp4"),
        ("dahua", "2026-11-22/001/dav/10/10.01.02-10.01.42[M][0@0][0].idx"),
        ("dahua", "2026-11-22/001/jpg/10/01/02[M][0@0][0].jpg"),
        ("foscam", "record/schedule_20261122_100102.mkv"),
        ("foscam", "snap/MDAlarm_20261122-100102.jpg"),
        ("hikvision", "192.168.1.64_01_20261122100102345_MOTION_DETECTION.jpg"),
        ("hikvision", "192.168.1.64_01_20261122100102345_TIMING.mp4"),
        ("motion", "01-20261122100102.jpg"),
        ("motion", "lastsnap.jpg"),
        ("yi-hack", "2026Y11M22D10H/22M37S23.mp4.tmp"),
        ("yi-hack", "22M37S23.mp4"),
        ("wyze", "alarm/20261122/10_22.jpg"),
        ("generic", "clip.mp4.part"),
        ("generic", "clip.txt"),
    ],
)
def test_what_is_no_finished_event_is_not_taken(layout: str, path: str) -> None:
    assert read_name(LAYOUTS[layout], path, BERLIN) is None


def test_the_finished_size_is_in_the_name() -> None:
    named = read_name(LAYOUTS["reolink-sd"], "RecM01_20261122_100102_100130_6D28808_2DA8B3.mp4", BERLIN)
    assert named == Named(at(9, 1, 2), at(9, 1, 30), "motion", 0x2DA8B3)


TWICE = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("which", [0, 1])
def test_in_the_hour_that_comes_twice_the_time_of_writing_decides(which: int) -> None:
    near = TWICE[which] + timedelta(seconds=40)
    named = read_name(LAYOUTS["reolink"], "Porch_00_20261025023000.mp4", BERLIN, near=near)
    assert named is not None
    assert named.start == TWICE[which]


@pytest.mark.parametrize(("tag", "which"), [("DST", 0), ("", 1)])
def test_in_the_hour_that_comes_twice_a_tag_decides(tag: str, which: int) -> None:
    named = read_name(LAYOUTS["reolink-sd"], f"RecM01_{tag}20261025_023000_023010_1_FF.mp4", BERLIN)
    assert named is not None
    assert (named.start, named.end) == (TWICE[which], TWICE[which] + timedelta(seconds=10))


def test_a_recording_over_the_end_of_summer_time_has_its_true_length() -> None:
    """From 02:59:50 to 02:00:10 by the clock is twenty seconds, not a day."""
    near = datetime(2026, 10, 25, 1, 0, 12, tzinfo=UTC)
    path = "2026-10-25/001/dav/02/02.59.50-02.00.10[M][0@0][0].mp4"
    named = read_name(LAYOUTS["dahua"], path, BERLIN, near=near)
    assert named is not None
    start = datetime(2026, 10, 25, 0, 59, 50, tzinfo=UTC)
    assert (named.start, named.end) == (start, start + timedelta(seconds=20))


@pytest.mark.parametrize("path", ["datadir0/hiv00001.mp4", "HIV00123.MP4", "datadir0/index00.bin", "index00p.bin"])
def test_hikvisions_containers_are_known(path: str) -> None:
    assert FOREIGN.search(path)


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("2026/11/22", "20261122"),
        ("cam/2026-11-22/001", "20261122"),
        ("record/20261122/10", "20261122"),
        ("2026Y11M22D10H", "20261122"),
        ("2026/11", None),
        ("FI9821W_00626E5A1234/record", None),
        ("20123456", None),
        ("201211223", None),
    ],
)
def test_days_of_folders(path: str, day: str | None) -> None:
    assert day_of_folder(path) == day
