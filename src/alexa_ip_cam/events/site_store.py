"""The skill's store as the events service uses it: opened when it is first needed, and told what is true of cameras."""

import json
import logging
import threading
import time
from pathlib import Path
from typing import Protocol

from alexa_ip_cam.alexa.lwa import Tokens
from alexa_ip_cam.alexa.store import Aspect, Grant, Sample, Store, StoreError
from alexa_ip_cam.events.config import StoreConfig
from alexa_ip_cam.events.database import DatabaseError
from alexa_ip_cam.events.outbox import Outbox, moment
from alexa_ip_cam.events.tokens import GrantStore

REMEMBER_SECONDS = 90 * 86_400
"""How long the store remembers that a clip was deleted."""

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 5.0, 600.0
_LOOK_SECONDS = 300.0

_log = logging.getLogger(__name__)


class StateStore(Protocol):
    """What is needed of `alexa.store.Store`. Every method may raise StoreError."""

    def put_state(self, camera_id: str, aspect: Aspect, sample: Sample) -> bool:
        """Report one aspect of a camera."""

    def put_deleted(self, media_id: str, expires: float) -> None:
        """Remember that a recording was deleted."""


class SkillStore(GrantStore, StateStore, Protocol):
    """All that the service needs of the store."""


class SiteStore:
    """The site's store. boto3 takes a second to load on a small machine, so that it is not loaded at the start.

    Args:
        config: where it is.
        site: the streams name.
    """

    def __init__(self, config: StoreConfig, site: str) -> None:
        self._config = config
        self._site = site
        self._lock = threading.Lock()
        self._store: Store | None = None

    def grant(self) -> Grant | None:
        """The site's grant. Raises StoreError."""
        return self._opened().grant()

    def replace_tokens(self, grant: Grant, tokens: Tokens) -> Grant:
        """Store refreshed tokens. Raises GrantChangedError, StoreError."""
        return self._opened().replace_tokens(grant, tokens)

    def put_state(self, camera_id: str, aspect: Aspect, sample: Sample) -> bool:
        """Report one aspect of a camera. Raises StoreError."""
        return self._opened().put_state(camera_id, aspect, sample)

    def put_deleted(self, media_id: str, expires: float) -> None:
        """Remember that a recording was deleted. Raises StoreError."""
        self._opened().put_deleted(media_id, expires)

    def _opened(self) -> Store:
        with self._lock:
            if self._store is None:
                config = self._config
                self._store = Store(
                    config.table,
                    self._site,
                    region=config.region,
                    endpoint_url=config.url,
                    access_key=_access_key(config.credentials_file),
                )
            return self._store


class StateWriter:
    """A thread that brings the store up to date.

    Args:
        outbox: who knows what is true.
        store: where it goes.
    """

    def __init__(self, outbox: Outbox, store: StateStore) -> None:
        self._outbox = outbox
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._outbox.database.notify()
        self._thread.join(5.0)

    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        wait = _FIRST_WAIT_SECONDS
        database = self._outbox.database
        while True:
            seen = database.changes
            if self._stopping.is_set():
                return
            try:
                if not self._write():
                    database.wait(seen, _LOOK_SECONDS)
                wait = _FIRST_WAIT_SECONDS
            except (StoreError, DatabaseError) as error:
                if wait == _FIRST_WAIT_SECONDS:
                    _log.warning("the skill's store is not up to date: %s", error)
                self._stopping.wait(wait)
                wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

    def _write(self) -> bool:
        """Write what it lacks; whether there was anything."""
        states = self._outbox.states.to_store()
        for state in states:
            aspect: Aspect = "detection" if state.property == "detection" else "connectivity"
            self._store.put_state(state.camera_id, aspect, Sample(state.value, moment(state.since)))
            self._outbox.states.stored(state)
        deletions = self._outbox.deletions()
        for identity in deletions:
            self._store.put_deleted(identity, time.time() + REMEMBER_SECONDS)
            self._outbox.deletion_stored(identity)
        return bool(states or deletions)


def _access_key(path: Path) -> tuple[str, str]:
    try:
        document = json.loads(path.read_bytes())
        key_id, secret = document["access_key_id"], document["secret_access_key"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise StoreError(f"{path} cannot be used: {type(error).__name__}") from None
    if not isinstance(key_id, str) or not isinstance(secret, str):
        raise StoreError(f"{path} must hold access_key_id and secret_access_key")
    return key_id, secret
