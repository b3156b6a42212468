"""Looks at one camera as LIVE555 would, and measures what comes."""

from __future__ import annotations

import re
import threading
import time

from . import sdp
from .authentication import Login
from .h264 import PPS, SPS, Broken, parse_sps
from .observed import Observed
from .pictures import PictureMeter
from .rtsp import Answer, Connection, Failed

_CONNECT_SECONDS = 4.0
_LISTEN_LEAST_SECONDS = 3.0
_SECOND_SESSION_SECONDS = 4.0
_G711 = ("PCMU", "PCMA")
_AAC = ("MPEG4-GENERIC", "MP4A-LATM")
_SAFE_URL = re.compile(r"[!-~]+")


def probe(url: str, username: str, password: str, *, seconds: float, transport: str = "tcp") -> Observed:
    """Look at a camera for at most so many seconds, less when two keyframes have come.

    ``username`` and ``password`` are empty for a camera that asks for none. Never raises for what a camera does:
    ``Observed.problem`` tells. A camera whose ``transport`` is ``udp`` is asked over TCP all the same, because hardly
    any offers UDP alone; one that does has the problem ``transport``.
    """
    observed = Observed()
    look = _Look(url, (username, password), transport, time.monotonic() + seconds, observed)
    try:
        look.run()
    except Failed as failure:
        # A camera that goes away while it is watched has been seen well enough for all the rest.
        if not observed.pictures:
            observed.problem, observed.detail = failure.problem, str(failure)
    except (OSError, ValueError) as error:
        observed.problem, observed.detail = "protocol", f"what it sends makes no sense ({type(error).__name__})"
    return observed


