"""Which profiles an ACME server offers."""

from __future__ import annotations

import pytest
from ansible.module_utils.appliance import acme_directory


def test_profiles_are_named_in_the_directory() -> None:
    directory = (
        b'{"newOrder": "https://x/o", "meta": {"profiles": {"tlsserver": "https://x/p", "classic": "https://x/c"}}}'
    )
    assert acme_directory.parsed(directory) == ["classic", "tlsserver"]


@pytest.mark.parametrize("directory", [b"{}", b'{"meta": {}}', b'{"meta": {"website": "https://x"}}'])
def test_a_server_may_know_none(directory: bytes) -> None:
    assert acme_directory.parsed(directory) == []


@pytest.mark.parametrize("directory", [b"", b"<html>", b"[]", b'{"meta": 1}', b'{"meta": {"profiles": ["a"]}}'])
def test_what_is_no_directory_is_told(directory: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        acme_directory.parsed(directory)


def test_a_server_that_cannot_be_reached_is_told() -> None:
    with pytest.raises(OSError, match="refused"):
        acme_directory.profiles("https://127.0.0.1:1/dir", "")
