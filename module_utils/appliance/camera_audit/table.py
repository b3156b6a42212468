"""Findings of all cameras as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .judging import Finding


def lines(found: Mapping[str, Sequence[Finding]], *, whole: bool) -> list[str]:
    """One line for each finding; without ``whole`` all that is good about a camera shares one."""
    rows = [row for camera, findings in found.items() for row in _rows(camera, findings, whole=whole)]
    wide = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return [
        f"{camera:{wide[0]}}  {level:{wide[1]}}  {key:{wide[2]}}  {text}".rstrip() for camera, level, key, text in rows
    ]


def _rows(camera: str, findings: Sequence[Finding], *, whole: bool) -> list[tuple[str, str, str, str]]:
    rows = [
        (camera, one.level, one.key, f"{one.text} -> {one.mend}" if one.mend else one.text)
        for one in findings
        if whole or one.level != "good"
    ]
    good = [one.text for one in findings if one.level == "good"]
    if good and not whole:
        rows.insert(0, (camera, "good", "-", ", ".join(good)))
    return rows
