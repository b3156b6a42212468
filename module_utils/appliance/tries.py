"""When an ACME server may be asked again after tries that failed. Pure.

Let's Encrypt allows five failed validations for each name and hour, and five certificates for the same names a week.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MOST_IN_AN_HOUR = 4
KEPT = 20
_HOUR = 3600.0
_DAY = 86400.0
_PAUSES = (60.0, 600.0, 6000.0, _DAY)


@dataclass(frozen=True)
class Try:
    """A try that failed: when (Unix seconds), with which inputs (a digest), why, and whether something was issued."""

    at: float
    inputs: str
    said: str
    issued: bool


def from_state(state: Mapping[str, Any]) -> list[Try]:
    """Read the tries out of a state; what is of another form is left out."""
    found = []
    for entry in state.get("tries", []):
        try:
            found.append(
                Try(float(entry["at"]), str(entry["inputs"]), str(entry["said"]), issued=bool(entry["issued"]))
            )
        except (KeyError, TypeError, ValueError):
            continue
    return found


def to_state(tries: Sequence[Try]) -> list[dict[str, Any]]:
    """The newest tries, for a state."""
    return [asdict(each) for each in tries[-KEPT:]]


def wait_until(tries: Sequence[Try], inputs: str, now: float) -> float:
    """When the next try may be made, in Unix seconds; not after `now` when it may be made now.

    The same inputs wait 1, 10 and 100 minutes and then a day, and always a day when a certificate was issued that had
    to be refused. Other inputs may be tried at once, but never a fifth time within an hour.
    """
    past = [each for each in tries if each.at <= now]  # one of the future is of a clock that was wrong
    at = now
    recent = sorted(each.at for each in past if now - each.at < _HOUR)
    if len(recent) >= MOST_IN_AN_HOUR:
        at = recent[-MOST_IN_AN_HOUR] + _HOUR
    same = [each for each in past if each.inputs == inputs and now - each.at < 7 * _DAY]
    if same:
        pause = _DAY if same[-1].issued else _PAUSES[min(len(same), len(_PAUSES)) - 1]
        at = max(at, same[-1].at + pause)
    return at
