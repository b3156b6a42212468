"""Gaps and ages of frames."""

from __future__ import annotations

import pytest

from benchmarks.gaps import Frame, between, first_captured, lag, largest_gap

FRAMES = [Frame(at=10 + number, number=number, captured=9.5 + number) for number in range(5)]


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [(10, 14, 1), (7, 14, 3), (10, 20, 6), (20, 25, 5), (10.2, 10.7, 0.5)],
    ids=["between frames", "before the first", "after the last", "none at all", "none within"],
)
def test_largest_gap_counts_silence_at_both_ends(since: float, until: float, wanted: float) -> None:
    assert largest_gap(FRAMES, since, until) == pytest.approx(wanted)


def test_between_takes_the_beginning_and_leaves_the_end() -> None:
    assert [frame.number for frame in between(FRAMES, 11, 13)] == [1, 2]


def test_what_a_new_viewer_is_started_with_is_no_sign_of_life() -> None:
    history = [Frame(at=20.0, number=1, captured=17.0), Frame(at=20.0, number=2, captured=19.9)]
    live = Frame(at=20.1, number=3, captured=20.05)
    assert first_captured([*history, live], 20.0) == live
    assert first_captured(history, 20.0) is None


def test_lag_is_the_age_on_arrival() -> None:
    frames = [Frame(at=1.0, number=1, captured=0.9), Frame(at=2.0, number=2, captured=0.0)]
    assert lag(frames, 0.5) == pytest.approx(0.1)
    assert lag(frames, 1) == pytest.approx(2.0)
    with pytest.raises(LookupError, match="no frame"):
        lag([], 0.5)
