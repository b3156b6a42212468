"""The authority that the tests of the edge use, too."""

from __future__ import annotations

import pytest

from unit.edge.conftest import Authority


@pytest.fixture(scope="session")
def authority() -> Authority:
    """An authority with the root that Echo devices trust."""
    return Authority("ISRG Root X1")
