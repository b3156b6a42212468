"""Fixtures: a certificate chain, made once."""

import pytest

from unit.echo.chain import Chain, make_chain


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """A chain for ``cams.example.com``."""
    return make_chain(tmp_path_factory.mktemp("chain"))
