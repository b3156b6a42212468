"""A viewer's RTSP session: what each request does, and what is answered (RFC 2326 section 10)."""

import logging
import secrets
import time
from collections.abc import Callable
from typing import Protocol

from alexa_ip_cam.gateway import sdp
from alexa_ip_cam.gateway.access_unit import Unit
from alexa_ip_cam.gateway.camera import Camera
from alexa_ip_cam.gateway.policy import Policy, is_fire_os
from alexa_ip_cam.gateway.rtsp_message import Request, Response
from alexa_ip_cam.gateway.target import Channels, Target, parse_transport, parse_uri
from alexa_ip_cam.gateway.track import Track
from alexa_ip_cam.gateway.viewer import Viewer

_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER"

_log = logging.getLogger(__name__)


class _RefusedError(Exception):
    def __init__(self, status: int, headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(status)
        self.response = Response(status, headers or [])


class Wire(Protocol):
    """The connection, as a session sees it."""

    name: str
    blocked: bool

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def offer(self, unit: Unit, now: float) -> None:
        """Take a unit of the camera."""

    def source_lost(self) -> None:
        """The camera is gone."""


class Door(Protocol):
    """Who may come in."""

    def admit(self, target: Target) -> Camera | None:
        """The camera that this target opens; None for whatever reason."""

    def room(self) -> bool:
        """Whether one more viewer may play."""


class Session:
    """Answers the requests of one connection; holds at most one stream.

    It lives and dies with its connection: nobody can take it over by knowing its id.
    """

    def __init__(self, wire: Wire, door: Door, policy: Policy) -> None:
        self.authorised = False
        self.ended_at = 0.0
        self._wire = wire
        self._door = door
        self._policy = policy
        self._camera: Camera | None = None  # held awake
        self._id = ""
        self._user_agent = ""
        self._tracks: dict[str, Track] = {}
        self._viewer: Viewer | None = None

    @property
    def playing(self) -> bool:
        """Whether media is sent, or would be but for a PAUSE."""
        return self._viewer is not None

    @property
    def spent(self) -> bool:
        """Whether the viewer's timestamps are about to wrap."""
        return self._viewer is not None and self._viewer.spent

    @property
    def viewer(self) -> Viewer | None:
        """The media side, while there is one."""
        return self._viewer

    def offer(self, unit: Unit, now: float) -> None:
        """Pass a unit to the viewer."""
        if self._viewer is not None:
            self._viewer.offer(unit, now)

    def block(self) -> None:
        """The connection takes no more."""
        if self._viewer is not None:
            self._viewer.block()

    def unblock(self, now: float) -> None:
        """The connection takes more again."""
        if self._viewer is not None:
            self._viewer.unblock(now)

    def goodbye(self) -> bytes:
        """What ends the tracks on the wire."""
        return self._viewer.goodbye() if self._viewer is not None else b""

    def end(self, reason: str) -> None:
        """Let go of the camera; may be called again."""
        camera, viewer = self._camera, self._viewer
        self._camera, self._viewer, self._id, self._tracks = None, None, "", {}
        self.ended_at = time.monotonic()
        if camera is None:
            return
        camera.release()
        if viewer is not None:
            camera.detach(self._wire)
            _log.info("%s: viewer %s ended: %s", camera.config.id, self._wire.name, reason)

    async def describe(self, request: Request) -> Response:
        """Answer DESCRIBE; may wait for a camera that is being woken."""
        try:
            self._check(request)
            accept = request.message.header("accept").lower()
            if accept and not any(kind in accept for kind in ("application/sdp", "application/*", "*/*")):
                return Response(406)
            target, camera = self._admit(request)
        except _RefusedError as refused:
            return refused.response
        if not self._tracks:  # otherwise it holds the camera of its stream
            self._hold(camera)
        description = await camera.describe()
        if description is None:
            return Response(503)
        headers = [("Content-Type", "application/sdp")]
        if target.authority is not None:
            headers.insert(0, ("Content-Base", f"rtsp://{self._authority(target)}/{target.path}/"))
        return Response(200, headers, description)

    def respond(self, request: Request) -> Response | None:
        """Answer any other request; None when the answer has been written."""
        answers: dict[str, Callable[[Request], Response | None]] = {
            "OPTIONS": lambda _: Response(200, [("Public", _METHODS), *self._session_header()]),
            "GET_PARAMETER": lambda _: Response(200, self._session_header()),
            "SET_PARAMETER": lambda request: Response(451 if request.message.body else 200),
            "SETUP": self._set_up,
            "PLAY": self._play,
            "PAUSE": self._pause,
            "TEARDOWN": self._tear_down,
        }
        try:
            self._check(request)
            if request.method in {"ANNOUNCE", "RECORD", "REDIRECT"}:
                return Response(405, [("Allow", _METHODS)])
            if request.method not in answers:
                return Response(501, [("Public", _METHODS)])
            return answers[request.method](request)
        except _RefusedError as refused:
            return refused.response

    def _check(self, request: Request) -> None:
        """Refuse what no method can do anything about."""
        if request.version != "RTSP/1.0":
            raise _RefusedError(505)
        if require := request.message.header("require"):
            fit = require.isascii() and require.isprintable()
            raise _RefusedError(551, [("Unsupported", require)] if fit else [])
        if agent := request.message.header("user-agent"):
            self._user_agent = agent
        wanted = request.message.header("session").partition(";")[0].strip()
        if wanted and wanted != self._id:
            raise _RefusedError(454)

    def _set_up(self, request: Request) -> Response:
        target, camera = self._admit(request)
        name = target.track or "track1"
        if name not in {"track1", "track2"}:
            raise _RefusedError(404)
        if self.playing:
            raise _RefusedError(455, self._session_header())
        if self._tracks and camera is not self._camera:
            raise _RefusedError(459, self._session_header())
        if not camera.connected:
            raise _RefusedError(503)
        sound = camera.sound
        if name == "track2" and sound is None:
            raise _RefusedError(404)
        rtp, rtcp = self._free_channels(name, parse_transport(request.message.header("transport")))
        self._hold(camera)
        if name == "track2" and sound is not None:
            track = Track(False, sound.rate, sdp.sound_type(sound), rtp, rtcp)
        else:
            track = Track(True, sdp.VIDEO_RATE, sdp.VIDEO_TYPE, rtp, rtcp)
        self._tracks[name] = track
        self._id = self._id or secrets.token_hex(8)
        transport = f"RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp};ssrc={track.ssrc:08X}"
        return Response(200, [*self._session_header(), ("Transport", transport)])

    def _free_channels(self, name: str, asked: Channels | None) -> tuple[int, int]:
        """The channels asked for, or the next ones."""
        others = [track for other, track in self._tracks.items() if other != name]
        taken = {channel for track in others for channel in (track.channel, track.rtcp_channel)}
        if asked is not None and (asked.rtp is None or asked.rtcp is None):
            free = next(number for number in (0, 2, 4) if taken.isdisjoint({number, number + 1}))
            return free, free + 1
        if asked is None or asked.rtp is None or asked.rtcp is None or not taken.isdisjoint(asked):
            raise _RefusedError(461, self._session_header())
        return asked.rtp, asked.rtcp

    def _play(self, request: Request) -> Response | None:
        viewer = self._viewer
        if viewer is not None and not viewer.paused:
            return Response(200, self._session_header())
        target, camera = self._admit(request)
        if not self._tracks:
            raise _RefusedError(455)
        if camera is not self._camera:
            raise _RefusedError(404)
        now = time.monotonic()
        if viewer is not None:
            self._wire.write(Response(200, self._session_header()).encode(request.cseq))
            viewer.resume(now)
            return None
        if not camera.connected or not self._door.room():
            raise _RefusedError(503, self._session_header())
        settings = self._policy.viewer_settings(self._user_agent)
        answer = Response(200, [*self._session_header(), *self._rtp_info(target)])
        self._viewer = viewer = Viewer(camera, [*self._tracks.values()], settings, self._wire.write)
        viewer.blocked = self._wire.blocked
        camera.attach(self._wire)
        _log.info(
            "%s: viewer %s plays %s, start %s",
            camera.config.id,
            self._wire.name,
            "picture and sound" if len(self._tracks) > 1 else "one track",
            "squeezed" if settings.squeezed else "with history",
        )
        viewer.start(answer.encode(request.cseq), now)
        return None

    def _pause(self, _: Request) -> Response:
        if self._viewer is None:
            raise _RefusedError(455 if self._id else 454, self._session_header())
        self._viewer.pause()
        return Response(200, self._session_header())

    def _tear_down(self, _: Request) -> Response:
        if not self._id:
            raise _RefusedError(454)
        headers = self._session_header()
        self.end("it said so")
        return Response(200, headers)

    def _admit(self, request: Request) -> tuple[Target, Camera]:
        target = parse_uri(request.uri)
        camera = self._door.admit(target) if target is not None else None
        if target is None or camera is None:
            raise _RefusedError(404)
        self.authorised = True
        return target, camera

    def _hold(self, camera: Camera) -> None:
        if camera is not self._camera:
            if self._camera is not None:
                self._camera.release()
            camera.hold()
            self._camera = camera

    def _session_header(self) -> list[tuple[str, str]]:
        return [("Session", f"{self._id};timeout={self._policy.session_seconds:.0f}")] if self._id else []

    def _rtp_info(self, target: Target) -> list[tuple[str, str]]:
        """Where the tracks begin. Fire OS needs none, and checks it character by character if a Range is there."""
        if target.authority is None or is_fire_os(self._user_agent):
            return []
        base = f"rtsp://{self._authority(target)}/{target.path}"
        tracks = (
            f"url={base}/{name};seq={track.sequence};rtptime={track.ticks(0.0)}" for name, track in self._tracks.items()
        )
        return [("RTP-Info", ",".join(tracks))]

    def _authority(self, target: Target) -> str:
        authority = target.authority or ""
        has_port = authority.rpartition("]")[2].count(":") == 1
        return authority if has_port else f"{authority}:{self._policy.public_port}"
