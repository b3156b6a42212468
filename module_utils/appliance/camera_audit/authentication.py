"""Answers to a camera's request for a password: digest (RFC 7616, RFC 2617) and basic (RFC 7617)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence

_PARAMETER = re.compile(r'([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


class Unsupported(Exception):  # noqa: N818 - reads as what it is
    """The camera asks in a way that LIVE555 cannot answer; says which."""


class Login:
    """Answers for one user; knows the challenge once ``challenge`` was called."""

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        self._parameters: dict[str, str] = {}
        self.scheme = ""
        self._count = 0
        self.given = bool(username)
        self.accepted = False

    def challenge(self, headers: Sequence[str]) -> None:
        """Take the WWW-Authenticate headers of an answer; digest is preferred. Raises Unsupported."""
        offers: dict[str, dict[str, str]] = {}
        for header in headers:
            scheme, _, rest = header.strip().partition(" ")
            found = {m[1].lower(): m[2] if m[2] is not None else m[3] for m in _PARAMETER.finditer(rest)}
            # LIVE555 2024.06.26 computes MD5 only (DigestAuthentication.cpp).
            if scheme.lower() == "digest" and found.get("algorithm", "MD5").upper() != "MD5":
                offers["digest-unsupported"] = found
            else:
                offers[scheme.lower()] = found
        for scheme in ("digest", "basic"):
            if scheme in offers:
                self.scheme, self._parameters = scheme, offers[scheme]
                return
        self.scheme = "digest-unsupported" if "digest-unsupported" in offers else ""
        raise Unsupported(offers.get("digest-unsupported", {}).get("algorithm") or ", ".join(offers) or "nothing known")

    def header(self, method: str, uri: str) -> str:
        """Value of the Authorization header of a request, empty as long as nobody has asked."""
        if self.scheme == "basic":
            return "Basic " + base64.b64encode(f"{self._username}:{self._password}".encode()).decode()
        if self.scheme != "digest":
            return ""
        asked = self._parameters
        realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
        one = _md5(f"{self._username}:{realm}:{self._password}")
        two = _md5(f"{method}:{uri}")
        text = f'Digest username="{self._username}", realm="{realm}", nonce="{nonce}", uri="{uri}"'
        if "auth" in [word.strip() for word in asked.get("qop", "").lower().split(",")]:
            self._count += 1
            count, own = f"{self._count:08x}", secrets.token_hex(8)
            response = _md5(f"{one}:{nonce}:{count}:{own}:auth:{two}")
            text += f', qop=auth, nc={count}, cnonce="{own}"'
        else:
            response = _md5(f"{one}:{nonce}:{two}")
        text += f', response="{response}"'
        return text + (f', opaque="{asked["opaque"]}"' if "opaque" in asked else "")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
