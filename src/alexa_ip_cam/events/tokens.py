"""The access token that every message carries: taken from the skill's grant, renewed in time, never lost.

The grant comes from the store, where the skill puts it when the skill is linked. The file on the appliance is where a
renewed refresh token is safe first, because Amazon may end the one before at that moment; then the store gets it; then
the access token is used. Whatever happens between two of these steps, the next start finds the newer of both.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from alexa_ip_cam.alexa import lwa
from alexa_ip_cam.alexa.store import Grant, GrantChangedError, StoreError
from alexa_ip_cam.service.files import replace_file

_PAUSE_SECONDS = 30.0  # between two attempts to reach somebody who did not answer, while there is no hurry
_LIFETIME_SECONDS = 3600.0  # of Amazon's access tokens
_ENDED = "Alexa's permission has ended; link the skill again in the Alexa app"

_log = logging.getLogger(__name__)


class GrantStore(Protocol):
    """What is needed of `alexa.store.Store`."""

    def grant(self) -> Grant | None:
        """The grant, or None. Raises StoreError."""

    def replace_tokens(self, grant: Grant, tokens: lwa.Tokens) -> Grant:
        """Store refreshed tokens. Raises GrantChangedError, StoreError."""


class NoTokenError(Exception):
    """There is no access token now. The message is for the owner.

    Args:
        reason: what is wrong and what helps.
        relink: whether only linking the skill again helps.
    """

    def __init__(self, reason: str, *, relink: bool) -> None:
        super().__init__(reason)
        self.relink = relink


class Access(NamedTuple):
    """What a message is sent with. `region`: of the household's event gateway."""

    token: str
    region: str


class _Kept(NamedTuple):
    """What the file holds.

    `unstored`: the store lacks these tokens, and `grant.version` is the one that they replace. `dead`: Amazon has ended
    the grant.
    """

    grant: Grant
    unstored: bool = False
    dead: bool = False


