"""How long the whole ``site.yml`` takes: on a virgin machine, and again when nothing is to be changed."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.options import option
from home import Home, Recap
from home.cloud import Cloud

_AGAIN = 3
_SLOWEST = 10


def run() -> Figures:
    """Build the appliance and the skill once, and then again until the figures of a second run can be trusted."""
    figures = Figures()
    with (
        tempfile.TemporaryDirectory(prefix="bench-provision-") as folder,
        # A machine that LIVE555 was never built for.
        Home("provision", Path(folder, "home"), builds=Path(folder, "builds")) as home,
        Cloud(home.inventory.directory, host=home.network.host_address) as cloud,
    ):
        cloud.log_in()
        home.inventory.variables.update(cloud.inventory_variables())
        first, first_cpu_s = _site(home, cloud)
        again = [_site(home, cloud) for _ in range(int(option("BENCH_AGAIN", _AGAIN)))]
    _add(figures, "virgin", first, first_cpu_s, "<= 180")
    again.sort(key=lambda run: run[0].seconds)
    middle, middle_cpu_s = again[len(again) // 2]
    _add(figures, "second", middle, middle_cpu_s, "<= 30")
    figures.add("second_spread_s", again[-1][0].seconds - again[0][0].seconds)
    figures.add("second_changed", sum(recap.changed for recap, _ in again), "== 0")
    return figures


def _site(home: Home, cloud: Cloud) -> tuple[Recap, float]:
    """One run, and the processor seconds that Ansible took for it on the controller."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    recap = home.site(environment=cloud.environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return recap, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _add(figures: Figures, name: str, recap: Recap, cpu_s: float, target: str) -> None:
    figures.add(f"{name}_s", recap.seconds, target)
    figures.add(f"{name}_controller_cpu_s", cpu_s)
    figures.add(f"{name}_tasks", len(recap.tasks))
    for role, seconds in by_role(recap.tasks):
        figures.add(f"{name}_s in {role}", seconds)
    for task, seconds in slowest(recap.tasks, _SLOWEST):
        figures.add(f"{name}_s of {task}", seconds)


def by_role(tasks: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Seconds of each role's tasks together, most first; those of none are Ansible's own."""
    sums: dict[str, float] = {}
    for name, seconds in tasks:
        role = name.partition(" : ")[0] if " : " in name else "Ansible"
        sums[role] = sums.get(role, 0.0) + seconds
    return sorted(sums.items(), key=lambda pair: -pair[1])


def slowest(tasks: Sequence[tuple[str, float]], number: int) -> list[tuple[str, float]]:
    """The ``number`` tasks that took most; those of one name count together."""
    sums: dict[str, float] = {}
    for name, seconds in tasks:
        sums[name] = sums.get(name, 0.0) + seconds
    return sorted(sums.items(), key=lambda pair: -pair[1])[:number]
