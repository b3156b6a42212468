"""How the player builds URLs: by joining strings, not by RFC 3986."""

from urllib.parse import urlsplit

from simulators.echo.fatal import FatalCheck
from simulators.echo.versions import Version

_SCHEME = "rtsp://"


def session_url(uri: str) -> str:
    """The URL the player uses for DESCRIBE, OPTIONS and TEARDOWN: as given, credentials taken out.

    Raises ``ValueError`` when ``uri`` is no ``rtsp://`` URL with a host.
    """
    parts = urlsplit(uri)
    if parts.scheme != "rtsp" or not parts.hostname:
        raise ValueError(f"{uri!r} is no rtsp:// URL with a host; Alexa uses rtsp:// with TLS on port 443 too")
    if parts.username is None and parts.password is None:
        return uri
    tail = uri.split("@", 1)[1].partition("/")[2]
    return f"{_SCHEME}{parts.hostname}:{parts.port or 554}/{tail}"


def base_url(headers: dict[str, str], session: str) -> str:
    """The base for the tracks: Content-Base, else Content-Location, else the session's URL.

    ``headers`` have lower-case names. Raises ``FatalCheck`` for ``rtsps://``, of which the player makes garbage.
    """
    base = headers.get("content-base") or headers.get("content-location") or session
    if base.startswith(_SCHEME):
        return base
    if "rtsps://" in base.lower():
        raise FatalCheck(f"base URL {base!r}: the player knows rtsp:// only and appends this to its own URL")
    return session + base


def track_url(base: str, control: str, version: Version) -> str:
    """Join ``base`` and an ``a=control`` value as the player does: a query is not understood.

    Raises ``FatalCheck`` for a control of ``rtsps://``.
    """
    lowered = control.lower()
    if lowered.startswith(_SCHEME):
        return control
    if lowered.startswith("rtsps://"):
        raise FatalCheck(f"a=control:{control}: the player knows rtsp:// only and appends this to the base")
    if version.cuts_base and not base.endswith("/"):
        slash = base.rfind("/")
        if slash >= len(_SCHEME):
            base = base[:slash]
    return f"{base}{'' if base.endswith('/') else '/'}{control}"


def play_url(control: str | None, base: str, session: str, version: Version) -> str:
    """The URL for PLAY and PAUSE, from the session-level ``a=control`` (None: absent)."""
    if control is None:
        return session
    if control == "*":
        return base
    return track_url(base, control, version)
