"""What a player made of a stream, from its outputs."""

from __future__ import annotations

import pytest

from benchmarks.players import Played, look
from world import sei

START = b"\x00\x00\x00\x01"
JOINED = 1000.0


def stream(numbers: list[int]) -> bytearray:
    """One slice for each picture, thirty a second, number 0 captured at the join."""
    nals = [nal for n in numbers for nal in (sei.build(n, round((JOINED + n / 30) * 1e9)), b"\x41\x80\x01")]
    return bytearray(b"".join(START + nal for nal in nals))


def played(numbers: list[int], late: float) -> Played:
    """Every picture decoded ``late`` seconds after its capture."""
    decoded = [JOINED + n / 30 + late for n in numbers]
    return Played(stream(numbers), decoded, JOINED, ended=JOINED + 3)


def test_a_good_run() -> None:
    seen = look(played(list(range(90)), 0.1))
    assert (seen.pictures, seen.missing, seen.undecoded) == (90, 0, 0)
    assert seen.behind_s == pytest.approx(0.1)
    assert seen.first_s == pytest.approx(0.1)


def test_a_gap_is_counted_in_pictures() -> None:
    assert look(played([*range(30), *range(33, 90)], 0.1)).missing == 3


def test_pictures_that_were_never_decoded_are_counted_but_the_last_ones() -> None:
    run = played(list(range(90)), 0.1)
    del run.decoded[60:]
    assert look(run).undecoded == 15


def test_the_slow_start_is_not_held_against_it() -> None:
    run = played(list(range(90)), 0.1)
    run.decoded[:20] = [JOINED + 0.9] * 20
    assert look(run).behind_s == pytest.approx(0.1)


def test_nothing_decoded_tells_why() -> None:
    with pytest.raises(LookupError, match="no such element"):
        look(Played(stream([0]), [], JOINED, JOINED + 3, "no such element"))
