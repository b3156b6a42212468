"""One call: watch a stream as an Echo would, and keep what came."""

import asyncio
import contextlib
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from simulators.echo import picture
from simulators.echo.depacketise import AccessUnit
from simulators.echo.fatal import FatalCheck
from simulators.echo.interleaved import Packet
from simulators.echo.reception import Fault, Reception
from simulators.echo.recording import Recording
from simulators.echo.sdp import ActiveTrack, Sdp
from simulators.echo.session import ALL_MEDIA, PATIENCE_S, EchoSession
from simulators.echo.versions import ANDROID_7, Version

FIRST_PICTURE_PATIENCE_S = 15.0
_STEPS = ("tcp", "tls", "describe", "setup", "play", "first_rtp", "first_picture")


@dataclass(slots=True)
class Watch:
    """What came of watching.

    ``steps_ms``: each step's end in milliseconds since the TCP connect began: tcp, tls, describe, setup, play,
    first_rtp, first_picture (the last packet of the first keyframe that came whole; that it was the last is known
    from the next RTP time, never from marker bits, which some servers set on every slice).
    ``access_units``: the pictures in order. ``faults``: what a server must not do to this player. ``fatal``: what
    ended the session early, after PLAY. ``closed``: the server closed it.
    """

    steps_ms: dict[str, float]
    sdp: Sdp
    access_units: list[AccessUnit]
    recording: Recording
    faults: list[Fault]
    fatal: FatalCheck | None
    closed: bool
    peer_certificate: bytes | None

    @property
    def first_keyframe(self) -> AccessUnit:
        """The first keyframe that came whole. Raises ``LookupError`` when there was none."""
        for unit in self.access_units:
            if _whole_keyframe(unit):
                return unit
        raise LookupError(f"no complete keyframe among {len(self.access_units)} pictures ({self.fatal})")

    @property
    def keyframe_bytes(self) -> int:
        """Bytes of the first keyframe's NAL units, parameter sets among them, without start codes."""
        return self.first_keyframe.size

    @property
    def parameter_sets(self) -> list[bytes]:
        """SPS and PPS from the session description."""
        return [
            nal
            for active in self.recording.tracks
            if active.track.media == "video"
            for nal in active.track.parameter_sets
        ]

    def write_annexb(self, path: Path) -> None:
        """All whole pictures from the first keyframe on, as an H.264 byte stream (Annex B)."""
        start = self.access_units.index(self.first_keyframe)
        units = [unit for unit in self.access_units[start:] if unit.complete]
        path.write_bytes(picture.annexb(self.parameter_sets, units))

    def png(self, path: Path) -> picture.Facts:
        """Decode the first keyframe to a PNG and tell its facts. Raises ``picture.DecodeError``."""
        stream = picture.annexb(self.parameter_sets, [self.first_keyframe])
        picture.decode_to_png(stream, path)
        return picture.probe(stream)


def _whole_keyframe(unit: AccessUnit) -> bool:
    return unit.idr and unit.complete and unit.starts_picture


async def watch(
    uri: str,
    *,
    address: str,
    port: int = 443,
    roots_pem: Path | None,
    seconds: float | None = None,
    version: Version = ANDROID_7,
    media: Container[str] = ALL_MEDIA,
    teardown: bool | None = None,
    patience_s: float = PATIENCE_S,
    strict: bool = True,
) -> Watch:
    """Open ``uri`` as an Echo would, watch for ``seconds`` after PLAY, and close.

    ``seconds=None`` stops at the first whole keyframe, or after 15 s without one. ``address`` and ``port`` stand in
    for DNS; ``roots_pem=None`` speaks plain TCP; ``strict=False`` counts a fatal answer to PLAY among the faults.
    Raises ``FatalCheck`` when the player would not get as far as PLAY, ``OSError`` when the connection or the TLS
    handshake fails; later trouble is in ``Watch.fatal``.
    """
    session = EchoSession(
        uri,
        address=address,
        port=port,
        roots_pem=roots_pem,
        version=version,
        media=media,
        patience_s=patience_s,
        strict=strict,
    )
    viewer = _Viewer()
    try:
        await session.open()
        await viewer.look(session, seconds)
        ended_at = session.now()
    finally:
        await session.close(teardown=teardown)
    steps = dict(session.steps_ms)
    keyframe = next((unit for unit in viewer.pictures if _whole_keyframe(unit)), None)
    if keyframe is not None:
        steps["first_picture"] = keyframe.last_at * 1000
    steps = {step: steps[step] for step in _STEPS if step in steps}
    recording = Recording(
        tracks=tuple(session.tracks),
        live=session.sdp.live,
        play_at=session.play_at,
        ended_at=ended_at,
        started_unix_ns=session.started_unix_ns,
        packets=tuple(viewer.packets),
        fatal=viewer.fatal,
    )
    return Watch(
        steps_ms=steps,
        sdp=session.sdp,
        access_units=viewer.pictures,
        recording=recording,
        faults=[*(Fault(session.play_at, check.reason) for check in session.survived), *viewer.faults],
        fatal=viewer.fatal,
        closed=viewer.closed,
        peer_certificate=session.peer_certificate,
    )


class _Viewer:
    """Collects packets and pictures of one session."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.pictures: list[AccessUnit] = []
        self.faults: list[Fault] = []
        self.fatal: FatalCheck | None = None
        self.closed = False

    async def look(self, session: EchoSession, seconds: float | None) -> None:
        """Look until the time is over, the server closes or something fatal comes."""
        reception = Reception(session.tracks)
        self.faults = reception.faults
        patience = FIRST_PICTURE_PATIENCE_S if seconds is None else seconds
        with contextlib.suppress(TimeoutError):
            try:
                async with asyncio.timeout(patience - (session.now() - session.play_at)):
                    async for packet in session:
                        if self._take(packet, reception, session.tracks) and seconds is None:
                            return
                    self.closed = True
            except FatalCheck as fatal:
                self.fatal = fatal

    def _take(self, packet: Packet, reception: Reception, tracks: list[ActiveTrack]) -> bool:
        """Keep ``packet``; True when it finished a whole keyframe."""
        self.packets.append(packet)
        keyframe = False
        for item in reception.feed(packet):
            if isinstance(item.what, AccessUnit) and tracks[item.track].track.media == "video":
                self.pictures.append(item.what)
                keyframe = keyframe or _whole_keyframe(item.what)
        return keyframe
