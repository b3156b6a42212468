"""When was it captured? RTP timestamps of an upstream session, placed on this machine's monotonic clock."""

_REORDER = 0.25  # seconds a timestamp may go back: pictures sent in decoding order
_AHEAD = 0.5  # seconds a timestamp may run ahead of its arrival
_BEHIND = 10.0  # seconds it may lie behind: what a blocked connection can hold back
_WINDOW = 5.0  # seconds over which the smallest lag tells drift from jitter
_DEAD_BAND = 0.1  # seconds of drift that are left alone
_SLEW = 0.002  # share of real time that drift is taken back with
_OUT_OF_STEP = 0.2  # seconds between sound and picture that are put right at once
_TICK = 0.001  # seconds: the least step forward over a jump

_WRAP = 1 << 32


class TrackClock:
    """Maps one track's RTP timestamps to capture times in seconds, monotonic but for reordered pictures.

    Capture time follows the RTP timestamps, so that network jitter does not show. When they jump (a camera that
    restarted, or whose clock was set), the line is laid anew through the packet's arrival. When they go back a little
    without a reordered picture (LIVE555 does so when the camera's first sender report comes), it is moved by as much.
    Slow drift of the camera's clock against ours is taken back gently.

    Args:
        rate: ticks per second.
        lead: the picture's clock, when this is the sound's. Once sender reports of both have been seen, this
            clock keeps in step with it.
    """

    def __init__(self, rate: int, lead: "TrackClock | None" = None) -> None:
        self.jumps = 0
        self._rate = rate
        self._lead = lead
        self._ticks: int | None = None
        self._offset = 0.0  # capture = ticks / rate + offset
        self._latest: float | None = None  # the newest capture time
        self._line: tuple[int, float] | None = None  # from a sender report: ticks, NTP time
        self._in_step = False
        self._window_end = 0.0
        self._window_lag = _BEHIND
        self._correction = 0.0

    def capture(self, timestamp: int, arrival: float, *, reordered: bool = False) -> float:
        """The capture time of a packet that arrived at ``arrival`` (both monotonic seconds).

        ``reordered``: it may be older than the one before it.
        """
        seconds = self._unwrap(timestamp) / self._rate
        if self._latest is None:
            self._offset = arrival - seconds
            self._latest = arrival
        if self._lead is not None:
            self._keep_step(self._lead, seconds, arrival)
        moment = seconds + self._offset
        if moment < self._latest - _REORDER or not self._plausible(arrival - moment):
            self.jumps += 1
            moment = max(arrival, self._latest + _TICK)
            self._offset = moment - seconds
            self._in_step = False
            self._window_end, self._window_lag, self._correction = 0.0, _BEHIND, 0.0
        elif moment < self._latest and not reordered:
            moment = self._latest + _TICK
            self._offset = moment - seconds
        elif self._lead is None and moment > self._latest:
            self._take_drift_back(arrival - moment, moment - self._latest, arrival)
        self._latest = max(self._latest, moment)
        return moment

    def report(self, timestamp: int, ntp: float) -> None:
        """Take a sender report: this NTP time (seconds) is that RTP timestamp."""
        if self._ticks is None:
            self._ticks = timestamp
        self._line = (self._nearest(timestamp), ntp)

    @property
    def ntp_offset(self) -> float | None:
        """Capture time minus NTP time, once both are known."""
        if self._line is None or self._latest is None:
            return None
        ticks, ntp = self._line
        return ticks / self._rate + self._offset - ntp

    def _keep_step(self, lead: "TrackClock", seconds: float, arrival: float) -> None:
        theirs, ours = lead.ntp_offset, self.ntp_offset
        if theirs is None or ours is None or self._latest is None:
            return
        error = theirs - ours
        if not self._in_step or abs(error) > _OUT_OF_STEP:
            moment = seconds + self._offset + error
            if self._plausible(arrival - moment):
                self._offset += error
                self._latest = moment
                self._in_step = True
        else:
            step = max(0.0, seconds + self._offset - self._latest)
            self._offset += max(-_SLEW * step, min(_SLEW * step, error))

    def _take_drift_back(self, lag: float, step: float, arrival: float) -> None:
        self._window_lag = min(self._window_lag, lag)
        if arrival >= self._window_end:
            if self._window_end:
                self._correction = self._window_lag if abs(self._window_lag) > _DEAD_BAND else 0.0
            self._window_end, self._window_lag = arrival + _WINDOW, _BEHIND
        part = max(-_SLEW * step, min(_SLEW * step, self._correction))
        self._offset += part
        self._correction -= part

    @staticmethod
    def _plausible(lag: float) -> bool:
        return -_AHEAD <= lag <= _BEHIND

    def _unwrap(self, timestamp: int) -> int:
        self._ticks = self._nearest(timestamp)
        return self._ticks

    def _nearest(self, timestamp: int) -> int:
        if self._ticks is None:
            return timestamp
        step = (timestamp - self._ticks) % _WRAP
        return self._ticks + (step - _WRAP if step >= _WRAP // 2 else step)
