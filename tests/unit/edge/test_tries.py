"""After tries that failed the ACME server is asked again later and later, within its limits."""

from __future__ import annotations

import pytest
from ansible.module_utils.appliance.tries import KEPT, Try, from_state, to_state, wait_until

HOUR, DAY = 3600.0, 86400.0
NOW = 1_000_000.0


def failed(*ago: float, inputs: str = "a", issued: bool = False) -> list[Try]:
    return [Try(NOW - seconds, inputs, "no", issued=issued) for seconds in sorted(ago, reverse=True)]


@pytest.mark.parametrize(
    ("tries", "wait"),
    [
        ([], 0),
        (failed(0), 60),
        (failed(61), 0),
        (failed(0, 100), 600),
        (failed(0, 700, 900), 6000),
        (failed(0, 700, 900, 7000), DAY),
        (failed(0, *(DAY * n for n in range(1, 6))), DAY),
        (failed(0, 8 * DAY), 60),
        (failed(0, issued=True), DAY),
        (failed(0, inputs="b"), 0),
        (failed(0, 10, 20, inputs="b"), 0),
        (failed(0, 10, 20, 30, inputs="b"), HOUR - 30),
        (failed(-5 * DAY), 0),
    ],
)
def test_how_long_to_wait(tries: list[Try], wait: float) -> None:
    assert wait_until(tries, "a", NOW) == pytest.approx(NOW + wait if wait else NOW, abs=1.5)
    assert (wait_until(tries, "a", NOW) > NOW) == (wait > 0)


def test_somebody_who_runs_it_every_minute_keeps_the_limits() -> None:
    """Five failures for each name and hour, five certificates for the same names a week."""
    for issued, most in ((False, 4), (True, 1)):
        tries: list[Try] = []
        for minute in range(7 * 24 * 60):
            now = NOW + 60.0 * minute
            if wait_until(tries, "a", now) <= now:
                tries.append(Try(now, "a", "no", issued=issued))
        hours = [sum(1 for each in tries if each.at // HOUR == hour) for hour in {each.at // HOUR for each in tries}]
        assert max(hours) <= most
        assert len(tries) <= 11


def test_somebody_who_changes_something_each_minute_keeps_them_too() -> None:
    tries: list[Try] = []
    for minute in range(24 * 60):
        now = NOW + 60.0 * minute
        if wait_until(tries, str(minute), now) <= now:
            tries.append(Try(now, str(minute), "no", issued=False))
    for each in tries:
        assert sum(1 for other in tries if 0 <= other.at - each.at < HOUR) <= 4


def test_they_are_kept_and_read_again() -> None:
    tries = failed(*range(50))
    assert from_state({"tries": to_state(tries)}) == tries[-KEPT:]
    assert from_state({"tries": [{"at": "x"}, 3, {}]}) == []
    assert from_state({}) == []
