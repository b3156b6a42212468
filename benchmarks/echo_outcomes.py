"""Variants of the modelled player, and figures from what it says about many sessions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from simulators.echo.player import Mode, Outcome, Parameters, variants

# What AOSP 7.1.2's player does with a decoder of middling speed; the targets are for these two.
STOCK = {
    "7.1 stock": Parameters(),
    "7.1 stock no gate": replace(Parameters(), idr_gate=False),
}
# The player needs the whole of its first picture and half a decoder's start before it settles.
SETTLED_S = 3.0


def families() -> dict[str, dict[str, Parameters]]:
    """Every variant by family: ``7_1`` (with the stock ones), ``fast_poll`` and ``5_1``."""
    found: dict[str, dict[str, Parameters]] = {"7_1": dict(STOCK), "fast_poll": {}, "5_1": {}}
    for name, parameters in variants():
        if parameters.mode is Mode.ANDROID_5:
            family = "5_1"
        else:
            family = "7_1" if parameters.poll_s == Parameters().poll_s else "fast_poll"
        found[family][name] = parameters
    return found


def first_pictures(outcomes: Iterable[Outcome], *, never_s: float) -> list[float]:
    """Seconds from PLAY to the first picture; ``never_s`` where there was none."""
    return [never_s if one.first_picture_s is None else one.first_picture_s for one in outcomes]


def delays(outcomes: Iterable[Outcome], since_s: float = SETTLED_S, until_s: float = float("inf")) -> list[float]:
    """For each outcome, the median delay behind live of what it showed within these seconds after PLAY, if any."""
    found = []
    for one in outcomes:
        chosen = sorted(delay for at, delay in one.delays if since_s <= at < until_s)
        if chosen:
            found.append(chosen[len(chosen) // 2])
    return found


def rebuffers(outcomes: Iterable[Outcome]) -> int:
    """How often the family saw "Buffering"."""
    return sum(len(one.rebuffers) for one in outcomes)


def lost(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Pictures that were not shown, by reason."""
    return {
        "late": sum(one.late for one in outcomes),
        "discarded": sum(one.discarded for one in outcomes),
        "dropped_early": sum(one.dropped_early for one in outcomes),
        "damaged": sum(one.damaged for one in outcomes),
    }


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How the second value changes per unit of the first: the least-squares line through ``points``.

    Raises ValueError for fewer than two different first values.
    """
    mean_x = sum(x for x, _ in points) / len(points) if points else 0.0
    mean_y = sum(y for _, y in points) / len(points) if points else 0.0
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if spread == 0:
        raise ValueError("a line needs two points")
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
