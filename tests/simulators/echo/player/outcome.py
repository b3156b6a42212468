"""What the model says about a session."""

from dataclasses import dataclass, field
from statistics import median


@dataclass(slots=True)
class Rebuffer:
    """The family sees "Buffering": from ``start_s`` on, for ``length_s`` seconds."""

    start_s: float
    length_s: float


@dataclass(slots=True)
class Outcome:
    """All times in seconds after the answer to PLAY was parsed.

    ``connected_s``: first access unit. ``prepared_s``: the player is ready. ``first_picture_s``: a picture is
    shown. ``moving_s``: a second one is shown. ``delays``: for each picture shown, when and how far behind its
    capture (pictures of unknown capture time are not in it). ``least_buffer_s``: least that was buffered on any track
    after the first picture, as seen whenever the decoder took something. ``late``: too late to be shown.
    ``discarded``: before the first IDR. ``dropped_early``: older than the first sender report. ``damaged``:
    access units with a loss. ``fatal``: why the session ended, None when it did not.
    """

    connected_s: float | None = None
    prepared_s: float | None = None
    first_picture_s: float | None = None
    moving_s: float | None = None
    rebuffers: list[Rebuffer] = field(default_factory=list)
    delays: list[tuple[float, float]] = field(default_factory=list)
    shown: int = 0
    late: int = 0
    discarded: int = 0
    damaged: int = 0
    dropped_early: int = 0
    least_buffer_s: float | None = None
    fatal: str | None = None

    @property
    def frozen_s(self) -> float:
        """Sum of all rebuffers."""
        return sum(rebuffer.length_s for rebuffer in self.rebuffers)

    def delay_s(self, since_s: float = 0.0) -> float:
        """Median delay behind capture of the pictures shown from ``since_s`` on. Raises ``LookupError`` without any."""
        chosen = [delay for at, delay in self.delays if at >= since_s]
        if not chosen:
            raise LookupError(f"no picture with a known capture time was shown after {since_s:g} s")
        return median(chosen)
