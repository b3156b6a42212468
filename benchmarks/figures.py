"""Measured figures beside their targets."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Sequence
from typing import Any

_COMPARE = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclasses.dataclass
class Figures:
    """``figures`` by name, and ``targets`` by the same names as text like ``<= 60``."""

    figures: dict[str, float] = dataclasses.field(default_factory=dict)
    targets: dict[str, str] = dataclasses.field(default_factory=dict)

    def add(self, name: str, value: float, target: str | None = None) -> None:
        """Take one figure down, rounded to what a person reads."""
        self.figures[name] = round(value, 3)
        if target is not None:
            self.targets[name] = target

    def missed(self) -> list[str]:
        """Names of the figures that do not keep their target."""
        names = []
        for name, target in self.targets.items():
            sign, bound = target.split()
            if not _COMPARE[sign](self.figures[name], float(bound)):
                names.append(name)
        return names

    def as_dict(self) -> dict[str, Any]:
        """What goes into the JSON file."""
        return {"figures": self.figures, "targets": self.targets}

    def table(self) -> str:
        """For a terminal: name, figure, target, and a word where it was missed."""
        width = max(map(len, self.figures), default=0)
        missed = set(self.missed())
        rows = []
        for name, value in self.figures.items():
            target = self.targets.get(name, "")
            rows.append(f"  {name:<{width}}  {value:>12g}  {target:<10} {'MISSED' if name in missed else ''}".rstrip())
        return "\n".join(rows)
