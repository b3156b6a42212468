"""The model against figures worked out for the real player: start, delay, and the pause it survives."""

from dataclasses import replace

import pytest

from simulators.echo.player import Mode, Parameters
from unit.echo.scenarios import Stream

SEVEN = Parameters()
TOLERANCE_S = 0.1
OTHER_PHASES = 3
PAUSE_FROM_S = 9.0

# stream: 7.1 (prepared, first picture, delay, survived pause), 5.1 (first picture, delay, survived pause)
TABLE = {
    "none": (Stream(), (4.1, 4.4, 4.4, 2.6), (2.1, 2.1, 1.2)),
    "1 s": (Stream(burst=1), (3.0, 3.3, 4.3, 2.5), (1.1, 2.1, 1.2)),
    "1.2 s": (Stream(burst=1.2), (2.0, 2.3, 3.5, 1.7), (0.9, 2.1, 1.2)),
    "2 s": (Stream(burst=2), (2.0, 2.3, 4.3, 2.5), (0.33, 2.3, 1.4)),
    "2.2 s": (Stream(burst=2.2), (1.0, 1.33, 3.5, 1.7), (0.33, 2.5, 1.65)),
    "2.6 s": (Stream(burst=2.6), (1.0, 1.33, 3.9, 2.1), (0.33, 2.9, 2.0)),
    "3.2 s": (Stream(burst=3.2), (1.0, 1.33, 4.5, 2.7), (0.33, 3.5, 2.6)),
    "3.6 s": (Stream(burst=3.6), (1.0, 1.33, 4.9, 3.1), (0.33, 3.9, 3.05)),
    "4 s": (Stream(burst=4), (1.0, 1.33, 5.3, 3.5), (0.33, 4.3, 3.4)),
    "5 s": (Stream(burst=5), (1.0, 1.33, 6.3, 4.5), (0.33, 5.3, 4.5)),
    "4 s squeezed": (Stream(burst=4, span=0.06), (4.0, 4.3, 4.4, 2.6), (2.1, 2.1, 1.2)),
    "0.6 s stretched": (Stream(burst=0.6, span=2.2), (1.0, 1.34, 3.5, 1.7), (0.33, 2.5, 1.65)),
}


def rebuffers_in(stream: Stream, parameters: Parameters, pause_s: float) -> bool:
    """Whether a pause of the network freezes the picture, at its worst moment or at others between two polls."""
    connected = stream.play(parameters).connected_s
    assert connected is not None
    last_poll = connected + parameters.poll_s + 14 * (parameters.poll_s + parameters.poll_drift_s)
    worst = last_poll + 0.01 - pause_s  # the poll looks just before the network comes back
    for begin in (worst, *(PAUSE_FROM_S + phase / OTHER_PHASES for phase in range(OTHER_PHASES))):
        paused = replace(stream, pause=(begin, pause_s), seconds=18.0)
        if paused.play(parameters).rebuffers:
            return True
    return False


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("mode", Mode)
def test_start_and_delay(name: str, mode: Mode) -> None:
    stream, seven, five = TABLE[name]
    outcome = stream.play(replace(SEVEN, mode=mode))
    first_picture, delay = (seven[1], seven[2]) if mode is Mode.ANDROID_7 else (five[0], five[1])
    if mode is Mode.ANDROID_7:
        assert outcome.prepared_s == pytest.approx(seven[0], abs=TOLERANCE_S)
    assert outcome.first_picture_s == pytest.approx(first_picture, abs=TOLERANCE_S)
    assert outcome.delay_s(since_s=8) == pytest.approx(delay, abs=TOLERANCE_S)
    assert outcome.fatal is None
    assert not outcome.rebuffers


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("mode", Mode)
def test_pause_it_survives(name: str, mode: Mode) -> None:
    stream, seven, five = TABLE[name]
    parameters = replace(SEVEN, mode=mode)
    survived = seven[3] if mode is Mode.ANDROID_7 else five[2]
    assert not rebuffers_in(stream, parameters, survived - TOLERANCE_S)
    assert rebuffers_in(stream, parameters, survived + TOLERANCE_S + 0.03)


def test_squeezed_pictures_are_thrown_away() -> None:
    outcome = TABLE["4 s squeezed"][0].play(SEVEN)
    assert outcome.late >= 58


@pytest.mark.parametrize(("burst", "survived"), [(2.2, 2.0), (3.2, 3.0)])
def test_25_pictures_a_second_survive_longer(burst: float, survived: float) -> None:
    stream = Stream(burst=burst, fps=25)
    assert not rebuffers_in(stream, SEVEN, survived - TOLERANCE_S)
    assert rebuffers_in(stream, SEVEN, survived + TOLERANCE_S + 0.03)


@pytest.mark.parametrize(("burst", "survived"), [(2.6, 0.4), (3.2, 1.0), (5.0, 2.8)])
def test_5_pictures_a_second_survive_little(burst: float, survived: float) -> None:
    stream = Stream(burst=burst, fps=5)
    assert not rebuffers_in(stream, SEVEN, survived - 0.2)
    assert rebuffers_in(stream, SEVEN, survived + 0.2)


def test_5_pictures_a_second_need_more_than_2_2_s() -> None:
    assert Stream(burst=2.2, fps=5).play(SEVEN).prepared_s == pytest.approx(2.0, abs=TOLERANCE_S)
    assert Stream(burst=2.6, fps=5).play(SEVEN).prepared_s == pytest.approx(1.0, abs=TOLERANCE_S)
