"""Many sessions of an Echo at once, each recorded behind a network of its own that can pause."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.direct import Way
from simulators.echo import EchoSession, FatalCheck, Packet, Recording, capture_clock
from simulators.echo.player import Outcome, Parameters, replay
from simulators.echo.reception import Fault
from simulators.relay import Relay
from world import sei


@dataclass(frozen=True)
class Plan:
    """One session to come. ``group``: what its figures are put together with.

    ``start_s``: when it connects, from the beginning of the run. ``seconds``: how long it watches after PLAY.
    ``pause_at_s``, ``pause_s``: when, from its connecting, the network stands still, and for how long (0: never).
    """

    group: str
    way: Way
    start_s: float
    seconds: float
    pause_at_s: float = 0.0
    pause_s: float = 0.0


@dataclass(frozen=True)
class Session:
    """What came of a plan: the recording, if it came as far as PLAY, and why it ended early, if it did."""

    plan: Plan
    recording: Recording | None
    failed: str

    def outcomes(self, variants: dict[str, Parameters]) -> dict[str, Outcome]:
        """The recording through each variant of the player. Raises RuntimeError without one."""
        if self.recording is None:
            raise RuntimeError(f"{self.plan.group}: {self.failed}")
        capture = capture_clock(sei.parse, self.recording.started_unix_ns)
        return replay(self.recording, variants, capture=capture)

    def faults(self) -> list[Fault]:
        """What the server must not do, found in the recording."""
        return [] if self.recording is None else self.recording.received()[1]


def record(plans: Sequence[Plan], *, address: str, roots_pem: Path) -> list[Session]:
    """Carry all plans out, each at its time. Packets are only kept, so that many sessions can be had at once."""
    return asyncio.run(_record(plans, address, roots_pem))


async def _record(plans: Sequence[Plan], address: str, roots_pem: Path) -> list[Session]:
    return list(await asyncio.gather(*(_session(plan, address, roots_pem) for plan in plans)))


async def _session(plan: Plan, address: str, roots_pem: Path) -> Session:
    await asyncio.sleep(plan.start_s)
    if not plan.pause_s:
        return await _watch(plan, address, plan.way.port, roots_pem)
    async with Relay(address, plan.way.port) as relay:
        pausing = asyncio.create_task(_pause(relay, plan))
        try:
            return await _watch(plan, "127.0.0.1", relay.port, roots_pem)
        finally:
            pausing.cancel()


async def _watch(plan: Plan, address: str, port: int, roots_pem: Path) -> Session:
    session = EchoSession(plan.way.uri, address=address, port=port, roots_pem=roots_pem)
    packets: list[Packet] = []
    failed = "the server closed the connection"
    fatal: FatalCheck | None = None
    try:
        await session.open()
        try:
            async with asyncio.timeout(plan.seconds):
                async for packet in session:
                    packets.append(packet)  # noqa: PERF401 - kept although the time runs out
        except TimeoutError:
            failed = ""
        except FatalCheck as caught:
            fatal, failed = caught, caught.reason
        ended_at = session.now()
    except (FatalCheck, OSError) as error:
        return Session(plan, None, str(error))
    finally:
        await session.close()
    recording = Recording(
        tracks=tuple(session.tracks),
        live=session.sdp.live,
        play_at=session.play_at,
        ended_at=ended_at,
        started_unix_ns=session.started_unix_ns,
        packets=tuple(packets),
        fatal=fatal,
    )
    return Session(plan, recording, failed)


async def _pause(relay: Relay, plan: Plan) -> None:
    await asyncio.sleep(plan.pause_at_s)
    relay.pause()
    await asyncio.sleep(plan.pause_s)
    relay.resume()
