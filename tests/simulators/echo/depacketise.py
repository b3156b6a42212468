"""RTP payloads to access units, with the player's rules for order, loss and damage.

The player (AOSP stagefright's ARTPSource and its assemblers) sorts by sequence number, waits 10 ms for each missing
number, looks at the clock only when a packet comes, and ends an access unit only when a NAL unit with another RTP
time is complete. The marker bit means nothing to it. H.264: RFC 6184; AAC: RFC 3640.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from simulators.echo.codecs import Format
from simulators.echo.rtp import RtpPacket

IDR = 5
_STAP_A = 24
_FU_A = 28
_LAST_SINGLE = 23
WAIT_S = 0.010
_HALF = 1 << 15
_CYCLE = 1 << 16


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One picture, or one step of audio.

    ``rtp``: RTP time. ``sequence``: extended number of its first packet. ``nals``: NAL units, or audio payloads.
    ``complete``: nothing of it was lost as far as the player can tell. Times are seconds since the TCP connect
    began: first and last packet's arrival, and the moment the player knew that it was whole.
    """

    rtp: int
    sequence: int
    nals: tuple[bytes, ...]
    complete: bool
    first_at: float
    last_at: float
    delivered_at: float

    @property
    def idr(self) -> bool:
        """It holds an IDR slice (NAL unit type 5)."""
        return any(nal[0] & 0x1F == IDR for nal in self.nals if nal)

    @property
    def starts_picture(self) -> bool:
        """Its first slice is the picture's first (first_mb_in_slice = 0): no slice is missing before it."""
        slices = [nal for nal in self.nals if nal and 1 <= nal[0] & 0x1F <= IDR]
        return bool(slices) and len(slices[0]) > 1 and bool(slices[0][1] & 0x80)

    @property
    def size(self) -> int:
        """Bytes of all NAL units or payloads, without start codes."""
        return sum(map(len, self.nals))


@dataclass(slots=True)
class _Held:
    """A packet in the queue, with its arrival and its extended sequence number."""

    t: float
    sequence: int
    packet: RtpPacket


class _Step(Enum):
    OK = auto()
    MALFORMED = auto()
    NOT_ENOUGH = auto()
    WRONG_SEQUENCE = auto()


class Assembler:
    """One RTP source (one SSRC on one channel). Subclasses know the payload format."""

    def __init__(self) -> None:
        self._queue: list[_Held] = []
        self._highest: int | None = None
        self._expected: int | None = None
        self._failed_at: float | None = None
        self._damaged = False
        self._pending: list[tuple[_Held, bytes]] = []
        self._pending_last_at = 0.0
        self._out: list[AccessUnit] = []

    def feed(self, t: float, packet: RtpPacket) -> list[AccessUnit]:
        """The access units that are finished by ``packet``, which came at ``t`` seconds. Never raises."""
        self._insert(t, packet)
        while True:
            step = self._step(t)
            if step is _Step.WRONG_SEQUENCE:
                if self._failed_at is None:
                    self._failed_at = t
                    break
                if t - self._failed_at <= WAIT_S:
                    break
                self._failed_at = None
                self._lose_one()
                continue
            self._failed_at = None
            if step is _Step.NOT_ENOUGH:
                break
            if step is _Step.MALFORMED:
                self._damaged = True
        finished, self._out = self._out, []
        return finished

    def _insert(self, t: float, packet: RtpPacket) -> None:
        if self._highest is None:
            sequence = self._highest = packet.sequence
        else:
            step = (packet.sequence - self._highest + _HALF) % _CYCLE - _HALF
            sequence = self._highest + step
            self._highest = max(self._highest, sequence)
        at = len(self._queue)
        while at and self._queue[at - 1].sequence >= sequence:
            at -= 1
        if at == len(self._queue) or self._queue[at].sequence != sequence:
            self._queue.insert(at, _Held(t, sequence, packet))

    def _lose_one(self) -> None:
        assert self._expected is not None
        self._expected += 1
        self._damaged = True

    def _step(self, t: float) -> _Step:
        if self._expected is not None:
            stale = 0
            while stale < len(self._queue) and self._queue[stale].sequence < self._expected:
                stale += 1
            self._pop(stale)
        if not self._queue:
            return _Step.NOT_ENOUGH
        head = self._queue[0]
        if self._expected is None:
            self._expected = head.sequence
        elif head.sequence != self._expected:
            return _Step.WRONG_SEQUENCE
        return self._take(t, head)

    def _take(self, t: float, head: _Held) -> _Step:
        raise NotImplementedError

    def _pop(self, count: int) -> None:
        del self._queue[:count]

    def _consume(self, count: int) -> None:
        assert self._expected is not None
        self._pop(count)
        self._expected += count

    def _add(self, t: float, head: _Held, last_at: float, unit: bytes) -> None:
        if self._pending and self._pending[0][0].packet.timestamp != head.packet.timestamp:
            self._submit(t)
        self._pending_last_at = max(self._pending_last_at, last_at)
        self._pending.append((head, unit))

    def _submit(self, t: float) -> None:
        first = self._pending[0][0]
        self._out.append(
            AccessUnit(
                rtp=first.packet.timestamp,
                sequence=first.sequence,
                nals=tuple(unit for _, unit in self._pending),
                complete=not self._damaged,
                first_at=min(held.t for held, _ in self._pending),
                last_at=self._pending_last_at,
                delivered_at=t,
            )
        )
        self._pending = []
        self._pending_last_at = 0.0
        self._damaged = False


