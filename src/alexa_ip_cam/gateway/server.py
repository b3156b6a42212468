"""The gateway as a whole: its cameras, its connections, and changes of the configuration while it runs."""

import asyncio
import contextlib
import logging
import time
from typing import Any

from alexa_ip_cam.gateway.camera import Camera
from alexa_ip_cam.gateway.config import CameraConfig, Config
from alexa_ip_cam.gateway.connection import Connection
from alexa_ip_cam.gateway.policy import Policy
from alexa_ip_cam.gateway.session import Session
from alexa_ip_cam.gateway.settings import Limits
from alexa_ip_cam.gateway.status import camera_status
from alexa_ip_cam.gateway.target import Target
from alexa_ip_cam.signing import verify_stream

_LOG_SECONDS = 10.0
_STOP_SECONDS = 1.5
_TICK_SECONDS = 1.0
_BACKLOG = 512  # connections the kernel holds until they are taken

_log = logging.getLogger(__name__)


class Server:
    """Listens for viewers and keeps the cameras.

    Args:
        config: what to serve.
    """

    def __init__(self, config: Config) -> None:
        self.limits: Limits = config.limits
        self.cameras: dict[str, Camera] = {}
        self.connections: list[Connection] = []  # oldest first
        self.refused = 0
        self._config = config
        self._policy = Policy.of(config)
        self._server: asyncio.Server | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._started = time.time()
        self._refusal_logged = 0.0
        self._empty = asyncio.Event()  # set when the last connection goes

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None  # noqa: S101 - asked after start only
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Open the cameras and listen.

        Raises:
            OSError: the address cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self), self._config.listen_host, self._config.listen_port, backlog=_BACKLOG
        )
        for camera in self._config.cameras:
            self._open(camera)
        self._ticker = asyncio.create_task(self._tick(), name="ticker")

    async def stop(self) -> None:
        """Send everybody away and close, within two seconds."""
        if self._server is not None:
            self._server.close()
        if self._ticker is not None:
            self._ticker.cancel()
        await asyncio.gather(*(camera.stop() for camera in self.cameras.values()))
        for connection in self.connections.copy():
            connection.close("the gateway stops")
        if self.connections:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), _STOP_SECONDS)
        for connection in self.connections.copy():
            connection.abort("the gateway stops")

    async def reload(self, config: Config) -> None:
        """Take a new configuration; cameras that did not change keep their streams and viewers."""
        fixed = ("listen_host", "listen_port", "status_socket", "status_file")
        if any(getattr(config, name) != getattr(self._config, name) for name in fixed):
            _log.warning("listen, status_socket and status_file change at the next restart only")
        rings = ("history_cap_seconds", "limits")
        everything = any(getattr(config, name) != getattr(self._config, name) for name in rings)
        wanted = {camera.id: camera for camera in config.cameras}
        gone = [
            name
            for name, camera in self.cameras.items()
            if everything or name not in wanted or wanted[name] != camera.config
        ]
        self._config, self._policy, self.limits = config, Policy.of(config), config.limits
        closing = [self.cameras.pop(name) for name in gone]
        await asyncio.gather(*(camera.stop() for camera in closing))
        opened = [camera for name, camera in wanted.items() if name not in self.cameras]
        for camera in opened:
            self._open(camera)
        _log.info("configuration taken: %d cameras closed, %d opened", len(closing), len(opened))

    def status(self, snapshots: dict[str, float]) -> dict[str, Any]:
        """The health of everything, ready for JSON.

        Args:
            snapshots: Unix time of each camera's last snapshot.
        """
        return {
            "time": round(time.time(), 3),
            "uptime_seconds": round(time.time() - self._started, 1),
            "connections": len(self.connections),
            "viewers": sum(camera.watchers for camera in self.cameras.values()),
            "refused_total": self.refused,
            "cameras": {name: camera_status(camera, snapshots.get(name)) for name, camera in self.cameras.items()},
        }

    # What connections and sessions ask.

    def new_session(self, connection: Connection) -> Session:
        """What answers a new connection's requests."""
        return Session(connection, self, self._policy)

    def opened(self, connection: Connection) -> None:
        """Take a connection in; when it is one too many, the oldest that has shown no signature goes."""
        self.connections.append(connection)
        if len(self.connections) > self.limits.max_connections:
            strangers = (other for other in self.connections if not other.authorised)
            next(strangers, connection).abort("too many connections")

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        if connection in self.connections:
            self.connections.remove(connection)
        if not self.connections:
            self._empty.set()

    def admit(self, target: Target) -> Camera | None:
        """The camera that a signed target opens; None alike for a wrong signature and an unknown camera."""
        config = self._config
        if config.require_signature:
            # Also for cameras that do not exist: an answer takes as long for them.
            signed = verify_stream(config.stream_keys, target.camera_id, target.token, time.time())
        else:
            signed = True
        camera = self.cameras.get(target.camera_id)
        if signed and target.plain and camera is not None:
            return camera
        self.refused += 1
        if time.monotonic() - self._refusal_logged > _LOG_SECONDS or not self._refusal_logged:
            self._refusal_logged = time.monotonic()
            _log.info("refused: unknown camera, or no valid signature (%d so far)", self.refused)
        return None

    def room(self) -> bool:
        """Whether one more viewer may play."""
        return sum(camera.watchers for camera in self.cameras.values()) < self.limits.max_viewers

    def _open(self, camera: CameraConfig) -> None:
        self.cameras[camera.id] = Camera(camera, self._config)
        self.cameras[camera.id].start()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = time.monotonic()
            for connection in self.connections.copy():
                connection.tick(now)
