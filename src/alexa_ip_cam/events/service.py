"""The events service: its parts put together, started, looked after and stopped."""

import functools
import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from alexa_ip_cam.events.alarms import Alarms
from alexa_ip_cam.events.clip import ClipMaker
from alexa_ip_cam.events.clip_maker import FfmpegClips
from alexa_ip_cam.events.config import Config, Keys, load, load_keys
from alexa_ip_cam.events.converting import Converter
from alexa_ip_cam.events.database import DamagedError, DatabaseError
from alexa_ip_cam.events.health import Health
from alexa_ip_cam.events.messages import Site
from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.publisher import Publisher, Timing
from alexa_ip_cam.events.recording import Source
from alexa_ip_cam.events.retention import Retention
from alexa_ip_cam.events.scanning import Scanner
from alexa_ip_cam.events.site_store import SiteStore, SkillStore, StateWriter
from alexa_ip_cam.events.sources import make_source
from alexa_ip_cam.events.status import Status, metrics
from alexa_ip_cam.events.tokens import NoTokenError, Tokens
from alexa_ip_cam.events.watch import InotifyWatcher
from alexa_ip_cam.service.files import replace_file
from alexa_ip_cam.service.notify import Notifier

TICK_SECONDS = 2.0
_HEALTH_SECONDS = 5.0
_STATUS_SECONDS = 10.0
_ALARM_SECONDS = 5.0
_TOKEN_SECONDS = 60.0
_RETENTION_SECONDS = 600.0
_ABANDONED_SECONDS = 900.0  # an unfinished recording that no scan has seen for so long

_log = logging.getLogger(__name__)


class Parts(NamedTuple):
    """What the service is made of and a test may replace."""

    source: Callable[[str, Mapping[str, Any]], Source] = make_source
    clips: Callable[[Config, Keys], ClipMaker] = lambda config, keys: FfmpegClips(config.clips_dir, keys.media)
    store: Callable[[Config], SkillStore | None] = lambda config: (
        SiteStore(config.store, config.streams_name) if config.store is not None else None
    )
    timing: Timing = Timing()


class PartDiedError(Exception):
    """A part of the service has died; systemd starts it anew."""


