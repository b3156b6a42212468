"""One camera: its upstream session kept up, its last seconds, and whoever watches it."""

import asyncio
import logging
import secrets
import time
from collections import deque
from typing import Protocol

from alexa_ip_cam.gateway import sdp
from alexa_ip_cam.gateway.access_unit import Unit
from alexa_ip_cam.gateway.config import CameraConfig, Config
from alexa_ip_cam.gateway.intake import Intake
from alexa_ip_cam.gateway.ring import Ring
from alexa_ip_cam.gateway.upstream import UpstreamError, UpstreamSession

_RETRY_SECONDS = 0.5  # so that media flows again within 1 s of LIVE555's return
_FIRST_VIDEO_SECONDS = 8.0  # LIVE555 may have to open its own session with the camera first
_SOUND_SECONDS = 0.7  # how long after the first picture sound may take to be announced
_POLL_SECONDS = 0.02
_LOG_SECONDS = 60.0  # the same trouble is logged this often

_log = logging.getLogger(__name__)


class Watcher(Protocol):
    """A connection that is playing this camera."""

    def offer(self, unit: Unit, now: float) -> None:
        """Take a unit that has just arrived."""

    def source_lost(self) -> None:
        """The stream is over: close properly, so that the device asks again."""


class Camera:
    """Keeps one camera's stream and passes it on.

    Args:
        camera: which camera.
        config: the whole configuration, for times and limits.
    """

    def __init__(self, camera: CameraConfig, config: Config) -> None:
        limits = config.limits
        self.config = camera
        self.session_id = secrets.randbelow(10**9)
        self.ring = Ring(config.history_cap_seconds, limits.ring_seconds, limits.ring_bytes)
        self.intake: Intake | None = None
        self.connected = False
        self.sessions = 0  # upstream sessions that delivered pictures
        self.problem = ""  # why there is no stream, when there is none
        self.first_picture_seconds: deque[float] = deque(maxlen=100)
        self.viewers_seen = 0
        self.cuts = 0
        self._limits = limits
        self._watchers: list[Watcher] = []
        self._users = 0  # connections that keep an on-demand camera awake
        self._idle_since = time.monotonic()
        self._patience_until = 0.0  # until then a viewer may wait for the stream
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._logged: tuple[str, float] = ("", 0.0)

    @property
    def interval(self) -> float:
        """Seconds between pictures, lately."""
        return self.intake.interval if self.intake else 0.04

    @property
    def sound(self) -> sdp.Media | None:
        """The sound to announce: what flows."""
        intake = self.intake
        return intake.sound if intake is not None and intake.sound_flows else None

    @property
    def watchers(self) -> int:
        """How many are watching."""
        return len(self._watchers)

    def start(self) -> None:
        """Begin to keep the stream: at once, or when somebody wants it."""
        if self.config.always_warm:
            self._wanted.set()
            self._patience_until = time.monotonic() + self._limits.wake_seconds
        self._task = asyncio.create_task(self._keep(), name=f"camera {self.config.id}")

    async def stop(self) -> None:
        """End the stream and send its viewers away."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._lose("the camera was taken out")

    async def describe(self) -> bytes | None:
        """The description for a viewer, or None when there is no stream.

        Waits only while the stream is being woken or opened for the first time: a device shows its own message
        sooner when it is refused at once.
        """
        self._wake()
        while True:
            intake, now = self.intake, time.monotonic()
            if intake is not None and intake.ready and intake.first_picture is not None:
                sound_due = intake.sound is not None and not intake.sound_flows
                if not sound_due or now > intake.first_picture + _SOUND_SECONDS:
                    return sdp.write(self.config.id, self.session_id, intake.sets, self.sound)
            if now > self._patience_until:
                return None
            await asyncio.sleep(_POLL_SECONDS)

    def attach(self, watcher: Watcher) -> None:
        """Hand every unit from now on to this watcher."""
        self._watchers.append(watcher)
        self.viewers_seen += 1

    def detach(self, watcher: Watcher) -> None:
        """Stop handing units to it."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def hold(self) -> None:
        """Keep the stream awake until `release`."""
        self._users += 1
        self._wake()

    def release(self) -> None:
        """Undo one `hold`."""
        self._users -= 1
        self._idle_since = time.monotonic()

    def _wake(self) -> None:
        now = self._idle_since = time.monotonic()
        if not self._wanted.is_set():
            self._wanted.set()
            self._patience_until = now + self._limits.wake_seconds

    async def _keep(self) -> None:
        config = self.config
        while True:
            await self._wanted.wait()
            intake = Intake(keep_sound=config.keep_audio, packet_bytes=self._limits.packet_bytes, emit=self._unit)
            self.intake = intake
            opened = time.monotonic()
            try:
                session = UpstreamSession(config.host, config.port, config.url, intake)
                await session.run(lambda: self._trouble(intake, opened))  # noqa: B023 - ends before the next turn
            except UpstreamError as error:
                self._lose(str(error))
            except Exception:  # noqa: BLE001 - logged with its trace
                # Whatever it is, the other cameras and a later attempt must not suffer.
                _log.exception("%s: the upstream session failed", config.id)
                self._lose("internal error, see the log")
            if self._wanted.is_set():
                await asyncio.sleep(_RETRY_SECONDS)

    def _trouble(self, intake: Intake, opened: float) -> str:
        """Why the session must end now; empty while all is well."""
        now, limits = time.monotonic(), self._limits
        if not self.config.always_warm and not self._users and now - self._idle_since > limits.idle_seconds:
            self._wanted.clear()
            return "nobody watches"
        if intake.latest_video is None:
            return "" if now - opened <= _FIRST_VIDEO_SECONDS else "the camera sends nothing"
        # A camera may be set to less than a picture a second; then silence takes longer to mean anything.
        silence = min(2 * limits.silence_seconds, max(limits.silence_seconds, 4 * intake.interval))
        return "" if now - intake.latest_video <= silence else "the camera went silent"

    def _unit(self, unit: Unit, now: float) -> None:
        if unit.video and not self.connected:
            self.connected = True
            self.sessions += 1
            self.problem = ""
            _log.info("%s: connected", self.config.id)
        self.ring.add(unit)
        for watcher in self._watchers.copy():
            watcher.offer(unit, now)

    def _lose(self, reason: str) -> None:
        quiet = reason == "nobody watches"
        if self.connected or (reason, True) != (self._logged[0], time.monotonic() - self._logged[1] < _LOG_SECONDS):
            _log.log(logging.INFO if quiet else logging.WARNING, "%s: no stream: %s", self.config.id, reason)
            self._logged = (reason, time.monotonic())
        if self.connected:
            self._patience_until = 0.0
        self.connected = False
        self.problem = reason
        self.intake = None
        self.ring.clear()
        for watcher in self._watchers.copy():
            watcher.source_lost()