class _Look:
    def __init__(self, url: str, user: tuple[str, str], transport: str, deadline: float, observed: Observed) -> None:
        self._url = url
        self._user = user
        self._transport = transport
        self._deadline = deadline
        self._observed = observed
        self._meter = PictureMeter()
        self._channels: dict[int, str] = {}

    def run(self) -> None:
        started = time.monotonic()
        login = Login(*self._user)
        with self._open(login) as connection:
            session = self._start(connection, login, self._observed)
            second = threading.Thread(target=self._try_second_session, daemon=True)
            playing = time.monotonic()
            try:
                self._listen(connection, started, second)
            finally:
                self._summarise(playing)
                if second.is_alive():
                    second.join(max(0.0, self._deadline - time.monotonic()))
            connection.send("TEARDOWN", session)
        if not self._observed.pictures:
            raise Failed("silent", "it answers and sends no picture")

    def _open(self, login: Login) -> Connection:
        connection = Connection(self._url, login, min(self._deadline, time.monotonic() + _CONNECT_SECONDS))
        connection.deadline = self._deadline
        return connection

    def _start(self, connection: Connection, login: Login, observed: Observed) -> str:
        """DESCRIBE, SETUP and PLAY; gives the URL of the whole session."""
        described = self._describe(connection, login, observed)
        tracks = sdp.parse(described.body)
        video = next((track for track in tracks if track.kind == "video"), None)
        audio = next((track for track in tracks if track.kind == "audio"), None)
        if audio:
            observed.audio_codec, observed.audio_rate = audio.codec, audio.rate
            observed.audio = "g711" if audio.codec in _G711 else "aac" if audio.codec in _AAC else "other"
        if video is None:
            raise Failed("no-video", "what it offers has no picture")
        observed.codec = video.codec
        if video.codec != "H264":
            raise Failed("codec", f"it sends {video.codec or 'an unknown codec'}")
        self._read_sets(video, observed)
        base = described.header("content-base") or described.header("content-location")
        base = base if _SAFE_URL.fullmatch(base) and base.startswith("rtsp") else self._url
        for channel, track in enumerate(track for track in (video, audio) if track):
            self._set_up(connection, track, base, 2 * channel)
        played = connection.request("PLAY", base, {"Range": "npt=0.000-"})
        if played.status != 200:
            raise Failed("refused", f"it answers PLAY with {played.status}")
        return base

    def _describe(self, connection: Connection, login: Login, observed: Observed) -> Answer:
        try:
            answer = connection.request("DESCRIBE", self._url, {"Accept": "application/sdp"})
        finally:
            observed.authentication = login.scheme or "none"
        if answer.status == 401 and not login.given:
            raise Failed("credentials", "it asks for a user and password, and the inventory gives none")
        if answer.status in (401, 403):
            raise Failed("credentials", "it refuses this user and password")
        if answer.status == 404:
            raise Failed("path", "it has no stream at the path of this url")
        if answer.status != 200:
            raise Failed("refused", f"it answers DESCRIBE with {answer.status}")
        return answer

    def _read_sets(self, video: sdp.Track, observed: Observed) -> None:
        sets = {nal[0] & 0x1F: nal for nal in video.parameter_sets()}
        observed.sets_in_sdp = {SPS, PPS} <= set(sets)
        if SPS in sets:
            try:
                self._meter.sps = parse_sps(sets[SPS])
            except Broken:
                observed.sets_in_sdp = False

    def _set_up(self, connection: Connection, track: sdp.Track, base: str, channel: int) -> None:
        wanted = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
        answer = connection.request("SETUP", _track_url(base, track.control), {"Transport": wanted})
        if answer.status != 200:
            if track.kind != "video":
                return
            if answer.status == 461:
                raise Failed("transport", "it does not send inside its RTSP connection (over TCP)")
            raise Failed("refused", f"it answers SETUP with {answer.status}")
        if not connection.session:
            session = answer.header("session").partition(";")[0].strip()
            connection.session = session if _SAFE_URL.fullmatch(session) else ""
        given = re.search(r"interleaved=([0-9]{1,3})", answer.header("transport"))
        self._channels[int(given[1]) if given else channel] = track.kind

    def _listen(self, connection: Connection, started: float, second: threading.Thread) -> None:
        playing = time.monotonic()
        while True:
            channel, data = connection.packet()
            kind = self._channels.get(channel)
            if kind == "audio":
                self._observed.audio_flows = True
            elif kind == "video":
                self._meter.push(data)
                if self._observed.first_picture_seconds is None and self._meter.is_keyframe_complete:
                    self._observed.first_picture_seconds = time.monotonic() - started
                    second.start()
            is_enough = time.monotonic() - playing > _LISTEN_LEAST_SECONDS
            if is_enough and self._meter.second_keyframe_complete():
                return

    def _summarise(self, playing: float) -> None:
        seen, meter = self._observed, self._meter
        meter.finish()
        seen.listened_seconds = time.monotonic() - playing
        seen.pictures, seen.keyframes = len(meter.times), len(meter.keyframe_numbers)
        seen.sets_in_band, seen.b_frames = meter.sets_in_band, meter.b_frames
        seen.keyframe_bytes, seen.nal_bytes = meter.keyframe_bytes, meter.nal_bytes
        seen.fps, seen.bitrate = meter.fps(), meter.bitrate()
        gop = meter.longest_gop()
        if gop:
            seen.gop_seconds, seen.gop_pictures = gop
        if meter.sps:
            seen.profile, seen.level = meter.sps.profile, meter.sps.level
            seen.width, seen.height = meter.sps.width, meter.sps.height

    def _try_second_session(self) -> None:
        deadline = min(self._deadline, time.monotonic() + _SECOND_SESSION_SECONDS)
        other = _Look(self._url, self._user, self._transport, deadline, Observed())
        login = Login(*self._user)
        try:
            with other._open(login) as connection:
                session = other._start(connection, login, Observed())
                while other._channels.get(connection.packet()[0]) != "video":
                    pass
                connection.send("TEARDOWN", session)
        except (Failed, OSError, ValueError):
            self._observed.second_session = False
        else:
            self._observed.second_session = True


def _track_url(base: str, control: str) -> str:
    """The URL of a track, as LIVE555 and ffmpeg make it: an a=control that is no whole URL goes behind the base."""
    if control in ("", "*") or not _SAFE_URL.fullmatch(control):
        return base
    if control.lower().startswith("rtsp://"):
        return control
    return base + ("" if base.endswith("/") else "/") + control.lstrip("/")
