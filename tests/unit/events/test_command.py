"""The command that lists, retries and drops, beside a service or alone."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.events.command import main
from alexa_ip_cam.events.config import INTERFACES
from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.status import metrics
from unit.events.test_config import LEAST

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
STATUS: dict[str, Any] = {
    "linked": True,
    "halted": None,
    "recordings": {"recording": 1, "found": 2, "failed": 3},
    "messages": {"media": {"waiting": 4, "parked": 5}},
    "refused": {"media": "400 no"},
    "troubles": {"porch": "no such directory"},
    "counts": {"told": 7},
    "resident_bytes": 1000,
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "events.json"
    files = {"database": str(tmp_path / "events.db"), "status_file": str(tmp_path / "status.json")}
    path.write_text(json.dumps({**LEAST, **files}))
    return path


@pytest.fixture
def outbox(tmp_path: Path, config: Path) -> Outbox:
    assert config.exists()
    outbox = Outbox(tmp_path / "events.db", interfaces=INTERFACES, clock=NOW.timestamp)
    outbox.found(Recording("porch", "broken.mkv", (Path("/r/x"),), NOW - timedelta(days=1), None, "motion", True))
    job = outbox.next_to_convert()
    assert job is not None
    outbox.clip_failed(job, "its video is H.265", permanent=True)
    for number in range(3):
        outbox.queue.add("media", "porch", "MediaDeleted", {}, happened=number, identity=f"porch_{number}")
    outbox.queue.park(outbox.queue.heads()[0], "400 not good")
    return outbox


def run(config: Path, *arguments: str) -> int:
    return main(["--config", str(config), *arguments])


def test_what_is_listed(config: Path, outbox: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    outbox.suspend("media", 10**15, "400 refused")
    assert run(config, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "r1  porch  2026-11-21 10:00:00  no clip: its video is H.265",
        "m1  porch  1970-01-01 00:00:00  MediaDeleted  porch_0  parked: 400 not good",
        "media: refused by Amazon, tried again once a day: 400 refused",
    ]
    run(config, "list", "--all")
    assert "m2  porch  1970-01-01 00:00:00  MediaDeleted  porch_1  waiting\n" in capsys.readouterr().out


def test_another_try(config: Path, outbox: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "retry", "m1", "r1") == 0
    assert "2 of 2" in capsys.readouterr().out
    assert outbox.database.changed_by_others()
    assert outbox.next_to_convert() is not None
    assert [one.id for one in outbox.queue.listed(parked=False)] == [1, 2, 3]


def test_another_try_for_all(config: Path, outbox: Outbox) -> None:
    outbox.suspend("media", 10**15, "400 refused")
    assert run(config, "retry", "all") == 0
    assert outbox.queue.listed(parked=True) == []
    assert outbox.failures()[0].permanent is False
    assert outbox.suspensions() == {"media": 0}


def test_what_is_dropped_stays_known(config: Path, outbox: Outbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "drop", "m1", "r1", "m99") == 1
    assert "2 of 3 dropped" in capsys.readouterr().out
    assert outbox.queue.listed(parked=True) == []
    assert outbox.failures() == []
    assert outbox.is_known("porch", "broken.mkv", complete=True)


@pytest.mark.parametrize("wrong", ["1", "x1", "m", "m1x", "all"])
def test_an_id_that_is_none(config: Path, outbox: Outbox, capsys: pytest.CaptureFixture[str], wrong: str) -> None:
    assert run(config, "drop", wrong) == 2
    assert f"{wrong} is no id" in capsys.readouterr().err
    assert len(outbox.queue.listed()) == 3


def test_before_the_service_ever_ran(config: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(config, "list") == 1
    assert "has not run yet" in capsys.readouterr().err
    assert not (tmp_path / "events.db").exists()
    assert run(config, "status") == 1
    assert "does not run" in capsys.readouterr().err


def test_a_configuration_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none.json", "list") == 1
    assert "cannot be read" in capsys.readouterr().err


def test_the_status_in_words(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "status.json").write_text(json.dumps(STATUS))
    assert run(config, "status") == 0
    told = capsys.readouterr().out
    for part in (
        "linked with Alexa",
        "3 recordings without a clip",
        "5 parked",
        "400 no",
        "no such directory",
        "told 7",
    ):
        assert part in told
    (tmp_path / "status.json").write_text(json.dumps({**STATUS, "linked": False, "halted": "link it"}))
    run(config, "status")
    told = capsys.readouterr().out
    assert "NOT linked" in told
    assert "nothing is told for now: link it" in told


def test_the_metrics() -> None:
    lines = metrics(STATUS).splitlines()
    for line in (
        "alexa_events_linked 1",
        "alexa_events_halted 0",
        'alexa_events_recordings{stage="failed"} 3',
        'alexa_events_messages_waiting{interface="media"} 4',
        'alexa_events_messages_parked{interface="media"} 5',
        'alexa_events_refused{interface="media"} 1',
        'alexa_events_total{what="told"} 7',
        'alexa_events_source_trouble{camera="porch"} 1',
        "alexa_events_resident_bytes 1000",
        "# TYPE alexa_events_total counter",
    ):
        assert line in lines
