"""Recorded connections through the model."""

from collections.abc import Mapping

from simulators.echo.player.model import Player
from simulators.echo.player.outcome import Outcome
from simulators.echo.player.parameters import Parameters, variants
from simulators.echo.recording import Capture, Recording


def replay(
    recording: Recording,
    parameters: Mapping[str, Parameters] | None = None,
    *,
    capture: Capture | None = None,
) -> dict[str, Outcome]:
    """Each of ``parameters`` (by name; None: all variants) over one recording."""
    items, _ = recording.received()
    outcomes: dict[str, Outcome] = {}
    for name, chosen in (dict(variants()) if parameters is None else parameters).items():
        player = Player(
            recording.tracks,
            play_at=recording.play_at,
            live=recording.live,
            parameters=chosen,
            capture=capture,
        )
        for item in items:
            player.feed(item)
        outcome = player.finish(recording.ended_at)
        if outcome.fatal is None and recording.fatal is not None:
            outcome.fatal = recording.fatal.reason
        outcomes[name] = outcome
    return outcomes
