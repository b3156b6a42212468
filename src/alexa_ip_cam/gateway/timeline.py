"""Where a viewer starts, and the time it sees: capture time in, seconds since its first picture out."""

from dataclasses import dataclass

from alexa_ip_cam.gateway.access_unit import Unit

_STEP = 0.001  # seconds between pictures of a squeezed start
_DECODER_PICTURES = 12  # pictures a decoder takes out of the player's buffer,
_USUAL_INTERVAL = 1 / 8  # which the aim allows for at this many seconds between them
_MOST_EXTRA = 6.0  # seconds
_LEEWAY = 0.05  # seconds: the floor has some
_SPARE = 0.1  # seconds: a start that holds so much less than the aim is left as it is


@dataclass(frozen=True, slots=True)
class History:
    """How much recent media a player with a start buffer is given, seconds.

    Attributes:
        aim: what a start should hold; with less than `least`, a pause of 2.5 s may be seen.
        floor: less makes the player show its first picture later. It counts with sound, where nothing is re-timed.
        cap: with sound, where nothing can be re-timed, a start may hold up to twice this.
    """

    aim: float
    floor: float
    cap: float

    @property
    def least(self) -> float:
        """What a start should hold at least where it can be re-timed."""
        return max(self.floor, self.aim - _SPARE)

    def at(self, interval: float) -> "History":
        """The same for a camera with so many seconds between pictures.

        A slow camera needs more. And the newest picture is as old as that when it is known to be whole, which
        belongs to the delay that is aimed at.
        """
        extra = min(_MOST_EXTRA, max(0.0, _DECODER_PICTURES * (interval - _USUAL_INTERVAL)))
        floor = self.floor + extra - min(interval, _LEEWAY)
        return History(max(floor, self.aim + extra - min(interval, _USUAL_INTERVAL)), floor, self.cap + extra)


@dataclass(frozen=True, slots=True)
class Start:
    """The keyframe to start with, and how many seconds the viewer's time runs from it to the live edge.

    ``seconds`` is None for the time it really took.
    """

    keyframe: Unit
    seconds: float | None


def history_start(keyframes: list[Unit], edge: float, history: History, *, retime: bool) -> Start | None:
    """Choose the start for a player that fills a buffer before it shows anything.

    Args:
        keyframes: where a start is possible, oldest first.
        edge: capture time of the newest picture.
        history: how much media the start should hold.
        retime: whether timestamps may differ from capture times: only without sound.

    Returns:
        None when there is no keyframe.
    """
    if not keyframes:
        return None
    if not retime:
        enough = [unit for unit in keyframes if history.floor <= edge - unit.capture <= 2 * history.cap]
        return Start(enough[-1] if enough else keyframes[-1], None)

    def distortion(unit: Unit) -> float:
        age = edge - unit.capture
        if age < history.least:
            return history.least / max(age, _STEP)
        return max(1.0, age / (history.aim + _STEP))

    # Least distorted; of several undistorted ones the oldest, which holds most.
    best = min(keyframes, key=distortion)
    age = edge - best.capture
    if age < history.least:
        return Start(best, history.least)
    return Start(best, history.aim if age > history.aim + _STEP else None)


def squeezed_start(keyframes: list[Unit], pictures: int) -> Start | None:
    """Choose the start for a player that shows pictures as they come: the newest keyframe, moments before live.

    Args:
        keyframes: where a start is possible, oldest first.
        pictures: how many there are from the newest keyframe to the live edge.
    """
    return Start(keyframes[-1], max(0, pictures - 1) * _STEP) if keyframes else None


class Timeline:
    """Maps capture times to the seconds a viewer sees, which advance whatever capture times do.

    Args:
        first: capture time of the first picture; it is shown at 0.
        edge: capture time of the newest picture at the start.
        seconds: what the span between the two is mapped to; None for its real length.
    """

    def __init__(self, first: float, edge: float, seconds: float | None) -> None:
        span = max(0.0, edge - first)
        seconds = span if seconds is None else seconds
        self._in, self._out = first, 0.0
        self._slope = seconds / span if span else 1.0
        self._live: tuple[float, float] | None = (edge, seconds)  # where the start ends and live begins
        self.latest = 0.0  # the largest time handed out
        self.latest_capture = first  # the capture time it belongs to

    @property
    def live(self) -> bool:
        """Whether the start has been handed out."""
        return self._live is None

    def stamp(self, capture: float) -> float:
        """The viewer's time, in seconds, of something captured then."""
        if self._live is not None and capture > self._live[0]:
            self._in, self._out = self._live
            self._slope, self._live = 1.0, None
        out = max(0.0, self._out + (capture - self._in) * self._slope)
        if out > self.latest:
            self.latest, self.latest_capture = out, capture
        return out

    def run_at(self, slope: float) -> None:
        """From the latest picture on, let the viewer's time advance at this rate against capture time."""
        if self.live and slope != self._slope:
            self._in, self._out, self._slope = self.latest_capture, self.latest, slope

    def close_gap(self, capture: float, step: float) -> None:
        """Let what was captured at ``capture`` follow the latest picture after ``step`` seconds."""
        self._in, self._out = capture, self.latest + step
        self._slope, self._live = 1.0, None
        self.latest, self.latest_capture = self._out, capture