class Service:
    """The running service.

    Args:
        path: the configuration file.
        parts: what it is made of.

    Raises:
        ConfigError: the configuration or the keys cannot be used.
        SourceError: a camera's `recordings` cannot be used.
        DatabaseError: the database cannot be opened.
        OSError: the clips' directory cannot be made.
    """

    def __init__(self, path: Path, parts: Parts = Parts()) -> None:  # noqa: B008 - immutable
        self._path = path
        self._parts = parts
        self._config = config = load(path)
        self._keys = load_keys(config.keys_file)
        self._notifier = Notifier()
        self._wake = threading.Event()
        self._stopping = self._reloading = False
        self._next: dict[str, float] = {}
        self._status_failing = False
        self._outbox = Outbox(config.database, interfaces=config.interfaces, oldest=config.oldest)
        store = parts.store(config)
        self._tokens = Tokens(config.tokens_file, store, url=config.lwa_url, patience=parts.timing.halt_first)
        self._publisher = Publisher(
            self._outbox,
            self._tokens,
            self._site(),
            gateways=config.event_gateways,
            rate=config.messages_per_second,
            timing=parts.timing,
        )
        self._converter = Converter(self._outbox, parts.clips(config, self._keys))
        self._writer = StateWriter(self._outbox, store) if store is not None else None
        self._scanner = self._new_scanner(config)
        self._health = self._new_health(config)
        self._alarms = Alarms(self._tokens, self._publisher, self._outbox.queue)
        self._retention_thread: threading.Thread | None = None

    def stop(self) -> None:
        """End soon; for a signal's handler."""
        self._stopping = True
        self._wake.set()

    def reload(self) -> None:
        """Read the configuration again soon; for a signal's handler."""
        self._reloading = True
        self._wake.set()

    def run(self) -> None:
        """Work until told to stop.

        Raises:
            PartDiedError: a part has died.
        """
        if self._config.endpoints is not None and "discovery" in self._config.interfaces:
            self._outbox.announce(self._config.endpoints)
        self._publisher.start()
        self._converter.start()
        self._scanner.start()
        if self._writer is not None:
            self._writer.start()
        self._notifier.ready(self._summary())
        _log.info("ready: %s", self._summary())
        try:
            self._look_after()
        finally:
            self._notifier.stopping()
            self._scanner.stop()
            self._converter.stop()
            self._publisher.stop()
            if self._writer is not None:
                self._writer.stop()
            if self._retention_thread is not None:
                self._retention_thread.join(10.0)
            self._outbox.close()

    def _look_after(self) -> None:
        period = self._notifier.watchdog_seconds()
        tick = min(TICK_SECONDS, period / 3) if period is not None else TICK_SECONDS
        trouble = ""
        while not self._stopping:
            self._wake.wait(tick)
            self._wake.clear()
            self._check_threads()
            try:
                if self._reloading:
                    self._reloading = False
                    self._reload()
                self._housekeeping()
            except DamagedError as error:
                raise PartDiedError(str(error)) from error
            except DatabaseError as error:
                if str(error) != trouble:
                    _log.error("%s", error)
                trouble = str(error)
            else:
                trouble = ""
            # Only this loop says that all is well, and it goes through the database, which everything needs.
            self._notifier.alive()

    def _housekeeping(self) -> None:
        if self._outbox.database.changed_by_others():
            self._outbox.queue.look_around()
            self._publisher.look_again()
        if self._health is not None and self._is_time("health", _HEALTH_SECONDS):
            self._health.look([camera.id for camera in self._config.cameras])
        if self._is_time("token", _TOKEN_SECONDS):
            self._in_background(self._keep_token)
            self._outbox.give_up_waiting(_ABANDONED_SECONDS)
        if self._is_time("retention", _RETENTION_SECONDS) and not self._is_cleaning():
            self._retention_thread = self._in_background(self._clean)
        if self._is_time("status", _STATUS_SECONDS):
            self._write_status()
        if self._config.alarm_program is not None and self._is_time("alarms", _ALARM_SECONDS):
            self._alarms.look(self._config.alarm_program)

    def _is_time(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + seconds
        return True

    def _is_cleaning(self) -> bool:
        return self._retention_thread is not None and self._retention_thread.is_alive()

    @staticmethod
    def _in_background(work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name=work.__name__, daemon=True)
        thread.start()
        return thread

    def _keep_token(self) -> None:
        """Renew the token in time also when there is nothing to tell, so that the next motion need not wait for it."""
        linked_before = self._tokens.linked
        try:
            self._tokens.access()
        except NoTokenError as error:
            _log.debug("%s", error)
        if self._tokens.linked and not linked_before:
            self._publisher.look_again()  # it may have resolved to wait for an hour

    def _clean(self) -> None:
        config = self._config
        retention = Retention(config.clips_dir, keep=config.oldest, disk_percent=config.keep_disk_percent)
        try:
            while retention.run(self._outbox).more and not self._stopping:
                pass
        except (OSError, DatabaseError) as error:
            _log.warning("old clips cannot be deleted: %s", error)

    def _check_threads(self) -> None:
        dead = [
            name
            for name, alive in (
                ("publisher", self._publisher.alive()),
                ("converter", self._converter.alive()),
                ("scanner", self._scanner.alive()),
                ("store", self._writer is None or self._writer.alive()),
            )
            if not alive
        ]
        if dead:
            raise PartDiedError(f"the {dead[0]} has died")

    def _reload(self) -> None:
        self._notifier.reloading()
        try:
            config = load(self._path)
            keys = load_keys(config.keys_file)
            scanner = None
            if _scanning(config) != _scanning(self._config):
                scanner = self._new_scanner(config)
        except ValueError as error:
            _log.error("the new configuration is not used, the old one stays: %s", error)
            self._notifier.ready(f"{self._summary()}; the new configuration is broken, see the log")
            return
        if fixed := [name for name in _FIXED if getattr(config, name) != getattr(self._config, name)]:
            _log.warning("at the next start only: %s", ", ".join(fixed))
        health_before = self._config.gateway_status_file
        self._config, self._keys = config, keys
        self._outbox.interfaces, self._outbox.oldest = config.interfaces, config.oldest
        if scanner is not None:
            self._scanner.stop()
            self._scanner = scanner
            scanner.start()
        if config.gateway_status_file != health_before:
            self._health = self._new_health(config)
        if config.endpoints is not None and "discovery" in config.interfaces:
            self._outbox.announce(config.endpoints)
        self._publisher.change(self._site(), config.event_gateways, config.messages_per_second)
        self._notifier.ready(self._summary())
        _log.info("reloaded: %s", self._summary())

    def _new_scanner(self, config: Config) -> Scanner:
        make = self._parts.source
        sources: dict[str, Callable[[], Source]] = {
            camera.id: functools.partial(make, camera.id, camera.recordings)
            for camera in config.cameras
            if camera.recordings is not None
        }
        return Scanner(self._outbox, sources, InotifyWatcher, config.rescan_seconds)

    def _new_health(self, config: Config) -> Health | None:
        return Health(self._outbox, config.gateway_status_file) if config.gateway_status_file is not None else None

    def _site(self) -> Site:
        config = self._config
        return Site(
            streams_name=config.streams_name,
            clips_name=config.clips_name,
            clips_key=self._keys.clips,
            url_seconds=config.url_seconds,
            audio={camera.id: camera.audio for camera in config.cameras},
            interfaces=config.interfaces,
        )

    def _summary(self) -> str:
        return f"{len(self._config.cameras)} cameras"

    def _write_status(self) -> None:
        config = self._config
        status = self._status()
        try:
            if config.status_file is not None:
                replace_file(config.status_file, json.dumps(status, indent=1).encode() + b"\n")
            if config.metrics_file is not None:
                replace_file(config.metrics_file, metrics(status).encode())
            self._status_failing = False
        except OSError as error:
            if not self._status_failing:
                _log.warning("the status cannot be written: %s", error)
            self._status_failing = True

    def _status(self) -> Status:
        halt = self._publisher.halt
        counts = Counter(self._publisher.counts)
        counts.update({f"clips_{name}": number for name, number in self._converter.counts.items()})
        return {
            "linked": self._tokens.linked,
            "halted": halt.reason if halt is not None else None,
            "recordings": self._outbox.stages(),
            "messages": self._outbox.queue.counts(),
            "refused": self._outbox.refusals(),
            "troubles": self._scanner.troubles(),
            "counts": dict(sorted(counts.items())),
            "resident_bytes": _resident_bytes(),
        }


_FIXED = ("database", "clips_dir", "keys_file", "tokens_file", "store", "lwa_url")


def _scanning(config: Config) -> tuple[float, dict[str, Any]]:
    return config.rescan_seconds, {camera.id: camera.recordings for camera in config.cameras}


def _resident_bytes() -> int:
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
