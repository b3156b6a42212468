"""Capture times follow the camera's timestamps; the ring keeps what a start needs and no more."""

import itertools
import random

import pytest

from alexa_ip_cam.gateway.clock import TrackClock
from alexa_ip_cam.gateway.ring import Ring
from unit.gateway.virtual import picture, sound


def test_jitter_does_not_show_and_timestamps_may_wrap() -> None:
    clock = TrackClock(90000)
    dice = random.Random(1)  # noqa: S311 - jitter, not a secret
    base = 0xFFFFFF00
    times = [clock.capture(base + n * 3000 & 0xFFFFFFFF, 50 + n / 30 + dice.random() * 0.3) for n in range(300)]
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert max(steps) - min(steps) < 0.001
    assert clock.jumps == 0


def test_a_blocked_connection_is_no_jump() -> None:
    clock = TrackClock(90000)
    times = [clock.capture(n * 3000, max(n / 30, 4.0) if n > 30 else n / 30) for n in range(120)]
    assert clock.jumps == 0
    assert times[-1] == pytest.approx(119 / 30, abs=0.01)


@pytest.mark.parametrize("jump", [90000 * 60, -90000 * 60, 1 << 31])
def test_a_jump_lays_the_line_anew_and_time_goes_on(jump: int) -> None:
    clock = TrackClock(90000)
    times = [clock.capture(n * 3000, 10 + n / 30) for n in range(30)]
    times += [clock.capture(n * 3000 + jump & 0xFFFFFFFF, 13 + n / 30) for n in range(30, 60)]
    assert clock.jumps == 1
    assert times == sorted(times)
    assert times[-1] == pytest.approx(13 + 59 / 30, abs=0.01)


def test_reordered_pictures_keep_their_order_in_time() -> None:
    clock = TrackClock(90000)
    order = [0, 3, 1, 2, 6, 4, 5]
    times = [clock.capture(n * 3000, 1 + i / 30, reordered=n % 3 != 0) for i, n in enumerate(order)]
    assert sorted(range(7), key=lambda i: times[i]) == sorted(range(7), key=lambda i: order[i])


@pytest.mark.parametrize("back", [3500, 5141, 20000])
def test_a_small_step_back_that_is_no_reordering_moves_the_line_by_as_much(back: int) -> None:
    clock = TrackClock(90000)
    times = [clock.capture(n * 3000, 1 + n / 30) for n in range(30)]
    times += [clock.capture(n * 3000 - back, 1 + n / 30) for n in range(30, 60)]
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert min(steps) == pytest.approx(0.001)
    assert sum(step == pytest.approx(1 / 30) for step in steps) == 58
    assert clock.jumps == 0


@pytest.mark.parametrize("drift", [1e-3, -1e-3])
def test_drift_is_taken_back_smoothly(drift: float) -> None:
    clock = TrackClock(90000)
    times = [clock.capture(int(n * 3000 * (1 + drift)) & 0xFFFFFFFF, n / 30) for n in range(30 * 1800)]
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert abs(times[-1] - (30 * 1800 - 1) / 30) < 0.2
    assert min(steps) > 0.9 / 30
    assert max(steps) < 1.1 / 30
    assert clock.jumps == 0


@pytest.mark.parametrize("wrap", [0, 0xFFFFFF00])
def test_sound_is_in_step_with_the_picture_by_sender_reports(wrap: int) -> None:
    video = TrackClock(90000)
    audio = TrackClock(8000, video)
    video.report(wrap, 1000.0)
    audio.report(wrap, 1000.0)
    late = 0.15  # the sound arrives later than the picture it belongs to
    for n in range(300):
        moment = 5 + n / 30
        shown = video.capture(wrap + n * 3000 & 0xFFFFFFFF, moment)
        heard = audio.capture(wrap + int(n / 30 * 8000) & 0xFFFFFFFF, moment + late)
    assert heard == pytest.approx(shown, abs=0.001)
    late_clock = TrackClock(8000, video)
    late_clock.report(wrap, 1000.0)
    assert late_clock.capture(wrap + 80000 & 0xFFFFFFFF, 15.3) == pytest.approx(15.0, abs=0.01)


def test_sound_without_reports_is_placed_by_its_arrival() -> None:
    video = TrackClock(90000)
    audio = TrackClock(8000, video)
    video.capture(0, 5.0)
    assert audio.capture(77, 5.1) == pytest.approx(5.1)


def ring_of(seconds: float, group: float, *, fps: float = 10, size: int = 1000, **bounds: float) -> Ring:
    ring = Ring(bounds.get("keep", 4.0), bounds.get("most_seconds", 20.0), int(bounds.get("most_bytes", 10_000_000)))
    for n in range(round(seconds * fps)):
        ring.add(picture(100 + n / fps, keyframe=n % round(group * fps) == 0, size=size))
    return ring


@pytest.mark.parametrize("group", [1.0, 2.1, 4.0, 7.0])
def test_a_start_is_possible_as_far_back_as_wanted_and_not_much_further(group: float) -> None:
    for seconds in range(12, 24):
        ring = ring_of(seconds, group)
        assert ring.edge is not None
        oldest = ring.edge - ring.keyframes()[0].capture
        assert 4.0 <= oldest <= 4.0 + group + 0.2
        assert ring.group_seconds == pytest.approx(group)


def test_bytes_are_bounded() -> None:
    ring = ring_of(10, 1.0, size=100_000, most_bytes=3_000_000)
    assert ring.size <= 3_000_000
    assert len(ring.keyframes()) == 2
    assert ring.given_up == 0


def test_an_endless_group_is_given_up_until_the_next_keyframe() -> None:
    ring = ring_of(19, 1000)
    assert len(ring.keyframes()) == 1
    ring = ring_of(25, 1000)
    assert ring.keyframes() == []
    assert ring.given_up == 1
    assert ring.size < 2000
    assert ring.latest_keyframe is not None  # still good for a snapshot
    ring.add(picture(130.0, keyframe=True))
    ring.add(picture(130.1, keyframe=False))
    assert [unit.capture for unit in ring.keyframes()][-1] == 130.0
    assert [unit.capture for unit in ring.since(ring.keyframes()[-1])] == [130.0, 130.1]


def test_a_group_too_large_is_given_up() -> None:
    ring = ring_of(5, 1000, size=100_000, most_bytes=1_000_000)
    assert ring.keyframes() == []
    assert ring.size < 200_000


def test_sound_captured_with_the_keyframe_but_arrived_before_it_is_found() -> None:
    ring = Ring(4, 20, 10_000_000)
    units = [picture(1.0, keyframe=True), sound(1.96), sound(2.01), picture(2.0, keyframe=True), sound(2.03)]
    for unit in units:
        ring.add(unit)
    assert list(ring.since(units[3])) == [units[2], units[3], units[4]]


def test_nothing_is_kept_before_the_first_keyframe_or_after_the_end() -> None:
    ring = Ring(4, 20, 10_000_000)
    ring.add(picture(1.0, keyframe=False))
    ring.add(sound(1.0))
    assert (ring.size, ring.keyframes(), ring.edge) == (0, [], 1.0)
    ring.add(picture(1.1, keyframe=True))
    ring.clear()
    assert (ring.size, ring.keyframes(), ring.edge, ring.latest_keyframe) == (0, [], None, None)
