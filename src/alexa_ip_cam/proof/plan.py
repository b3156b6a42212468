"""Tells a certbot before 4.0 when to renew: it counts 30 days back from the end, which fits only 90 days."""

import re
from importlib import metadata

from alexa_ip_cam.proof.lifetime import Lifetime

_LINE = re.compile(r"^\s*#?\s*renew_before_expiry\s*=.*\n?", re.MULTILINE)


def needs_help() -> bool:
    """Whether the certbot of this Python reckons in days; False when there is none, as with one in a venv."""
    try:
        return int(metadata.version("certbot").split(".")[0]) < 4
    except metadata.PackageNotFoundError:
        return False


def planned(renewal_conf: str, lifetime: Lifetime, *, help_certbot: bool) -> str:
    """A renewal configuration with the right time in it, or without one when certbot finds it by itself.

    The setting stands before the first section; certbot keeps it at each renewal.
    """
    rest = _LINE.sub("", renewal_conf)
    return f"renew_before_expiry = {lifetime.renew_hours_before_end} hours\n{rest}" if help_certbot else rest
