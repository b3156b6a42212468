"""`alexa-ip-cam-event`, and the source that takes up what it leaves."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alexa_ip_cam.events import announce
from alexa_ip_cam.events.sources.block import Block
from alexa_ip_cam.events.sources.command import CommandSource
from unit.recordings.conftest import Film, scan, touch

WRITTEN = datetime(2026, 11, 22, 10, 0, 30, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    path = tmp_path / "spool"
    (path / "porch").mkdir(parents=True)
    return path


@pytest.fixture
def video(tmp_path: Path, film: Film) -> Path:
    path = Path(shutil.copy(film("long.mp4"), tmp_path / "it's [1].mp4"))
    touch(path, WRITTEN)
    return path


@pytest.fixture
def source(spool: Path) -> CommandSource:
    return CommandSource("porch", Block("porch", {"path": str(spool / "porch")}))


def call(spool: Path, *arguments: str | Path) -> int:
    return announce.main(["--spool", str(spool), *map(str, arguments)])


def test_all_that_can_be_said(spool: Path, video: Path, source: CommandSource) -> None:
    said = ["--start", "2026-11-22T11:00:00+01:00", "--length", "12.5", "--cause", "person", "--pressed"]
    assert call(spool, "--camera", "porch", "--file", video, *said) == 0
    (found,) = scan(source)
    start = datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert found[2:] == ((video,), start, start + timedelta(seconds=12.5), "person", True, True)


def test_the_video_tells_what_is_left_out(spool: Path, video: Path, source: CommandSource) -> None:
    assert call(spool, "--camera", "porch", "--file", video) == 0
    (found,) = scan(source)
    assert found[2:] == ((video,), WRITTEN - timedelta(seconds=10), WRITTEN, "motion", True, False)


def test_unix_seconds(spool: Path, video: Path, source: CommandSource) -> None:
    call(spool, "--camera", "porch", "--file", video, "--start", "1795341600.5")
    assert [found.start for found in scan(source)] == [datetime.fromtimestamp(1795341600.5, UTC)]


def test_one_is_taken_once_and_only_when_it_was_taken(spool: Path, video: Path, source: CommandSource) -> None:
    call(spool, "--camera", "porch", "--file", video)
    for _ in source.scan():
        break
    assert len(scan(source)) == 1
    assert source.unsettled()
    assert len(list((spool / "porch").iterdir())) == 1  # until it is noted down
    assert scan(source) == []
    assert list((spool / "porch").iterdir()) == []
    assert not source.unsettled()


def test_a_hook_that_is_run_twice_says_the_same(spool: Path, video: Path, source: CommandSource) -> None:
    call(spool, "--camera", "porch", "--file", video)
    call(spool, "--camera", "porch", "--file", video)
    one, two = scan(source)
    assert one.key == two.key
    touch(video, WRITTEN + timedelta(seconds=1))  # the name is used again
    call(spool, "--camera", "porch", "--file", video)
    assert scan(source)[0].key != one.key


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--camera", "yard"], "no camera 'yard' takes recordings from this command; these do: porch"),
        (["--camera", "../spool/porch"], "no camera"),
        (["--camera", ""], "no camera"),
        (["--camera", "porch", "--start", "yesterday"], "--start 'yesterday' is neither"),
        (["--camera", "porch", "--length", "-1"], "--length '-1' is not a number"),
        (["--camera", "porch", "--length", "1e9"], "--length '1e9' is not a number"),
    ],
)
def test_wrong_arguments_are_told(
    spool: Path, video: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert call(spool, "--file", video, *arguments) == 2
    assert words in capsys.readouterr().err
    assert list((spool / "porch").iterdir()) == []


def test_a_file_that_is_not_there_is_told(spool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(spool, "--camera", "porch", "--file", "/nowhere.mp4") == 2
    assert "/nowhere.mp4: No such file" in capsys.readouterr().err
    assert call(spool, "--camera", "porch", "--file", spool) == 2


def test_a_closed_spool_is_told(spool: Path, video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (spool / "porch").rmdir()
    (spool / "porch").symlink_to("/proc/self/fd")  # where not even root can make a file
    assert call(spool, "--camera", "porch", "--file", video) == 1
    assert "alexa-ip-cam-event:" in capsys.readouterr().err


def test_it_needs_no_more_than_python(spool: Path, video: Path) -> None:
    command = [sys.executable, "-I", "-c"]
    sources = Path(announce.__file__).parents[2]
    program = f"import sys; sys.path.insert(0, {str(sources)!r}); from alexa_ip_cam.events.announce import main; main()"
    arguments = ["--spool", spool, "--camera", "porch", "--file", video]
    subprocess.run([*command, program, *map(str, arguments)], check=True)
    assert len(list((spool / "porch").iterdir())) == 1


GOOD = {"file": "/x.mp4", "start": None, "length": None, "cause": "motion", "pressed": False, "changed": 1}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no JSON",
        "[]",
        json.dumps({}),
        json.dumps({**GOOD, "more": 1}),
        json.dumps({**GOOD, "file": "x.mp4"}),
        json.dumps({**GOOD, "file": 7}),
        json.dumps({**GOOD, "start": "2026-11-22T10:00:00"}),
        json.dumps({**GOOD, "start": 5}),
        json.dumps({**GOOD, "length": True}),
        json.dumps({**GOOD, "length": 1e9}),
        json.dumps({**GOOD, "cause": "boredom"}),
        json.dumps({**GOOD, "file": "/" + "x" * 100_000}),
    ],
)
def test_what_the_command_did_not_write_is_refused_and_kept(
    spool: Path, source: CommandSource, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (spool / "porch/1-1.json").write_text(content)
    assert scan(source) == []
    assert scan(source) == []
    assert [path.name for path in (spool / "porch").iterdir()] == ["1-1.refused"]
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


def test_links_and_pipes_are_not_followed_and_told_once(
    spool: Path, source: CommandSource, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "good.json").write_text(json.dumps(GOOD))
    (spool / "porch/1-1.json").symlink_to(tmp_path / "good.json")
    os.mkfifo(spool / "porch/2-1.json")
    assert scan(source) == []
    assert scan(source) == []
    assert caplog.text.count("1-1.json cannot be read") == 1
