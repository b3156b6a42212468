"""Figures from what the player's model says."""

from __future__ import annotations

import pytest

from benchmarks.echo_model import starts
from benchmarks.echo_outcomes import STOCK, delays, families, first_pictures, lost, rebuffers, slope
from simulators.echo.player import Mode, Outcome, Rebuffer, variants
from world import PROFILES


def test_every_variant_is_in_one_family() -> None:
    found = families()
    named = [name for family in found.values() for name in family]
    assert sorted(named) == sorted([*dict(variants()), *STOCK])
    assert all(parameters.mode is Mode.ANDROID_5 for parameters in found["5_1"].values())
    assert {parameters.poll_s for parameters in found["fast_poll"].values()} == {0.1}
    assert {parameters.poll_s for parameters in found["7_1"].values()} == {1.0}


def test_a_picture_that_never_came_counts() -> None:
    assert first_pictures([Outcome(first_picture_s=1.3), Outcome()], never_s=20) == [1.3, 20]


def test_delays_are_medians_within_the_window() -> None:
    outcome = Outcome(delays=[(1.0, 9.0), (3.0, 4.0), (4.0, 4.2), (5.0, 4.1), (9.0, 8.0)])
    assert delays([outcome, Outcome()], 3.0, 6.0) == [4.1]


def test_sums_over_outcomes() -> None:
    outcomes = [Outcome(rebuffers=[Rebuffer(5, 1)], late=2, damaged=1), Outcome(discarded=3, dropped_early=4)]
    assert rebuffers(outcomes) == 1
    assert lost(outcomes) == {"late": 2, "discarded": 3, "dropped_early": 4, "damaged": 1}


def test_slope_of_a_line() -> None:
    assert slope([(0, 5.0), (10, 4.75), (20, 4.5)]) == pytest.approx(-0.025)
    with pytest.raises(ValueError, match="two points"):
        slope([(1, 2.0)])


def test_sessions_begin_at_phases_that_are_spread_evenly() -> None:
    profile = PROFILES["front-porch"]
    gop_s = profile.gop / profile.fps
    phases = sorted(moment % gop_s / gop_s for moment in starts("front-porch", 24, 0.0))
    assert phases == pytest.approx([number / 24 for number in range(24)], abs=1e-6)
