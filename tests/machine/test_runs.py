"""site.yml on a bare machine: check mode, the first run, and the second that must change nothing."""

from __future__ import annotations

import pytest

from home import Home
from machine.support import Runs

pytestmark = pytest.mark.machine


def test_check_mode_is_clean_on_a_bare_machine(runs: Runs) -> None:
    assert runs.check.failed == 0
    assert runs.check.changed > 0


def test_the_second_run_changes_nothing(runs: Runs) -> None:
    changed = [line for line in runs.second.output.splitlines() if line.startswith("changed:")]
    assert runs.second.changed == 0, changed


def test_no_run_shows_a_secret(home: Home, runs: Runs) -> None:
    """Neither the arguments of tasks nor --diff may print passwords and keys."""
    for recap in (runs.check, runs.first, runs.second):
        shown = [name for name, value in home.inventory.secrets.items() if value in recap.output]
        assert shown == []


def test_no_unit_failed(home: Home) -> None:
    failed = home.appliance.run(["systemctl", "--failed", "--plain", "--no-legend"]).stdout
    assert failed == "", home.appliance.journal()
