"""The XML files that an Axis camera writes beside its recordings (AXIS OS, edge storage)."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

_LONGEST = 262_144  # bytes; the largest seen has a few thousand
# Neither is of any use to a camera, and both are ways to make a parser work for hours.
_DECLARES = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


class RecordingXml(NamedTuple):
    """What `recording.xml` says; None for what it does not."""

    start: datetime | None
    stop: datetime | None
    source: str | None
    trigger: str | None
    trigger_type: str | None


class BlockXml(NamedTuple):
    """What the file beside a block says."""

    start: datetime | None
    stop: datetime | None
    status: str | None


def read_recording(path: Path) -> RecordingXml | None:
    """Read a recording's own file; None when it is missing, or half written."""
    root = _root(path, "Recording")
    if root is None:
        return None
    attributes = root.find("CustomAttributes")
    return RecordingXml(
        _time(root, "StartTime"),
        _time(root, "StopTime"),
        root.findtext("SourceToken"),
        _text(attributes, "TriggerName"),
        _text(attributes, "TriggerType"),
    )


def read_block(path: Path) -> BlockXml | None:
    """Read the file of a block; None when it is missing, or half written."""
    root = _root(path, "RecordingBlock")
    if root is None:
        return None
    return BlockXml(_time(root, "StartTime"), _time(root, "StopTime"), _text(root, "Status"))


def parse_time(text: object) -> datetime | None:
    """A time as cameras write it, ``2018-09-02T12:21:37.154103Z``; None for anything else."""
    try:
        moment = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _root(path: Path, name: str) -> ElementTree.Element | None:
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST)
    except OSError:
        return None
    if _DECLARES.search(data):
        return None
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - no declarations, and bounded
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    return root if root.tag == name else None


def _text(parent: ElementTree.Element | None, name: str) -> str | None:
    text = parent.findtext(name) if parent is not None else None
    return text.strip() if text else None


def _time(parent: ElementTree.Element, name: str) -> datetime | None:
    return parse_time(parent.findtext(name))