class H264Assembler(Assembler):
    """Single NAL units, STAP-A and FU-A; anything else damages the access unit."""

    def __init__(self) -> None:
        super().__init__()
        self._checked = 0  # fragments at the queue's head already known to belong together

    def _pop(self, count: int) -> None:
        if count:
            self._checked = 0
        super()._pop(count)

    def _take(self, t: float, head: _Held) -> _Step:
        payload = head.packet.payload
        kind = payload[0] & 0x1F if payload else 0
        if kind == _FU_A:
            return self._take_fragments(t, head)
        self._consume(1)
        if 1 <= kind <= _LAST_SINGLE:
            self._add(t, head, head.t, payload)
            return _Step.OK
        if kind == _STAP_A:
            return self._take_aggregate(t, head)
        return _Step.MALFORMED

    def _take_aggregate(self, t: float, head: _Held) -> _Step:
        payload = head.packet.payload
        at = 1
        while at < len(payload):
            size = int.from_bytes(payload[at : at + 2])
            unit = payload[at + 2 : at + 2 + size]
            if not unit or len(unit) < size:
                return _Step.MALFORMED
            self._add(t, head, head.t, unit)
            at += 2 + size
        return _Step.OK

    def _take_fragments(self, t: float, head: _Held) -> _Step:
        first = head.packet.payload
        if len(first) < 2 or not first[1] & 0x80:
            self._consume(1)
            return _Step.MALFORMED
        count = max(self._checked, 1)
        ended = bool(self._queue[count - 1].packet.payload[1] & 0x40)
        while not ended:
            if count == len(self._queue):
                self._checked = count
                return _Step.NOT_ENOUGH
            held = self._queue[count]
            if held.sequence != head.sequence + count:
                self._checked = count
                return _Step.WRONG_SEQUENCE
            payload = held.packet.payload
            same = len(payload) >= 2 and payload[0] == first[0] and (payload[1] ^ first[1]) & 0x1F == 0
            if not same or payload[1] & 0x80:
                self._consume(count)
                return _Step.MALFORMED
            ended = bool(payload[1] & 0x40)
            count += 1
        fragments = self._queue[:count]
        self._consume(count)
        unit = bytes([first[0] & 0xE0 | first[1] & 0x1F]) + b"".join(held.packet.payload[2:] for held in fragments)
        self._add(t, head, max(held.t for held in fragments), unit)
        return _Step.OK


class GroupAssembler(Assembler):
    """Payloads of one RTP time make one access unit (AAC and other codecs)."""

    def _take(self, t: float, head: _Held) -> _Step:
        self._consume(1)
        if not head.packet.payload:
            return _Step.MALFORMED
        self._add(t, head, head.t, head.packet.payload)
        return _Step.OK


class RawAssembler(Assembler):
    """Each packet is an access unit at once (PCMU, PCMA)."""

    def _take(self, t: float, head: _Held) -> _Step:
        self._consume(1)
        if not head.packet.payload:
            return _Step.MALFORMED
        self._add(t, head, head.t, head.packet.payload)
        self._submit(t)
        return _Step.OK


_ASSEMBLERS: dict[str, Callable[[], Assembler]] = {
    "H264": H264Assembler,
    "PCMU": RawAssembler,
    "PCMA": RawAssembler,
}


def assembler_for(form: Format) -> Assembler:
    """A fresh assembler for a track of this format."""
    return _ASSEMBLERS.get(form.codec, GroupAssembler)()


def audio_seconds(form: Format, unit: AccessUnit) -> float:
    """How long an audio access unit plays, in seconds."""
    if form.codec in {"PCMU", "PCMA"}:
        return unit.size / (form.rate * form.channels)
    if form.codec == "MPEG4-GENERIC":
        header_bits = int(form.fmtp["sizeLength"]) + int(form.fmtp["indexLength"])
        frames = sum(int.from_bytes(payload[:2]) // header_bits for payload in unit.nals)
        return max(frames, 1) * 1024 / form.rate
    return 1024 / form.rate if form.codec == "MP4A-LATM" else 0.020
