"""Where viewers start, and that their time never goes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_ip_cam.gateway.access_unit import Unit
from alexa_ip_cam.gateway.pacing import CORRECTION, Pacing
from alexa_ip_cam.gateway.timeline import History, Timeline, history_start, squeezed_start
from alexa_ip_cam.gateway.track import Track
from unit.gateway.virtual import HISTORY, picture

EDGE = 100.0


def keyframes(*ages: float) -> list[Unit]:
    return [picture(EDGE - age, keyframe=True) for age in sorted(ages, reverse=True)]


def start(*ages: float, retime: bool = True) -> tuple[float, float | None]:
    """(age of the chosen keyframe, seconds)."""
    found = history_start(keyframes(*ages), EDGE, HISTORY, retime=retime)
    assert found is not None
    return round(EDGE - found.keyframe.capture, 3), found.seconds


@pytest.mark.parametrize(
    ("ages", "chosen", "seconds"),
    [
        ((3.15,), 3.15, None),
        ((0.4, 3.12), 3.12, None),
        ((0.2, 1.2, 2.2, 3.2), 3.2, None),
        ((2.14, 3.14, 3.17), 3.17, None),  # the one that holds most
        ((0.5, 1.5, 2.5, 3.5), 3.5, 3.2),
        ((0.8, 2.8, 4.8), 2.8, 3.1),
        ((0.3,), 0.3, 3.1),  # just woken
        ((0.0,), 0.0, 3.1),
        ((1.6, 3.7), 3.7, 3.2),
        ((2.0, 4.1), 4.1, 3.2),
        ((2.4, 6.4), 2.4, 3.1),
        ((11.0,), 11.0, 3.2),
    ],
)
def test_start_without_sound(ages: tuple[float, ...], chosen: float, seconds: float | None) -> None:
    assert start(*ages) == (chosen, seconds)


@pytest.mark.parametrize(
    ("ages", "chosen"),
    [((2.6,), 2.6), ((0.4, 2.5, 4.6), 2.5), ((0.3,), 0.3), ((2.2, 6.2), 6.2), ((1.0, 11.0), 1.0)],
)
def test_start_with_sound_is_never_retimed(ages: tuple[float, ...], chosen: float) -> None:
    assert start(*ages, retime=False) == (chosen, None)


@given(group=st.floats(0.2, 10), phase=st.floats(0, 1))
def test_every_start_without_sound_holds_enough_and_not_too_much(group: float, phase: float) -> None:
    ages = [phase * group + n * group for n in range(60) if n == 0 or phase * group + n * group < 4 + group]
    age, seconds = start(*ages)
    held = age if seconds is None else seconds
    assert HISTORY.least - 0.001 <= held <= HISTORY.aim + 0.001


def test_no_keyframe_no_start() -> None:
    assert history_start([], EDGE, HISTORY, retime=True) is None
    assert squeezed_start([], 0) is None


def test_squeezed_start() -> None:
    found = squeezed_start(keyframes(1.0, 3.0), 31)
    assert found is not None
    assert found.seconds == pytest.approx(0.030)
    assert found.keyframe.capture == EDGE - 1.0


def test_a_slow_camera_gets_more() -> None:
    usual, slow = HISTORY.at(1 / 25), HISTORY.at(1 / 5)
    assert (usual.aim, usual.floor, usual.cap) == pytest.approx((3.16, 2.26, 4.0))
    assert (slow.aim, slow.floor, slow.cap) == pytest.approx((3.975, 3.15, 4.9))
    assert (usual.least, slow.least) == pytest.approx((3.06, 3.875))
    assert History(2.3, 2.3, 4.0).least == 2.3
    assert History(2.3, 2.3, 4.0).at(1 / 10).aim >= History(2.3, 2.3, 4.0).at(1 / 10).floor


@given(
    span=st.floats(0, 12),
    seconds=st.one_of(st.none(), st.floats(0.01, 6)),
    steps=st.lists(
        st.tuples(st.floats(0.001, 3), st.sampled_from(["go", "slow", "fast", "gap"])), min_size=1, max_size=60
    ),
)
def test_time_never_goes_back(span: float, seconds: float | None, steps: list[tuple[float, str]]) -> None:
    timeline = Timeline(EDGE - span, EDGE, seconds)
    assert timeline.stamp(EDGE - span) == 0
    capture, latest = EDGE - span, 0.0
    for step, what in steps:
        capture += step
        if what == "gap":
            timeline.close_gap(capture, 0.03)
        else:
            timeline.run_at({"go": 1.0, "slow": 1 - CORRECTION, "fast": 1 + CORRECTION}[what])
        out = timeline.stamp(capture)
        assert out > latest
        if timeline.live and what != "gap" and capture - step > EDGE:
            assert out - latest <= step * (1 + CORRECTION) + 1e-6
        latest = out


def test_the_start_ends_where_it_should_and_live_goes_on() -> None:
    timeline = Timeline(90, 94, 3.2)
    assert timeline.stamp(90) == 0
    assert timeline.stamp(92) == pytest.approx(1.6)
    assert not timeline.live
    assert timeline.stamp(94) == pytest.approx(3.2)
    assert timeline.stamp(94.04) == pytest.approx(3.24)
    assert timeline.live


def test_a_keyframe_alone_stands_until_live() -> None:
    timeline = Timeline(90, 90, 2.3)
    assert timeline.stamp(90) == 0
    assert timeline.stamp(90.04) == pytest.approx(2.34)


def test_a_closed_gap_leaves_nothing_behind() -> None:
    timeline = Timeline(90, 93, None)
    timeline.stamp(93)
    timeline.close_gap(98, 0.04)
    assert timeline.stamp(98) == pytest.approx(3.04)
    assert timeline.stamp(98.04) == pytest.approx(3.08)


def test_pacing_follows_a_player_that_is_never_starved() -> None:
    pacing = Pacing(50.0, 3.2, 2.3)
    for n in range(300):
        pacing.handed(3.2 + n / 30, 50 + n / 30, 1 / 30)
    assert pacing.position(51.0, 1 / 30) == 0
    assert pacing.position(60.0, 1 / 30) == pytest.approx(60 - 51.3)


def test_pacing_sees_a_pause_when_the_player_looks() -> None:
    pacing = Pacing(50.0, 3.2, 2.3)
    for n in range(205):
        pacing.handed(3.2 + n / 30, 50 + n / 30, 1 / 30)
    pacing.handed(10.0, 65.0, 1 / 30)  # next to nothing came for 8 s
    paused_at = 50 + 10 * 1.003 - 51.3  # the first look that finds less than 1 s beside the decoder's share
    assert pacing.position(65.0, 1 / 30) == pytest.approx(paused_at)
    pacing.handed(11.0, 66.0, 1 / 30)
    assert pacing.position(66.9, 1 / 30) == pytest.approx(paused_at)
    pacing.handed(12.0, 67.0, 1 / 30)
    goes_on_at = 50 + 17 * 1.003
    assert pacing.position(67.04, 1 / 30) == pytest.approx(paused_at)
    assert pacing.position(68.0, 1 / 30) == pytest.approx(paused_at + 68 - goes_on_at)


def test_pacing_takes_delay_back_and_rebuilds_the_cushion() -> None:
    pacing = Pacing(50.0, 3.2, 2.3)
    assert pacing.slope(4.5) == 1.0
    assert pacing.slope(4.6) == 1.0 - CORRECTION
    assert pacing.slope(4.52) == 1.0 - CORRECTION  # until it is done
    assert pacing.slope(4.49) == 1.0
    assert pacing.slope(3.5) == 1.0 + CORRECTION
    assert pacing.slope(3.58) == 1.0 + CORRECTION
    assert pacing.slope(3.61) == 1.0


def test_a_viewer_is_told_to_leave_before_its_time_wraps() -> None:
    track = Track(True, 90000, 96, 0, 1)
    assert not track.near_wrap(12.9 * 3600)
    assert track.near_wrap(13.2 * 3600)
