"""Judging kept streams."""

from __future__ import annotations

import subprocess

import pytest

from benchmarks import pictures
from simulators.echo.depacketise import AccessUnit
from world import sei


def unit(number: int | None, *, idr: bool = False, complete: bool = True) -> AccessUnit:
    """A picture of one slice, with the camera's number."""
    mark = () if number is None else (sei.build(number, 1),)
    nals = (*mark, b"\x65\x80" if idr else b"\x41\x80")
    return AccessUnit(0, 0, nals, complete, 0.0, 0.0, 0.0)


@pytest.fixture(autouse=True)
def decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that is content with everything and shows three pictures."""

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 0, b"#tb 0: 1/30\n0, 0\n0, 1\n0, 2\n", b"")

    monkeypatch.setattr(subprocess, "run", run)


def test_a_cut_to_a_keyframe_is_no_fault() -> None:
    verdict = pictures.judge([unit(1, idr=True), unit(2), unit(9, idr=True)], [])
    assert (verdict.pictures, verdict.broken, verdict.skips, verdict.shown) == (3, [], 1, 3)


@pytest.mark.parametrize(
    "bad",
    [[unit(1)], [unit(1, idr=True), unit(3)], [unit(1, idr=True), unit(2, complete=False)], [unit(None, idr=True)]],
    ids=["no keyframe first", "a gap without keyframe", "a loss", "no number"],
)
def test_what_a_decoder_cannot_use_is_broken(bad: list[AccessUnit]) -> None:
    assert len(pictures.judge(bad, []).broken) == 1
