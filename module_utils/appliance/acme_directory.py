"""Which profiles an ACME server offers: `meta.profiles` of its directory (draft-ietf-acme-profiles, section 3)."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request

_SECONDS = 30.0
_MOST_BYTES = 1 << 20


def profiles(server: str, ca_bundle: str) -> list[str]:
    """Names of the profiles that the ACME server offers, sorted; empty for a server that knows none.

    `server` is the https:// URL of its directory; `ca_bundle` a file with the authorities to trust, or empty for the
    machine's. Raises OSError when it cannot be reached, ValueError when what it sends is no directory.
    """
    context = ssl.create_default_context(cafile=ca_bundle or None)
    try:
        with urllib.request.urlopen(server, timeout=_SECONDS, context=context) as answer:  # noqa: S310 - https only
            return parsed(answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            raise OSError(f"{server} answered {error.code} {error.reason}") from None


def parsed(directory: bytes) -> list[str]:
    """The names in a directory; raises ValueError when it is none."""
    found = json.loads(directory)
    meta = found.get("meta", {}) if isinstance(found, dict) else None
    offered = meta.get("profiles", {}) if isinstance(meta, dict) else None
    if not isinstance(offered, dict):
        raise ValueError("the ACME server's directory is not as RFC 8555 has it")
    return sorted(offered)
