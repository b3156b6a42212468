"""What is broken twice in a row is an alarm; a restart is none."""

from __future__ import annotations

from alexa_ip_cam.care.alarms import decide
from alexa_ip_cam.care.steps import Outcome, Step, Way, broken, go, good


def way(name: str, subject: str, outcome: Outcome) -> Way:
    return go(name, subject, [Step("step", lambda: outcome)])


WELL = good("fine")
STOPPED = broken("gateway-stopped", state="failed")


def test_the_second_failure_in_a_row_raises_and_the_next_success_clears() -> None:
    first = decide({}, [way("event", "", broken("events-stopped", state="failed"))])
    assert first.raised == {}
    second = decide(first.counts, [way("event", "", broken("events-stopped", state="failed"))])
    assert list(second.raised) == ["check-event"]
    assert "systemctl restart alexa-ip-cam-events" in second.raised["check-event"]
    third = decide(second.counts, [way("event", "", WELL)])
    assert (third.raised, third.cleared, third.counts) == ({}, ["check-event"], {})


def test_a_failure_now_and_then_raises_nothing() -> None:
    counts: dict[str, int] = {}
    for outcome in (STOPPED, WELL, STOPPED, WELL):
        decision = decide(counts, [way("picture", "den", outcome)])
        assert decision.raised == {}
        counts = decision.counts


def test_what_breaks_all_cameras_alike_is_one_alarm() -> None:
    ways = [way("picture", "den", STOPPED), way("picture", "garage", STOPPED)]
    decision = decide(decide({}, ways).counts, ways)
    assert list(decision.raised) == ["check-picture"]
    assert decision.cleared == ["check-picture-den", "check-picture-garage"]


def test_one_camera_of_several_has_its_own() -> None:
    ways = [way("picture", "den", STOPPED), way("picture", "garage", WELL)]
    decision = decide(decide({}, ways).counts, ways)
    assert list(decision.raised) == ["check-picture-den"]
    assert "picture of den" in decision.raised["check-picture-den"]


def test_the_alarm_of_a_camera_that_was_taken_out_is_cleared() -> None:
    assert "check-picture-attic" in decide({"check-picture-attic": 5}, [way("picture", "den", WELL)]).cleared
