"""What the owner has to see to becomes an alarm, and ends as one."""

import json
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.events.alarms import GRANT, PARKED, Alarms
from alexa_ip_cam.events.publisher import Halt
from alexa_ip_cam.events.tokens import NoTokenError
from simulators.amazon import event_gateway as amazon
from simulators.amazon.lwa import Lwa
from simulators.events_service import EventsService
from unit.events.conftest import link
from unit.events.rig import Rig

# Keeps the alarms that are raised in a file beside itself, as the real one does on its board.
_PROGRAM = """\
#!/usr/bin/python3
import json, pathlib, sys
board = pathlib.Path(__file__).with_name("board.json")
if board.with_name("broken").exists():
    sys.exit("the board is gone")
raised = json.loads(board.read_text()) if board.exists() else {}
said = raised.setdefault("said", [])
said.append(sys.argv[1:3])
if sys.argv[1] == "raise":
    raised[sys.argv[2]] = sys.stdin.read()
else:
    raised.pop(sys.argv[2], None)
board.write_text(json.dumps(raised))
"""


class Board:
    """The appliance's alarm program, and what it was told."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "alarm"
        self.program.write_text(_PROGRAM)
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        self.broken = folder / "broken"
        self._file = folder / "board.json"

    @property
    def raised(self) -> dict[str, str]:
        """Texts by key."""
        return {key: text for key, text in self._read().items() if key != "said"}

    @property
    def said(self) -> list[list[str]]:
        """Every call: raise or clear, and the key."""
        return list(self._read().get("said", []))

    def _read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._file.read_text()))
        except (FileNotFoundError, ValueError):  # just being written
            return {}


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


@pytest.fixture
def look(rig: Rig, board: Board) -> Callable[[], dict[str, str]]:
    """Look once, and wait until all is said; what is raised then."""
    alarms = Alarms(rig.tokens, rig.start(), rig.outbox.queue)

    def once() -> dict[str, str]:
        alarms.look(board.program)
        if alarms._saying is not None:
            alarms._saying.join(10)
        return board.raised

    return once


def refuse(rig: Rig, reason: str, refusals: int) -> None:
    assert rig.publisher is not None
    rig.publisher.halt = Halt(reason, 1.0, 1.0, time.monotonic() + 60, refusals)


def test_all_is_well(rig: Rig, board: Board, look: Callable[[], dict[str, str]]) -> None:
    assert look() == {}
    rig.motion("DETECTED")
    rig.wait_empty()
    assert look() == {}
    said = board.said
    assert ["clear", GRANT] in said  # of the process before
    look()
    assert board.said == said  # not again and again


def test_a_skill_that_is_refused_for_long(rig: Rig, board: Board, look: Callable[[], dict[str, str]]) -> None:
    refuse(rig, "the skill is disabled; enable it in the Alexa app", 1)
    assert look() == {}  # it may just be being linked again
    refuse(rig, "the skill is disabled; enable it in the Alexa app", 2)
    assert "the skill is disabled; enable it" in look()[GRANT]
    assert rig.publisher is not None
    rig.publisher.halt = None
    assert look() == {}
    assert board.said.count(["raise", GRANT]) == 1


def test_nobody_is_told_of_a_network_that_is_down(rig: Rig, look: Callable[[], dict[str, str]]) -> None:
    refuse(rig, "cannot be reached", 0)
    assert look() == {}


def test_what_the_process_before_has_raised_stays_until_it_is_over(
    rig: Rig, board: Board, look: Callable[[], dict[str, str]]
) -> None:
    board._file.write_text(json.dumps({GRANT: "of the process before"}))
    assert look() == {GRANT: "of the process before"}
    rig.motion("DETECTED")
    rig.wait_empty()
    assert look() == {}


def test_messages_that_are_parked(rig: Rig, look: Callable[[], dict[str, str]]) -> None:
    rig.gateway.fail(amazon.INVALID_REQUEST)
    rig.motion("DETECTED")
    rig.wait(lambda: rig.outbox.queue.listed(parked=True))
    text = look()[PARKED]
    assert "1 messages" in text
    assert "ChangeReport of a" in text
    assert "alexa-ip-cam-events list" in text
    rig.outbox.queue.drop([one.id for one in rig.outbox.queue.listed(parked=True)])
    assert look() == {}


def test_a_program_that_fails_is_tried_again(
    rig: Rig, board: Board, look: Callable[[], dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    board.broken.touch()
    refuse(rig, "the skill is disabled", 2)
    assert look() == look() == {}
    assert caplog.text.count("alarms cannot be raised") == 1
    assert "the board is gone" in caplog.text
    board.broken.unlink()
    assert GRANT in look()


def test_a_program_that_hangs_holds_nothing_up(rig: Rig, board: Board) -> None:
    board.program.write_text("#!/bin/sh\nexec sleep 5\n")
    alarms = Alarms(rig.tokens, rig.start(), rig.outbox.queue)
    began = time.monotonic()
    for _ in range(5):
        alarms.look(board.program)
    assert time.monotonic() - began < 2


def test_tokens_say_what_is_wrong_and_remember(rig: Rig, lwa: Lwa) -> None:
    assert rig.tokens.access()
    assert rig.tokens.trouble is None
    lwa.revoke("family")
    assert rig.tokens.refused(rig.tokens.access().token)
    with pytest.raises(NoTokenError):
        rig.tokens.access()
    assert "link the skill again" in str(rig.tokens.trouble)


def test_the_real_service_raises_and_clears(service: EventsService, lwa: Lwa, board: Board) -> None:
    """The grant is ended at Amazon; then the family links the skill again."""
    service.document["alarm_program"] = str(board.program)
    service.write_config()
    lwa.revoke("a family")
    service.start()
    service.record("front-porch", datetime.now(UTC) - timedelta(seconds=10))
    service.wait_until(lambda: GRANT in board.raised)
    assert "link the skill again in the Alexa app" in board.raised[GRANT]
    link(service, lwa)
    service.wait_until(lambda: GRANT not in board.raised)
    assert service.stop() == 0
