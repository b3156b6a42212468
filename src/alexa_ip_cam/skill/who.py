"""Who is asking: the bearer token of a directive, verified at Login with Amazon and remembered until it ends.

Alexa links each account through our own security profile, so a token that was made for another client, however valid,
was stolen or is somebody else's ("Obtain Customer Profile" page of Login with Amazon).
"""

import hashlib
import time

from alexa_ip_cam.alexa import lwa
from alexa_ip_cam.alexa.errors import (
    ExpiredAuthorizationCredentialError,
    InternalError,
    InvalidAuthorizationCredentialError,
)

from .settings import Settings

_REMEMBERED = 512  # tokens: each account has one, and another every hour
_PATIENCE_SECONDS = 1.5  # Alexa waits 8, AWS lets the function run 6; an AcceptGrant asks twice and stores


class Verifier:
    """Remembers what Amazon said of each token, by the token's SHA-256; the token itself is not kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[bytes, lwa.TokenInfo] = {}

    def owner(self, token: str | None) -> str:
        """The Amazon user id of an owner of one of the homes.

        Raises:
            InvalidAuthorizationCredentialError: there is no token, or Amazon does not know it, or it was made for
                another client, or its user owns no home here.
            ExpiredAuthorizationCredentialError: the token was good until it ended.
            InternalError: Amazon did not answer.
        """
        if token is None:
            raise InvalidAuthorizationCredentialError("The directive carries no bearer token.")
        info = self._info(token)
        if info.audience != self._settings.lwa_client_id:
            raise InvalidAuthorizationCredentialError("The token was made for another client.")
        if not self._settings.sites_of(info.user_id):
            # The owner finds the own id here when the skill is used for the first time.
            raise InvalidAuthorizationCredentialError("This account owns no home of this skill.", user=info.user_id)
        return info.user_id

    def _info(self, token: str) -> lwa.TokenInfo:
        name = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        info = self._known.get(name)
        if info is None:
            info = self._ask(token)
            while len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]  # the oldest
            self._known[name] = info
        if info.expires_at <= time.time():
            raise ExpiredAuthorizationCredentialError("The token has expired.")
        return info

    def _ask(self, token: str) -> lwa.TokenInfo:
        try:
            return lwa.token_info(token, url=self._settings.lwa_url, timeout=_PATIENCE_SECONDS)
        except lwa.TokenExpiredError:
            raise ExpiredAuthorizationCredentialError("The token has expired.") from None
        except lwa.TokenRefusedError:
            raise InvalidAuthorizationCredentialError("Amazon refuses the token.") from None
        except lwa.LwaError as problem:
            raise InternalError("The token could not be verified.", cause=str(problem)) from None
