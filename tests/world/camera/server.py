"""An RTSP camera on GStreamer's RTSP server, whose stream runs whether or not anyone watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gi  # type: ignore[import-not-found,import-untyped,unused-ignore]

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import (  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: E402
    GLib,
    Gst,
    GstRtsp,
    GstRtspServer,
)

from world.camera.feeder import Feeder, Push  # noqa: E402
from world.camera.self_viewer import SelfViewer  # noqa: E402
from world.camera.tracks import Track  # noqa: E402
from world.camera.unblock import Unblocker  # noqa: E402

_VIEWER = "viewer"
_SESSION_SWEEP_S = 2
_LOOK_MS = 100
# What may wait in front of a payloader; more than a few pictures means that the process was paused.
_QUEUE_UNITS = 4


@dataclass(frozen=True)
class Access:
    """Who may watch: `auth` is none, basic or digest."""

    auth: str
    username: str
    password: str


class _OneMediaFactory(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc]
    """Gives every viewer the same media, by whatever host name the camera is called."""

    def do_gen_key(self, url: Any) -> str:  # noqa: ARG002  (GStreamer's signature)
        return "camera"


class CameraServer:
    """Serves `tracks` (the first is the picture) at rtsp://<any address>:<port><path>.

    `ready()` is called once the stream runs and the port is open.
    """

    def __init__(
        self,
        *,
        port: int,
        path: str,
        tracks: Sequence[Track],
        access: Access,
        phase: int,
        ready: Callable[[], None],
    ) -> None:
        Gst.init(None)
        self._loop = GLib.MainLoop()
        self._failure = ""
        self._ready = ready
        self._tracks = tracks
        self._port = port
        self._path = path
        self._phase = phase
        factory = _OneMediaFactory()
        factory.set_launch(_launch_line(tracks))
        factory.set_shared(True)
        factory.connect("media-configure", self._configure)
        self._server = GstRtspServer.RTSPServer.new()
        self._server.set_address("0.0.0.0")  # noqa: S104  (a camera listens on its network)
        self._server.set_service(str(port))
        self._server.get_mount_points().add_factory(path, factory)
        _protect(self._server, factory, access)
        # The same media without a password, for the camera itself. Its sessions are in a pool that nobody sweeps.
        self._inner = GstRtspServer.RTSPServer.new()
        self._inner.set_address("127.0.0.1")
        self._inner.set_service("0")
        self._inner.set_mount_points(self._server.get_mount_points())

    def run(self) -> None:
        """Start the stream, open the port, call `ready()` and serve. Raises RuntimeError when it cannot go on."""
        if not self._inner.attach(None):
            raise RuntimeError("cannot listen on 127.0.0.1")
        SelfViewer(
            port=self._inner.get_bound_port(),
            path=self._path,
            tracks=len(self._tracks),
            ready=lambda: GLib.idle_add(self._open),
            failed=lambda reason: GLib.idle_add(self._fail, reason),
        ).start()
        GLib.timeout_add_seconds(_SESSION_SWEEP_S, self._sweep)
        self._loop.run()
        raise RuntimeError(self._failure)

    def _open(self) -> bool:
        if self._server.attach(None):
            self._ready()
        else:
            self._fail(f"cannot listen on port {self._port}")
        return False  # once is enough for GLib

    def _fail(self, reason: str) -> bool:
        self._failure = reason
        self._loop.quit()
        return False  # once is enough for GLib

    def _configure(self, _factory: Any, media: Any) -> None:
        element = media.get_element()
        sources = [element.get_by_name(f"source{index}") for index in range(len(self._tracks))]
        pushes = [_push_to(source) for source in sources]
        Feeder(list(zip(self._tracks, pushes, strict=True)), self._phase).start()
        GLib.timeout_add(_LOOK_MS, Unblocker(element, sources, _QUEUE_UNITS).tick)

    def _sweep(self) -> bool:
        self._server.get_session_pool().cleanup()
        return True  # and again


def _launch_line(tracks: Sequence[Track]) -> str:
    parts = [
        f"appsrc name=source{index} is-live=true format=time max-buffers={_QUEUE_UNITS} max-bytes=0 "
        f'leaky-type=downstream caps="{track.caps}" ! {track.payloader} name=pay{index}'
        for index, track in enumerate(tracks)
    ]
    return f"( {' '.join(parts)} )"


def _push_to(source: Any) -> Push:
    """Return a function that gives `source` a unit with the running time of its capture."""

    def push(unit: bytes, age_ns: int) -> None:
        clock, base_time = source.get_clock(), source.get_base_time()
        # While the pipeline starts, it has a clock before it has a base time. A time stamp made in between would be
        # the machine's uptime, and the camera silent for as long.
        if clock is None or base_time == 0:
            return
        buffer = Gst.Buffer.new_wrapped(unit)
        buffer.pts = max(0, clock.get_time() - base_time - age_ns)
        source.emit("push-buffer", buffer)

    return push


def _protect(server: Any, factory: Any, access: Access) -> None:
    if access.auth == "none":
        return
    auth = GstRtspServer.RTSPAuth.new()
    token = GstRtspServer.RTSPToken.new()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, _VIEWER)
    if access.auth == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(auth.make_basic(access.username, access.password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(access.username, access.password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions.new()
    permissions.add_role(_VIEWER)
    for permission in (
        GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS,
        GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
    ):
        permissions.add_permission_for_role(_VIEWER, permission, True)
    factory.set_permissions(permissions)
