"""A running connection through the model, without keeping what came: for hours of watching."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.echo.fatal import FatalCheck
from simulators.echo.player.model import Player
from simulators.echo.player.outcome import Outcome
from simulators.echo.player.parameters import Parameters
from simulators.echo.reception import Fault, Reception
from simulators.echo.recording import capture_clock
from simulators.echo.session import EchoSession


@dataclass(frozen=True, slots=True)
class Followed:
    """``outcomes`` by name of the parameters; ``faults`` of the server; ``fatal``: what ended the connection."""

    outcomes: dict[str, Outcome]
    faults: list[Fault]
    fatal: FatalCheck | None


async def follow(
    session: EchoSession,
    seconds: float,
    parameters: Mapping[str, Parameters],
    *,
    parse: Callable[[bytes], tuple[int, int] | None] | None = None,
) -> Followed:
    """Feed an opened session to a player of each of ``parameters`` for ``seconds`` after PLAY.

    It ends sooner when the server closes or something fatal comes. ``parse`` reads (frame number, capture time in
    Unix nanoseconds) from a NAL unit.
    """
    reception = Reception(session.tracks)
    capture = capture_clock(parse, session.started_unix_ns) if parse else None
    players = {
        name: Player(
            session.tracks,
            play_at=session.play_at,
            live=session.sdp.live,
            parameters=chosen,
            capture=capture,
        )
        for name, chosen in parameters.items()
    }
    fatal: FatalCheck | None = None
    with contextlib.suppress(TimeoutError):
        try:
            async with asyncio.timeout(seconds - (session.now() - session.play_at)):
                async for packet in session:
                    for item in reception.feed(packet):
                        for player in players.values():
                            player.feed(item)
        except FatalCheck as caught:
            fatal = caught
    ended_at = session.now()
    outcomes = {name: player.finish(ended_at) for name, player in players.items()}
    for outcome in outcomes.values():
        if outcome.fatal is None and fatal is not None:
            outcome.fatal = fatal.reason
    return Followed(outcomes, reception.faults, fatal)
