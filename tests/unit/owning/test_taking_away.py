"""What is taken away, and what is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible.module_utils.appliance import taking_away


class Systemd:
    """Knows some units; remembers what it was told."""

    def __init__(self, listed: str = "", refuses: str = "") -> None:
        self.listed = listed
        self.refuses = refuses
        self.calls: list[list[str]] = []

    def __call__(self, argv: Sequence[str]) -> tuple[int, str]:
        if argv[1] == "list-units":
            return 0, self.listed
        self.calls.append(list(argv[1:]))
        return (1, "no\n") if argv[1] == self.refuses else (0, "")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    units = tmp_path / "etc/systemd/system"
    (units / "multi-user.target.wants").mkdir(parents=True)
    for name in ("live555@.service", "ours.service", "other.service"):
        (units / name).write_text("[Service]\n")
    (units / "multi-user.target.wants/live555@porch.service").symlink_to("/etc/systemd/system/live555@.service")
    (units / "multi-user.target.wants/other.service").symlink_to("/etc/systemd/system/other.service")
    for name in ("etc/ours/a.conf", "etc/ours/deep/b.conf", "etc/shared/ours", "etc/shared/theirs", "etc/both/ours"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def names(paths: Sequence[Path], root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in paths]


def test_units_that_run_or_would_start_are_stopped_with_their_instances(root: Path) -> None:
    listed = (
        "live555@porch.service loaded active running LIVE555\n"
        "live555@garage.service loaded activating auto-restart LIVE555\n"
        "live555@old.service loaded failed failed LIVE555\n"
        "ours.service not-found active running gone\n"
    )
    systemd = Systemd(listed)
    wanted = taking_away.plan(["live555@*.service", "ours.service"], [], [], systemd, root)
    assert wanted.units == ("live555@garage.service", "live555@porch.service")
    assert names(wanted.paths, root) == ["etc/systemd/system/live555@.service", "etc/systemd/system/ours.service"]


def test_a_second_run_finds_nothing(root: Path) -> None:
    systemd = Systemd()
    arguments = (["ours.service"], ["/etc/ours", "/etc/nothing"], ["/etc/both"])
    first = taking_away.plan(*arguments, systemd, root)
    assert first.changed
    taking_away.apply(first, systemd, root)
    assert not taking_away.plan(*arguments, systemd, root).changed
    assert (root / "etc/systemd/system/other.service").exists()
    assert systemd.calls == [["daemon-reload"]]


def test_a_directory_goes_only_when_nothing_else_is_in_it(root: Path) -> None:
    paths = ["/etc/shared/ours", "/etc/both/ours"]
    wanted = taking_away.plan([], paths, ["/etc/shared", "/etc/both"], Systemd(), root)
    assert names(wanted.paths, root) == ["etc/shared/ours", "etc/both/ours", "etc/both"]
    taking_away.apply(wanted, Systemd(), root)
    assert (root / "etc/shared/theirs").read_text()
    assert not (root / "etc/both").exists()


def test_what_a_link_leads_to_stays(root: Path) -> None:
    link = root / "etc/link"
    link.symlink_to(root / "etc/shared", target_is_directory=True)
    taking_away.apply(taking_away.plan([], ["/etc/link"], [], Systemd(), root), Systemd(), root)
    assert not link.is_symlink()
    assert (root / "etc/shared/theirs").exists()
    dangling = root / "etc/dangling"
    dangling.symlink_to(root / "nowhere")
    assert taking_away.plan([], ["/etc/dangling"], [], Systemd(), root).paths == (dangling,)


@pytest.mark.parametrize("verb", ["stop", "disable"])
def test_nothing_is_removed_under_a_unit_that_goes_on(root: Path, verb: str) -> None:
    systemd = Systemd("ours.service loaded active running Ours\n", refuses=verb)
    wanted = taking_away.plan(["ours.service"], ["/etc/ours"], [], systemd, root)
    with pytest.raises(taking_away.TakingAwayError, match=f"systemctl {verb} ours.service failed: no"):
        taking_away.apply(wanted, systemd, root)
    assert (root / "etc/ours/a.conf").exists()
    assert (root / "etc/systemd/system/ours.service").exists()
