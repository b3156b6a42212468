"""The check's result: as the document that other programs read, and in sentences. Pure."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from alexa_ip_cam.care.steps import Way

_WIDTH = 110
_WORDS = {"good": "good", "failed": "BROKEN", "untried": "-"}


def document(ways: Sequence[Way], now: datetime) -> dict[str, Any]:
    """`check.json`, as docs/design.md has it."""
    return {
        "at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "well": all(way.fault is None for way in ways),
        "ways": [way.document() for way in ways],
    }


def for_people(result: Mapping[str, Any]) -> str:
    """The same for a terminal."""
    lines = []
    for way in result["ways"]:
        lines.append(f"{way['way']}{' of ' + way['subject'] if way['subject'] else ''}")
        for step in way["steps"]:
            told = step["text"] or "not tried"
            lines += _wrapped(f"  {_WORDS[step['state']]:7} {step['step']:11}", told)
            if step["mend"]:
                lines += _wrapped(" " * 21, f"What to do: {step['mend']}")
        lines.append("")
    lines.append("all is well" if result["well"] else "docs/troubleshooting.md says more about each of these")
    return "\n".join(lines)


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False
    ) or [head]
