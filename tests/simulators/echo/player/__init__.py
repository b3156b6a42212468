"""The model of the Echo's player: when a picture is shown, when it buffers, how far it is behind."""

from simulators.echo.player.follow import Followed, follow
from simulators.echo.player.model import Player
from simulators.echo.player.outcome import Outcome, Rebuffer
from simulators.echo.player.parameters import Mode, Parameters, Resume, variants
from simulators.echo.player.replay import replay

__all__ = [
    "Followed",
    "Mode",
    "Outcome",
    "Parameters",
    "Player",
    "Rebuffer",
    "Resume",
    "follow",
    "replay",
    "variants",
]
