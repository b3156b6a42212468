"""certbot's hook for names whose `_acme-challenge` is a CNAME: has a DNS plugin write where the CNAME leads.

certbot's plugins follow no CNAME. This one asks the plugin that is installed for the other zone to write there, by the
functions that certbot's documentation has plugins provide.

    auth       write the challenge of $CERTBOT_DOMAIN, $CERTBOT_VALIDATION
    cleanup    take it away
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SETTINGS = Path(__file__).with_name("delegated.json")


class Config(SimpleNamespace):
    """The plugin's options; those that nobody set are None."""

    def __getattr__(self, name: str) -> None:
        """Return None."""


def plugin(settings: dict[str, Any]) -> Any:
    """Load the plugin with its credentials; raises LookupError when it is not installed."""
    name = f"dns-{settings['plugin']}"
    found = [point for point in metadata.entry_points(group="certbot.plugins") if point.name == name]
    if not found:
        raise LookupError(f"certbot's plugin {name} is not installed: run site.yml with --tags certbot")
    prefix = name.replace("-", "_")
    config = Config()
    setattr(config, f"{prefix}_propagation_seconds", settings["propagation_seconds"])
    if settings["credentials"]:
        setattr(config, f"{prefix}_credentials", settings["credentials"])
    loaded = found[0].load()(config, name)
    loaded._setup_credentials()
    return loaded


def main(action: str) -> None:
    """Do what certbot asks for."""
    settings = json.loads(SETTINGS.read_text())
    domain, validation = os.environ["CERTBOT_DOMAIN"].removeprefix("*.").lower(), os.environ["CERTBOT_VALIDATION"]
    target = settings["delegations"].get(domain, f"_acme-challenge.{domain}")
    authenticator = plugin(settings)
    if action == "cleanup":
        authenticator._cleanup(target, target, validation)
        return
    authenticator._perform(target, target, validation)
    if os.environ.get("CERTBOT_REMAINING_CHALLENGES", "0") == "0":
        time.sleep(settings["propagation_seconds"])


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as error:  # noqa: BLE001 - certbot shows what is printed here, and a trace says no more
        sys.exit(f"the challenge could not be written where the CNAME leads: {error}")
