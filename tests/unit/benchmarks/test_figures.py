"""Figures and their targets."""

from __future__ import annotations

import pytest

from benchmarks.figures import Figures, percentile


@pytest.mark.parametrize(("share", "wanted"), [(0.5, 5), (0.95, 10), (1, 10), (0.01, 1), (0, 1)])
def test_percentile_is_the_nearest_rank(share: float, wanted: float) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], share) == wanted


def test_a_missed_target_is_named_and_marked() -> None:
    figures = Figures()
    figures.add("gateway_p50_ms", 61, "<= 60")
    figures.add("ratio_cold", 20, ">= 20")
    figures.add("frames", 7)
    assert figures.missed() == ["gateway_p50_ms"]
    assert next(line for line in figures.table().splitlines() if "MISSED" in line).split()[0] == "gateway_p50_ms"
    assert figures.as_dict() == {
        "figures": {"gateway_p50_ms": 61, "ratio_cold": 20, "frames": 7},
        "targets": {"gateway_p50_ms": "<= 60", "ratio_cold": ">= 20"},
    }
