"""Units that have to run, with a systemctl played by the test."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible.module_utils.appliance.units_running import Plan, UnitsError, apply, plan


class Systemctl:
    """Knows units by name; keeps what it was told to do, and fails at one verb."""

    def __init__(self, fails_at: str = "", **units: tuple[str, str, str, str]) -> None:
        self.units = {name.replace("_", "."): state for name, state in units.items()}
        self.fails_at = fails_at
        self.done: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> tuple[int, str]:
        verb, *words = command[1:]
        if verb == self.fails_at:
            return 1, "no such luck\n"
        if verb != "show":
            self.done.append([verb, *words])
            return 0, ""
        keys = words[0].removeprefix("--property=").split(",")
        return 0, "\n".join(self._block(keys, name) for name in words[1:])

    def _block(self, keys: list[str], name: str) -> str:
        state = self.units.get(name, ("not-found", "inactive", "", "no"))
        return "".join(f"{key}={value}\n" for key, value in zip(keys, (name, *state), strict=True))


UP = ("loaded", "active", "enabled", "no")


def test_nothing_is_done_to_what_runs() -> None:
    systemctl = Systemctl(a_service=UP, b_timer=("loaded", "activating", "enabled", "no"))
    wanted = plan(["a.service", "b.timer"], systemctl)
    assert not wanted.changed
    apply(wanted, systemctl)
    assert systemctl.done == []


def test_each_is_enabled_and_started_as_it_needs() -> None:
    systemctl = Systemctl(
        a_service=("loaded", "failed", "enabled", "no"),
        b_timer=("loaded", "active", "disabled", "yes"),
        c_path=("loaded", "inactive", "disabled", "no"),
    )
    wanted = plan(["a.service", "b.timer", "c.path"], systemctl)
    assert wanted.changed
    apply(wanted, systemctl)
    assert systemctl.done == [
        ["daemon-reload"],
        ["enable", "--quiet", "b.timer", "c.path"],
        ["start", "a.service", "c.path"],
    ]


def test_changed_files_alone_are_read_again_and_are_no_change() -> None:
    systemctl = Systemctl(a_service=("loaded", "active", "enabled", "yes"))
    wanted = plan(["a.service"], systemctl)
    assert not wanted.changed
    apply(wanted, systemctl)
    assert systemctl.done == [["daemon-reload"]]


def test_a_missing_unit_is_a_change_to_come_and_an_error_when_it_is_needed() -> None:
    systemctl = Systemctl(a_service=UP)
    wanted = plan(["a.service", "b.service"], systemctl)
    assert wanted == Plan(("b.service",), (), (), reload=False)
    assert wanted.changed
    with pytest.raises(UnitsError, match=r"systemd knows no b\.service"):
        apply(wanted, systemctl)


@pytest.mark.parametrize(("verb", "says"), [("show", "no such luck"), ("start", "journalctl --unit=a.service")])
def test_what_systemctl_says_is_passed_on(verb: str, says: str) -> None:
    systemctl = Systemctl(fails_at=verb, a_service=("loaded", "inactive", "enabled", "no"))
    with pytest.raises(UnitsError, match=says):
        apply(plan(["a.service"], systemctl), systemctl)
