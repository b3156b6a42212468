"""The owner's log-in at Amazon, as the deployment uses it: access tokens from the refresh token that was kept."""

from __future__ import annotations

import time
from pathlib import Path

from alexa_ip_cam.alexa import lwa
from alexa_ip_cam.deploy import private_file

LOG_IN = "log in with: python -m alexa_ip_cam.login {folder}"


class SessionError(Exception):
    """There is no usable log-in; the message says how to get one, and holds no secret."""


class AmazonSession:
    """Reads and renews one log-in.

    The file keeps the access token, too: one refresh an hour is enough, and each one is a moment in which a killed run
    could lose the token that replaces the old one.
    """

    def __init__(self, path: Path, *, lwa_url: str = lwa.LWA_URL) -> None:
        """Read the file; raises SessionError or private_file.PrivateFileError."""
        self._path = path
        self._url = lwa_url
        self._kept = private_file.read(path)
        self._mend = LOG_IN.format(folder=path.parent)
        if missing := [name for name in ("client_id", "client_secret", "refresh_token") if not self._kept.get(name)]:
            what = f"{path} is missing" if len(missing) == 3 else f"{path} lacks {', '.join(missing)}"
            raise SessionError(f"You are not logged in at Amazon: {what}; {self._mend}")

    @property
    def client(self) -> lwa.Client:
        """The security profile; it also links the family's accounts."""
        return lwa.Client(self._kept["client_id"], self._kept["client_secret"])

    @property
    def user_id(self) -> str:
        """The owner's user id at Login with Amazon; empty when the log-in did not tell."""
        return str(self._kept.get("user_id", ""))

    def token(self) -> str:
        """An access token that lasts at least five minutes more; raises SessionError."""
        ends = self._kept.get("expires_at", 0)
        if not self._kept.get("access_token") or not isinstance(ends, int | float):
            return self.renew()
        if ends < time.time() + lwa.REFRESH_EARLY_SECONDS:
            return self.renew()
        return str(self._kept["access_token"])

    def renew(self) -> str:
        """A new access token; the refresh token that comes with it is kept before anything else.

        Raises:
            SessionError: the log-in is dead, or Amazon does not answer.
        """
        try:
            tokens = lwa.refresh(self._kept["refresh_token"], self.client, url=self._url)
        except lwa.GrantDeadError:
            raise SessionError(f"Amazon takes the log-in no more; {self._mend}") from None
        except lwa.ClientRefusedError:
            raise SessionError(f"Amazon does not know the security profile of the log-in; {self._mend}") from None
        except lwa.LwaError as problem:
            raise SessionError(f"Login with Amazon: {problem}; run again when it is there") from None
        self._kept |= tokens._asdict()
        private_file.write(self._path, self._kept)
        return tokens.access_token
