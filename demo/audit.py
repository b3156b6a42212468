"""What preflight told of the cameras, read from the run as its owner reads it."""

from __future__ import annotations

import re

_LINE = re.compile(
    r"^\s+(?P<camera>[a-z0-9-]+) +(?P<level>good|works|fails) +(?P<key>\S+) +(?P<text>.+)$", re.MULTILINE
)


def audit_lines(output: str) -> list[dict[str, str]]:
    """The lines of the audit's table in the output of a run."""
    return [match.groupdict() for match in _LINE.finditer(output)]
