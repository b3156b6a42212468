"""Many sessions of an Echo at once, each recorded behind a network of its own that can pause."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.direct import Way
from simulators.echo import FatalCheck, Recording, capture_clock, watch
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
    """What came of a plan: the recording and the server's faults, or why there was none."""

    plan: Plan
    recording: Recording | None
    faults: list[Fault]
    failed: str

    def outcomes(self, variants: dict[str, Parameters]) -> dict[str, Outcome]:
        """The recording through each variant of the player. Raises RuntimeError without one."""
        if self.recording is None:
            raise RuntimeError(f"{self.plan.group}: {self.failed}")
        capture = capture_clock(sei.parse, self.recording.started_unix_ns)
        return replay(self.recording, variants, capture=capture)


def record(plans: Sequence[Plan], *, address: str, roots_pem: Path) -> list[Session]:
    """Carry all plans out, each at its time."""
    return asyncio.run(_record(plans, address, roots_pem))


async def _record(plans: Sequence[Plan], address: str, roots_pem: Path) -> list[Session]:
    return list(await asyncio.gather(*(_session(plan, address, roots_pem) for plan in plans)))


async def _session(plan: Plan, address: str, roots_pem: Path) -> Session:
    await asyncio.sleep(plan.start_s)
    async with Relay(address, plan.way.port) as relay:
        pausing = asyncio.create_task(_pause(relay, plan))
        try:
            watched = await watch(
                plan.way.uri, address="127.0.0.1", port=relay.port, roots_pem=roots_pem, seconds=plan.seconds
            )
        except (FatalCheck, OSError) as error:
            return Session(plan, None, [], str(error))
        finally:
            pausing.cancel()
    failed = str(watched.fatal or ("the server closed the connection" if watched.closed else ""))
    return Session(plan, watched.recording, watched.faults, failed)


async def _pause(relay: Relay, plan: Plan) -> None:
    if plan.pause_s:
        await asyncio.sleep(plan.pause_at_s)
        relay.pause()
        await asyncio.sleep(plan.pause_s)
        relay.resume()
