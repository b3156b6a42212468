"""The skill is linked while the service runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from alexa_ip_cam.events.service import Service
from alexa_ip_cam.events.tokens import NoTokenError


class Tokens:
    """As the service sees them: `after` is whether there is a grant once the store has been asked."""

    def __init__(self, *, before: bool, after: bool) -> None:
        self.linked = before
        self._after = after

    def access(self) -> None:
        self.linked = self._after
        if not self.linked:
            raise NoTokenError("not linked", relink=True)


@pytest.mark.parametrize(("before", "after", "looks"), [(False, True, 1), (True, True, 0), (False, False, 0)])
def test_what_waits_is_told_as_soon_as_there_is_a_grant(before: bool, after: bool, looks: int) -> None:
    looked: list[str] = []
    publisher = SimpleNamespace(look_again=lambda: looked.append("again"))
    service = SimpleNamespace(_tokens=Tokens(before=before, after=after), _publisher=publisher)
    Service._keep_token(cast(Any, service))
    assert len(looked) == looks
