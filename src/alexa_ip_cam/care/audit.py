"""The camera audit, which the role installs beside this package: the folder `camera_audit` of the project's modules."""

import importlib
from collections.abc import Mapping
from typing import Any, Protocol, cast

SECONDS = 14.0
"""How long a camera is looked at, at most: two keyframes end it, and those of one that just passes are 6 s apart."""


class Finding(Protocol):
    """One thing that was looked at."""

    @property
    def level(self) -> str:
        """Good, works or fails."""

    @property
    def key(self) -> str:
        """A short word for what was looked at."""

    @property
    def text(self) -> str:
        """What was found."""

    @property
    def mend(self) -> str:
        """What to do; empty when it is good."""


class Audit(Protocol):
    """Looks at what comes from a URL, and judges it by what the inventory says of the camera."""

    def __call__(
        self, url: str, username: str, password: str, camera: Mapping[str, Any], *, transport: str = "tcp"
    ) -> list[Finding]:
        """The findings. Raises OSError only for a fault of this machine."""


def audit(
    url: str, username: str, password: str, camera: Mapping[str, Any], *, transport: str = "tcp"
) -> list[Finding]:
    """By the real audit."""
    # Not known where this package is typed or tested: on the appliance it lies beside it.
    package = importlib.import_module("camera_audit")
    observed = package.probe(url, username, password, seconds=SECONDS, transport=transport)
    return cast(list[Finding], package.judge(observed, camera))
