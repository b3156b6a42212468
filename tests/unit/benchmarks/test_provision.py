"""Where the time of a run goes."""

from __future__ import annotations

from benchmarks.provision import by_role, slowest

TASKS = [("Gathering Facts", 1.0), ("gateway : Install", 2.0), ("events : Install", 1.5), ("gateway : Install", 0.5)]


def test_seconds_are_summed_by_role() -> None:
    assert by_role(TASKS) == [("gateway", 2.5), ("events", 1.5), ("Ansible", 1.0)]


def test_the_slowest_come_first_and_one_name_counts_once() -> None:
    assert slowest(TASKS, 2) == [("gateway : Install", 2.5), ("events : Install", 1.5)]
