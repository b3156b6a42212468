"""Tells a certbot before 4.1 when to renew: it counts 30 days back from the end, which fits only 90 days.

4.0, which Debian 13 has, knows shares of a life, but its default of 30 days wins over them.
"""

import os
import re
from importlib import metadata

from alexa_ip_cam.proof.lifetime import Lifetime

_FIRST_TO_KNOW = (4, 1)
_LINE = re.compile(r"^\s*#?\s*renew_before_expiry\s*=.*\n?", re.MULTILINE)


FROM_PIP = "ALEXA_IP_CAM_CERTBOT_FROM_PIP"
"""Set for certbot.service by the role certbot when not Debian's certbot renews, but one from pip, which is newer."""


def needs_help() -> bool:
    """Whether the certbot that renews reckons in days."""
    if os.environ.get(FROM_PIP):
        return False
    try:
        major, minor = metadata.version("certbot").split(".")[:2]
        return (int(major), int(minor)) < _FIRST_TO_KNOW
    except metadata.PackageNotFoundError:
        return False


def planned(renewal_conf: str, lifetime: Lifetime, *, help_certbot: bool) -> str:
    """A renewal configuration with the right time in it, or without one when certbot finds it by itself.

    The setting stands before the first section; certbot keeps it at each renewal.
    """
    rest = _LINE.sub("", renewal_conf)
    return f"renew_before_expiry = {lifetime.renew_hours_before_end} hours\n{rest}" if help_certbot else rest