class Tokens:
    """Hands out access tokens, to several threads at once; one of them renews while the others wait.

    Args:
        path: the file that keeps them; its directory must exist.
        store: where the skill puts the grant; None while the skill is not set up.
        url: of Login with Amazon.
        clock: Unix seconds.
        monotonic: seconds that nobody sets.
        patience: how long a token that was refused although it is new is left alone, seconds.
    """

    def __init__(
        self,
        path: Path,
        store: GrantStore | None,
        *,
        url: str = lwa.LWA_URL,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        patience: float = 300.0,
    ) -> None:
        self._path = path
        self._store = store
        self._url = url
        self._clock = clock
        self._monotonic = monotonic
        self._patience = patience
        self._lock = threading.Lock()
        self._kept = _read(path)
        self._unwritten = False  # the file lacks what is in memory
        self._complained = False
        self._ends = 0.0  # monotonic, as the times below: the clock on the wall may be wrong, or be put right
        self._looked = False
        self._renew_again = self._store_again = self._forced = float("-inf")
        self._refused: str | None = None
        self._trouble = _ENDED if self._kept is not None and self._kept.dead else None
        self._set_end()

    @property
    def linked(self) -> bool:
        """Whether there is a grant, as far as is known."""
        kept = self._kept
        return kept is not None and not kept.dead

    @property
    def trouble(self) -> str | None:
        """Why a grant that there was is of no use any more, and what the owner has to do; None when all is well."""
        return self._trouble

    def access(self) -> Access:
        """A token that is good for minutes to come.

        Raises:
            NoTokenError: there is none now.
        """
        with self._lock:
            try:
                access = self._access()
            except NoTokenError as error:
                if error.relink and self._kept is not None:
                    self._trouble = str(error)
                raise
            self._trouble = None
            return access

    def _access(self) -> Access:
        if not self._looked or self._kept is None:
            self._look(must=self._kept is None)
        self._secure()
        if self._kept is None:
            raise NoTokenError("the skill is not linked yet; link it in the Alexa app", relink=True)
        if self._kept.dead:
            raise NoTokenError(_ENDED, relink=True)
        for _ in range(2):  # renewing may turn up another grant, which is about to end as well
            if self._left() < lwa.REFRESH_EARLY_SECONDS:
                self._renew()
        return Access(self._kept.grant.tokens.access_token, self._kept.grant.region)

    def refused(self, token: str) -> bool:
        """Alexa did not take this token. Whether it makes sense to ask for another one and try with that."""
        with self._lock:
            if self._kept is None or token != self._kept.grant.tokens.access_token:
                return True
            if self._refused != token:
                if self._monotonic() - self._forced < self._patience:
                    return False  # renewing did not help
                self._forced = self._monotonic()
                self._refused = token
            return True

    def look_for_grant(self) -> bool:
        """Ask the store whether the skill was linked again meanwhile; whether it was."""
        with self._lock:
            return self._look(must=False)

    def _left(self) -> float:
        """Seconds that the token is good for."""
        kept = self._kept
        if kept is None or kept.grant.tokens.access_token == self._refused:
            return 0.0
        return self._ends - self._monotonic()

    def _renew(self) -> None:
        """New tokens: to the file, to the store, and only then to whoever asked."""
        kept = self._kept
        assert kept is not None  # noqa: S101 - seen to by the caller
        if self._monotonic() < self._renew_again:
            if self._left() > 0:
                return
            raise NoTokenError("Login with Amazon did not answer", relink=False)
        try:
            tokens = lwa.refresh(kept.grant.tokens.refresh_token, kept.grant.client, url=self._url)
        except (lwa.GrantDeadError, lwa.ClientRefusedError) as error:
            self._renew_another(kept, error)
            return
        except lwa.LwaError as error:
            self._renew_again = self._monotonic() + _PAUSE_SECONDS
            if self._left() > 0:
                return
            raise NoTokenError(str(error), relink=False) from None
        lifetime = tokens.expires_at - time.time()  # the clock that `lwa` has added it to
        tokens = tokens._replace(expires_at=self._clock() + lifetime)
        self._take(_Kept(kept.grant._replace(tokens=tokens), unstored=True))
        self._secure()
        _log.info("the access token was renewed")

    def _renew_another(self, kept: _Kept, error: lwa.LwaError) -> None:
        """The grant is of no use: go on with the one that the skill has put into the store since, if it has."""
        if self._look(must=True):
            if self._left() < lwa.REFRESH_EARLY_SECONDS:
                self._renew()
            return
        if isinstance(error, lwa.ClientRefusedError):
            raise NoTokenError(f"{error}; deploy the skill again, then link it again", relink=True) from None
        self._kept = kept._replace(dead=True)
        self._write()
        raise NoTokenError(_ENDED, relink=True) from None

    def _look(self, *, must: bool) -> bool:
        """Take the store's grant if it is newer; whether it was.

        Raises:
            NoTokenError: the store does not answer, and must.
        """
        self._looked = True
        if self._store is None:
            return False
        try:
            grant = self._store.grant()
        except StoreError as error:
            if must:
                raise NoTokenError(f"the skill's store does not answer: {error}", relink=False) from None
            return False
        kept = self._kept
        if grant is None or (kept is not None and not _is_newer(grant, kept.grant)):
            return False
        if kept is None or grant.granted_at != kept.grant.granted_at:
            _log.info("the skill was linked: a grant of region %s is in the store", grant.region)
        self._take(_Kept(grant))
        self._forced = self._renew_again = float("-inf")
        self._write()
        return True

    def _secure(self) -> None:
        """Bring file and store up to what is in memory, as far as that can be done now.

        Raises:
            NoTokenError: the tokens are in neither, and must not be used yet.
        """
        if self._unwritten:
            self._write()
        kept = self._kept
        if kept is not None and kept.unstored and self._store is not None and self._monotonic() >= self._store_again:
            try:
                self._kept = _Kept(self._store.replace_tokens(kept.grant, kept.grant.tokens))
                self._write()
            except GrantChangedError:
                self._store_again = self._monotonic() + _PAUSE_SECONDS
                self._look(must=False)
            except StoreError as error:
                self._store_again = self._monotonic() + _PAUSE_SECONDS
                _log.warning("the renewed token is not in the store yet: %s", error)
        if self._unwritten and self._kept is not None and self._kept.unstored:
            raise NoTokenError(f"the renewed token cannot be kept: {self._path} cannot be written", relink=False)

    def _take(self, kept: _Kept) -> None:
        self._kept = kept
        self._unwritten = True
        self._refused = None
        self._set_end()

    def _set_end(self) -> None:
        # A clock that was wrong when the grant was made, or is wrong now, must not make a token last for ever; one that
        # is dead before its time is refused, and that is what counts.
        left = min(self._kept.grant.tokens.expires_at - self._clock(), _LIFETIME_SECONDS) if self._kept else 0.0
        self._ends = self._monotonic() + left

    def _write(self) -> None:
        if self._kept is None:
            return
        try:
            replace_file(self._path, _document(self._kept), mode=0o600, durable=True)
            self._unwritten = self._complained = False
        except OSError as error:
            self._unwritten = True
            if not self._complained:
                _log.warning("%s cannot be written: %s", self._path, error.strerror)
            self._complained = True


def _is_newer(grant: Grant, than: Grant) -> bool:
    if grant.version < than.version:
        return grant.granted_at > than.granted_at  # the table was made anew and counts from one
    return grant.version > than.version


def _document(kept: _Kept) -> bytes:
    grant = kept.grant
    document = {
        "version": grant.version,
        **grant.tokens._asdict(),
        **grant.client._asdict(),
        "region": grant.region,
        "granted_at": grant.granted_at,
        "unstored": kept.unstored,
        "dead": kept.dead,
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def _read(path: Path) -> _Kept | None:
    try:
        document = json.loads(path.read_bytes())
        tokens = lwa.Tokens(*(document[name] for name in lwa.Tokens._fields))
        client = lwa.Client(*(document[name] for name in lwa.Client._fields))
        grant = Grant(document["version"], tokens, client, document["region"], document["granted_at"])
        return _Kept(grant, document["unstored"], document["dead"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        _log.warning("%s cannot be used (%s); the store has the grant", path, type(error).__name__)
        return None
