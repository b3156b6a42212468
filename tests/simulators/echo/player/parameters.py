"""The figures of the player's model, and the variants worth trying because no one outside Amazon knows them.

Defaults are those of AOSP 7.1.2's player; ``start_s`` and ``pipeline_frames`` depend on the device's decoder and are
estimates.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product


class Mode(StrEnum):
    """Which generation of the player: they differ in when they start and in what buffering does."""

    ANDROID_5 = "5.1"
    ANDROID_7 = "7.1"


class Resume(StrEnum):
    """What ends a pause for buffering: the next poll alone, or the decoder's demand too."""

    POLL = "poll"
    DEMAND = "demand"


@dataclass(frozen=True, slots=True)
class Parameters:
    """All times in seconds.

    ``poll_s`` + ``poll_drift_s``: how often the buffer is looked at. ``prepared_above_s``: media buffered on every
    track to be ready. ``resume_at_s``, ``pause_below_s``: marks for the end and the beginning of buffering.
    ``report_patience_s``: wait for sender reports. ``watchdog_s``: each such window needs an access unit.
    ``late_s``: a picture later than this is not shown. ``start_s``: from ready to decoding. ``demand_s``: how often
    the decoder asks. ``pipeline_frames``: pictures inside the decoder. ``decode_s``: time for one picture.
    ``audio_sink_s``: sound inside the audio path. ``idr_gate``: the decoder shows nothing before the first IDR.
    """

    mode: Mode = Mode.ANDROID_7
    poll_s: float = 1.0
    poll_drift_s: float = 0.003
    prepared_above_s: float = 3.0
    resume_at_s: float = 2.0
    pause_below_s: float = 1.0
    report_patience_s: float = 10.0
    watchdog_s: float = 10.0
    late_s: float = 0.040
    start_s: float = 0.3
    demand_s: float = 0.010
    pipeline_frames: int = 12
    decode_s: float = 0.008
    audio_sink_s: float = 0.6
    idr_gate: bool = True
    resume: Resume = Resume.POLL


def variants() -> Iterator[tuple[str, Parameters]]:
    """Each variant with a name: decoder depth and start, IDR gate, generation, and a faster poll."""
    stock = Parameters()
    for mode, frames, start, gate in product(Mode, (6, 12, 20), (0.2, 0.5), (True, False)):
        chosen = replace(stock, mode=mode, pipeline_frames=frames, start_s=start, idr_gate=gate)
        name = f"{mode} P={frames} T={start:g} {'gate' if gate else 'no gate'}"
        yield name, chosen
        if mode is Mode.ANDROID_7:
            yield f"{name} fast poll", replace(chosen, poll_s=0.1)
