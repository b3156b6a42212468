"""Change one place of somebody else's text, and only when it is exactly as expected."""

from __future__ import annotations

import re


class MisfitError(Exception):
    """The text does not have exactly one place that fits; the message gives the count."""


def checked_edit(text: str, pattern: str, replacement: str) -> str:
    """``text`` with the one match of ``pattern`` replaced.

    Args:
        text: the whole file.
        pattern: a regular expression; ``^`` and ``$`` match at line ends.
        replacement: may refer to groups as ``\\g<1>``.

    Raises:
        MisfitError: the pattern matches not at all or more than once.
    """
    compiled = re.compile(pattern, re.MULTILINE)
    matches = len(compiled.findall(text))
    if matches != 1:
        raise MisfitError(f"expected exactly one place that matches {pattern!r}, found {matches}")
    return compiled.sub(replacement, text)
