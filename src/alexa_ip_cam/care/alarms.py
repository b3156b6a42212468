"""Which alarms the self-check raises and clears: what is broken twice in a row, so that a restart is none. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from alexa_ip_cam.care.steps import Way

RAISE_AT = 2


class Decision(NamedTuple):
    """`counts`: how often each alarm's way was broken in a row, for the next check; texts to raise; keys to clear."""

    counts: dict[str, int]
    raised: dict[str, str]
    cleared: list[str]


def decide(before: Mapping[str, int], ways: Sequence[Way]) -> Decision:
    """Compare a check with the one before. What is broken for all cameras in the same way is one alarm."""
    texts = _texts(ways)
    counts = {key: before.get(key, 0) + 1 for key in texts}
    raised = {key: text for key, text in texts.items() if counts[key] >= RAISE_AT}
    known = {*before, *(_key(way.way, way.subject) for way in ways), *(_key(way.way, "") for way in ways)}
    return Decision(counts, raised, sorted(known - set(counts)))


def _texts(ways: Sequence[Way]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in dict.fromkeys(way.way for way in ways):
        faults = {way.subject: fault for way in ways if way.way == name and (fault := way.fault) is not None}
        shared = {f"{fault.text}. {fault.mend}" for fault in faults.values()}
        all_of_several = len(faults) == sum(way.way == name for way in ways) > 1
        if all_of_several and len(shared) == 1:
            found[_key(name, "")] = f"{_WAYS[name]}: {shared.pop()}"
        else:
            for subject, fault in faults.items():
                about = f" of {subject}" if subject else ""
                found[_key(name, subject)] = f"{_WAYS[name]}{about}: {fault.text}. {fault.mend}"
    return found


_WAYS = {
    "picture": "the way of the picture",
    "event": "the way of the events",
    "certificate": "the way of the certificate",
    "skill": "the way of the skill",
}


def _key(way: str, subject: str) -> str:
    return f"check-{way}-{subject}" if subject else f"check-{way}"
