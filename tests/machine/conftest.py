"""One whole home, shared by all tests of the running appliance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from home import Home
from machine.support import Runs


@pytest.fixture(scope="session")
def virgin_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home whose appliance is still a bare Debian. Tests take `built`, which builds it."""
    with Home("test", tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="session")
def runs(virgin_home: Home) -> Runs:
    """Check mode on the bare machine, then the real run, then the same again."""
    check = virgin_home.site("--check", "--diff")
    return Runs(check, virgin_home.site("--diff"), virgin_home.site("--diff"))


@pytest.fixture
def home(virgin_home: Home, runs: Runs) -> Home:
    """The home with its appliance built."""
    assert runs.second.failed == 0
    return virgin_home
