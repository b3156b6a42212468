"""An hour of every camera on an Echo, with cameras that restart and hang: the player survives everything.

Runs only when it is asked for by name. ``BENCH_MINUTES`` makes it shorter or longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks import services
from benchmarks.echo_outcomes import SETTLED_S, STOCK, delays
from benchmarks.figures import Figures
from benchmarks.options import option
from benchmarks.streams import gateway_way
from home import Home
from simulators.echo import EchoSession, FatalCheck
from simulators.echo.player import Mode, Parameters
from simulators.echo.player.follow import Followed, follow
from world import PROFILES, sei

_MINUTES = 60.0
_OUTAGE_EVERY_S = 150.0
_AWAY_S = 8.0
_AGAIN_S = 1.0
# What a player notices of a camera's end before the gateway closes the stream is the camera's fault.
_LAST_WORDS_S = 12.0
_REFUSED = "DESCRIBE answered 503"
_PLAYERS = {**STOCK, "5.1": Parameters(mode=Mode.ANDROID_5)}


@dataclass
class Camera:
    """What happened to one camera's viewer."""

    followed: list[Followed] = field(default_factory=list)
    refused: int = 0
    fatal: list[str] = field(default_factory=list)


def run(home: Home) -> Figures:
    """All cameras of the home at once."""
    seconds = 60 * option("BENCH_MINUTES", _MINUTES)
    before = services.use(home.appliance, [services.GATEWAY])[services.GATEWAY]
    cameras, outages = asyncio.run(_watch(home, seconds))
    after = services.use(home.appliance, [services.GATEWAY])[services.GATEWAY]
    figures = Figures()
    followed = [one for camera in cameras.values() for one in camera.followed]
    fatal = [f"{name}: {reason}" for name, camera in cameras.items() for reason in camera.fatal]
    fatal += [str(outcome.fatal) for one in followed for outcome in one.outcomes.values() if outcome.fatal]
    for reason in sorted(set(fatal)):
        print(f"  fatal: {reason}")
    for reason in sorted({fault.reason for one in followed for fault in one.faults})[:10]:
        print(f"  fault: {reason}")
    figures.add("minutes", seconds / 60)
    figures.add("outages", outages)
    figures.add("sessions", len(followed))
    figures.add("refused_while_away", sum(camera.refused for camera in cameras.values()))
    figures.add("fatal_checks", len(fatal), "== 0")
    figures.add("faults", sum(len(one.faults) for one in followed), "== 0")
    for kind, audible in (("video_only", False), ("with_audio", True)):
        chosen = [
            one for name in cameras if (PROFILES[name].audio != "none") is audible for one in cameras[name].followed
        ]
        outcomes = [outcome for one in chosen for name, outcome in one.outcomes.items() if name in STOCK]
        first = [outcome.first_picture_s for outcome in outcomes if outcome.first_picture_s is not None]
        figures.add(f"{kind}_first_picture_s_max", max(first))
        figures.add(f"{kind}_delay_s_max", max(delays(outcomes, SETTLED_S)))
    figures.add("rebuffers", sum(_unexplained(one) for one in followed), "== 0")
    figures.add("gateway_same_process", float(before.pid == after.pid), "== 1")
    figures.add("gateway_rss_mb_before", before.rss_mb)
    figures.add("gateway_rss_mb_after", after.rss_mb, f"<= {before.rss_mb + 20:.0f}")
    figures.add("gateway_files_before", before.files)
    figures.add("gateway_files_after", after.files)
    return figures


def _unexplained(followed: Followed) -> int:
    """Rebuffers of the stock player that no outage at the session's end accounts for."""
    count = 0
    for name in STOCK:
        outcome = followed.outcomes[name]
        last = max((at for at, _ in outcome.delays), default=0.0)
        count += sum(rebuffer.start_s < last - _LAST_WORDS_S for rebuffer in outcome.rebuffers)
    return count


async def _watch(home: Home, seconds: float) -> tuple[dict[str, Camera], int]:
    cameras = {entry["id"]: Camera() for entry in home.inventory.cameras}
    deadline = time.monotonic() + seconds
    outages = asyncio.create_task(_outages(home, list(cameras), deadline))
    await asyncio.gather(*(_viewer(home, camera_id, camera, deadline) for camera_id, camera in cameras.items()))
    return cameras, await outages


async def _viewer(home: Home, camera_id: str, camera: Camera, deadline: float) -> None:
    while (left := deadline - time.monotonic()) > SETTLED_S:
        way = gateway_way(home, camera_id)
        session = EchoSession(way.uri, address=home.appliance.address, roots_pem=home.roots_pem)
        try:
            await session.open()
            camera.followed.append(await follow(session, left, _PLAYERS, parse=sei.parse))
        except FatalCheck as fatal:
            if fatal.reason.startswith(_REFUSED):
                camera.refused += 1
            else:
                camera.fatal.append(fatal.reason)
        finally:
            await session.close()
        await asyncio.sleep(_AGAIN_S)


async def _outages(home: Home, camera_ids: list[str], deadline: float) -> int:
    """Kill and hang the cameras in turn; gives how often."""
    ways: tuple[tuple[Callable[[str], None], Callable[[str], None]], ...] = (
        (home.world.kill_camera, home.world.start_camera),
        (home.world.hang_camera, home.world.resume_camera),
    )
    count = 0
    every = min(_OUTAGE_EVERY_S, (deadline - time.monotonic()) / (len(camera_ids) + 1))
    while deadline - time.monotonic() > every + _AWAY_S:
        await asyncio.sleep(every - _AWAY_S)
        camera_id = camera_ids[count % len(camera_ids)]
        break_it, mend_it = ways[count // len(camera_ids) % len(ways)]
        await asyncio.to_thread(break_it, camera_id)
        await asyncio.sleep(_AWAY_S)
        await asyncio.to_thread(mend_it, camera_id)
        count += 1
    return count
