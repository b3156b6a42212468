"""A way and its steps: they are gone one by one, and the first that is broken is the last that is tried. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from alexa_ip_cam.care.faults import FAULTS

State = Literal["good", "failed", "untried"]


class Outcome(NamedTuple):
    """What a step found. `key` names the fault (`faults.FAULTS`), and is empty when all is well."""

    text: str
    key: str = ""
    mend: str = ""


def good(text: str) -> Outcome:
    """The step holds."""
    return Outcome(text)


def broken(key: str, **known: object) -> Outcome:
    """The step does not hold; `known` fills the blanks of the fault's texts."""
    fault = FAULTS[key]
    return Outcome(fault.text.format(**known), key, fault.mend.format(**known))


class Step(NamedTuple):
    """One link of a way: a word for it, and what finds out whether it holds."""

    word: str
    find: Callable[[], Outcome]


@dataclass(frozen=True)
class Way:
    """A way that was gone: of a `picture`, `event`, `certificate` or `skill`; subject is a camera's id, or empty."""

    way: str
    subject: str
    found: Sequence[tuple[str, Outcome | None]] = field(default=())

    @property
    def fault(self) -> Outcome | None:
        """The broken link, if any."""
        return next((outcome for _, outcome in self.found if outcome is not None and outcome.key), None)

    def document(self) -> dict[str, Any]:
        """The way as `check.json` has it."""
        return {"way": self.way, "subject": self.subject, "steps": [_step(*one) for one in self.found]}


def go(way: str, subject: str, steps: Sequence[Step]) -> Way:
    """Go a way as far as it leads. A step that cannot even find out counts as broken."""
    found: list[tuple[str, Outcome | None]] = []
    stopped = False
    for step in steps:
        outcome = None if stopped else _found(step)
        stopped = stopped or (outcome is not None and bool(outcome.key))
        found.append((step.word, outcome))
    return Way(way, subject, found)


def _found(step: Step) -> Outcome:
    try:
        return step.find()
    except (OSError, ValueError) as error:
        return broken("not-checked", what=str(error) or type(error).__name__)


def _step(word: str, outcome: Outcome | None) -> dict[str, str]:
    if outcome is None:
        return {"step": word, "state": "untried", "text": "", "mend": "", "key": ""}
    state: State = "failed" if outcome.key else "good"
    return {"step": word, "state": state, "text": outcome.text, "mend": outcome.mend, "key": outcome.key}
