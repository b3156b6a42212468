"""How far behind live a player with a start buffer is, and how to bring it back.

Such a player (docs/gateway.md has its rules) shows its first picture a fixed time after PLAY, then runs at real
speed, pauses when little is buffered, and never catches up: every pause stays as delay. Only timestamps that
advance a little slower than capture can take delay back, and a little faster rebuild the cushion after a gap was
closed. The gateway cannot see the player, so it works out its position from what it was handed and when.
"""

SHOWN_AFTER = 1.3  # seconds from PLAY to the first picture: the player's first look at its buffer, and a decoder
_LOOKS_EVERY = 1.003  # seconds, from the first picture on; only then it pauses and goes on
_PAUSES_BELOW = 1.0  # seconds buffered
_RESUMES_AT = 2.0
_DECODER_PICTURES = 12  # taken out of the buffer into the decoder
_DECODER_LEAST, _DECODER_MOST = 0.3, 3.0  # seconds

CORRECTION = 0.025  # share of real speed: not noticed by eye
_TOLERANCE = 0.05  # seconds


class Pacing:
    """Estimates one player's position and chooses the speed of its timestamps.

    Args:
        now: monotonic seconds, when PLAY was answered.
        aim: seconds of media that a start should hold.
        least: seconds of media that a start should hold at least.
    """

    def __init__(self, now: float, aim: float, least: float) -> None:
        self._most = aim + SHOWN_AFTER
        self._least = least + SHOWN_AFTER
        self._position = 0.0
        self._since = now + SHOWN_AFTER  # runs from this moment on; the future before the start
        self._looks_at = now + _LOOKS_EVERY
        self._paused = False
        self._handed = 0.0  # the latest time handed to the player
        self._slope = 1.0

    def position(self, now: float, interval: float) -> float:
        """The time, on the viewer's timeline, of the picture that is shown now.

        Args:
            now: monotonic seconds.
            interval: seconds between pictures, lately.
        """
        while self._looks_at <= now:
            self._look(self._looks_at, interval)
            self._looks_at += _LOOKS_EVERY
        return self._at(now)

    def handed(self, latest: float, now: float, interval: float) -> None:
        """Note that the player has everything up to ``latest`` on its timeline."""
        self.position(now, interval)
        self._handed = max(self._handed, latest)

    def take_back(self, latest: float) -> None:
        """The connection is blocked: what came after ``latest`` must still be on its way."""
        self._handed = min(self._handed, latest)

    def _at(self, now: float) -> float:
        return self._position + (0.0 if self._paused else max(0.0, now - self._since))

    def _look(self, now: float, interval: float) -> None:
        """What the player does when it looks at its buffer."""
        position = self._at(now)
        buffered = self._handed - position - _decoder_seconds(interval)
        if self._paused and buffered >= _RESUMES_AT:
            self._paused, self._since = False, now
        elif not self._paused and now > self._since and buffered < _PAUSES_BELOW:
            self._paused, self._position = True, position

    def slope(self, behind: float) -> float:
        """How fast timestamps should advance, for a player that is ``behind`` live by these seconds."""
        if behind > self._most + _TOLERANCE:
            self._slope = 1.0 - CORRECTION
        elif behind < self._least - _TOLERANCE:
            self._slope = 1.0 + CORRECTION
        elif (self._slope < 1.0 and behind <= self._most) or (self._slope > 1.0 and behind >= self._least):
            self._slope = 1.0
        return self._slope

    def step_over(self, gap: float, buffered: float, interval: float) -> float:
        """How many seconds a gap in the pictures should last for the viewer.

        Args:
            gap: its length for the camera.
            buffered: seconds the player still had when the pictures came back.
            interval: seconds between pictures.
        """
        return min(gap, max(interval, self._least - buffered))


def _decoder_seconds(interval: float) -> float:
    return min(_DECODER_MOST, max(_DECODER_LEAST, _DECODER_PICTURES * interval))
