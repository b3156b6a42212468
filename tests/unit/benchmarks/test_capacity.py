"""When pictures suffer."""

from __future__ import annotations

import pytest

from benchmarks.capacity import suffering
from benchmarks.gaps import Frame


def frames(*, late: float = 0.05, missing: range = range(0)) -> list[Frame]:
    """Thirty a second for five seconds."""
    return [Frame(n / 30 + late, n, n / 30) for n in range(150) if n not in missing]


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (frames(), ""),
        (frames(missing=range(60, 100)), "stood still for 1.4 s"),
        (frames(late=1.2)[:112], "came 1.2 s late"),
        (frames(missing=range(150)), "stood still for 5.0 s"),
    ],
    ids=["well", "gap", "late", "nothing"],
)
def test_the_viewer_who_fares_worst_decides(seen: list[Frame], wanted: str) -> None:
    since = 1.0 if wanted.startswith("came") else 0.0
    found = suffering([frames(), seen], since, 5.0)
    assert wanted in found
    assert bool(found) == bool(wanted)
