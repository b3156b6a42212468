"""The model in the situations a server can bring it into: mid-GOP joins, pauses, missing reports, sound."""

from dataclasses import replace

import pytest

from simulators.echo.depacketise import AccessUnit
from simulators.echo.player import Mode, Outcome, Parameters, Player, Resume, variants
from simulators.echo.reception import Received
from simulators.echo.rtp import Bye, SenderReport
from unit.echo.scenarios import AUDIO, VIDEO, Stream, picture, ticks

NTP = 3e9


@pytest.mark.parametrize(
    ("idr_at", "shown", "moving", "buffer"),
    [(1.0, 4.5, 4.6, 2.6), (2.0, 4.65, 4.7, 1.7), (3.0, 4.8, 4.85, None), (3.9, 4.9, 6.4, None)],
)
def test_join_amid_a_group_of_pictures(idr_at: float, shown: float, moving: float, buffer: float | None) -> None:
    outcome = Stream(first_idr=idr_at).play()
    assert outcome.first_picture_s == pytest.approx(shown, abs=0.1)
    assert outcome.moving_s == pytest.approx(moving, abs=0.1)
    if buffer is not None:
        assert outcome.least_buffer_s == pytest.approx(buffer, abs=0.1)
        assert not outcome.rebuffers


def test_keyframe_three_seconds_after_play_ends_in_a_freeze() -> None:
    outcome = Stream(first_idr=44 / 15).play()
    assert [rebuffer.length_s for rebuffer in outcome.rebuffers] == pytest.approx([2.0], abs=0.1)


def test_without_idr_gate_phase_does_not_matter() -> None:
    outcome = Stream(first_idr=3.0).play(Parameters(idr_gate=False))
    assert outcome.first_picture_s == pytest.approx(4.4, abs=0.1)
    assert outcome.discarded == 0


@pytest.mark.parametrize(
    ("burst", "pause", "length"), [(2.2, 3.0, 1.0), (2.2, 5.0, 3.0), (3.2, 4.0, 1.0), (4.0, 5.0, 1.0)]
)
def test_rebuffer_lasts_and_is_never_caught_up(burst: float, pause: float, length: float) -> None:
    stream = Stream(burst=burst, pause=(9.5, pause), seconds=24)
    outcome = stream.play()
    assert len(outcome.rebuffers) == 1
    # By the phase of the poll it is this long, or one poll longer.
    assert min(abs(outcome.frozen_s - length), abs(outcome.frozen_s - length - 1.0)) < 0.1
    before = replace(stream, pause=None).play().delay_s(since_s=8)
    assert outcome.delay_s(since_s=18) == pytest.approx(before + outcome.frozen_s, abs=0.1)


def test_rebuffer_of_one_second_after_a_pause_of_three() -> None:
    outcome = Stream(burst=2.2, pause=(9.0, 3.0), seconds=24).play()
    assert outcome.rebuffers[0].length_s == pytest.approx(1.0, abs=0.1)
    assert outcome.delay_s(since_s=18) == pytest.approx(4.5, abs=0.1)


def test_burst_of_five_seconds_survives_four_and_a_half() -> None:
    assert not Stream(burst=5.0, pause=(9.3, 4.4), seconds=24).play().rebuffers


def test_android_5_drops_late_pictures_instead_of_falling_behind() -> None:
    stream = Stream(burst=2.2, pause=(9.0, 5.0), seconds=24)
    outcome = stream.play(Parameters(mode=Mode.ANDROID_5))
    assert outcome.rebuffers
    assert outcome.late == pytest.approx((5.0 - 2.5) * 15, abs=6)
    assert outcome.delay_s(since_s=18) == pytest.approx(2.5, abs=0.1)


def test_demand_ends_a_pause_sooner_than_the_poll() -> None:
    stream = Stream(first_idr=44 / 15)
    poll, demand = (stream.play(Parameters(resume=resume)).frozen_s for resume in Resume)
    assert demand == pytest.approx(poll - 0.9, abs=0.15)


def test_no_report_starts_after_ten_seconds() -> None:
    outcome = Stream(report_at=None, burst=3.2).play()
    assert outcome.connected_s == pytest.approx(0.02, abs=0.01)
    assert outcome.first_picture_s is not None
    assert 10.2 < outcome.first_picture_s < 12.0


def test_late_report_loses_what_is_older() -> None:
    outcome = Stream(burst=3.2, first_idr=-3.2, report_at=1.5, report_for=1.5).play()
    assert outcome.dropped_early == pytest.approx((3.2 + 1.5) * 15, abs=3)
    assert outcome.first_picture_s is not None
    assert outcome.first_picture_s > 4.4


def test_report_for_now_throws_the_burst_away() -> None:
    outcome = Stream(burst=3.2, report_at=0.0, report_for=0.0).play()
    assert outcome.dropped_early == pytest.approx(3.2 * 15, abs=1)
    assert outcome.first_picture_s is not None
    assert outcome.first_picture_s > 4.0


def test_backward_report_line_freezes_the_buffer() -> None:
    player = _player_of(Stream(burst=3.2), until=6.0)
    player.feed(Received(6.0, 0, SenderReport(1, NTP - 5.0, ticks(0.0))))
    outcome = _continue(player, Stream(burst=3.2), since=6.0, until=14.0)
    assert outcome.rebuffers


def test_goodbye_before_any_report_fakes_times() -> None:
    player = Player([VIDEO], play_at=0.0)
    for item in Stream(burst=3.2, report_at=None).received()[:20]:
        player.feed(item)
    player.feed(Received(1.0, 0, Bye()))
    assert player.finish(2.0).prepared_s is not None


def test_nothing_at_all_is_torn_down() -> None:
    player = Player([VIDEO], play_at=0.5)
    outcome = player.finish(11.0)
    assert outcome.fatal is not None
    assert "TEARDOWN" in outcome.fatal


def test_silence_is_torn_down_by_the_watchdog() -> None:
    stream = Stream(burst=3.2, pause=(9.0, 30.0), seconds=45)
    outcome = stream.play()
    assert outcome.fatal is not None
    assert "no access unit in 10 s" in outcome.fatal


def test_a_film_is_refused() -> None:
    assert Player([VIDEO], play_at=0.0, live=False).finish(1.0).fatal is not None


def test_media_before_the_answer_to_play_waits() -> None:
    stream = Stream(burst=3.2)
    player = Player([VIDEO], play_at=0.5)
    for item in stream.received():
        player.feed(item)
    outcome = player.finish(10.0)
    assert outcome.connected_s == pytest.approx(0.0, abs=0.1)
    assert outcome.first_picture_s == pytest.approx(1.33, abs=0.1)


def test_damaged_pictures_are_left_out() -> None:
    shown: list[int] = []

    def note(unit: AccessUnit) -> None:
        shown.append(unit.sequence)

    player = Player([VIDEO], play_at=0.0, capture=note)
    player.feed(Received(0.0, 0, SenderReport(1, NTP, ticks(0.0))))
    for number in range(60):
        player.feed(Received(0.01, 0, picture(number, number / 15, idr=not number, complete=number != 5)))
    outcome = player.finish(3.0)
    assert outcome.damaged == 1
    assert shown[:7] == [0, 1, 2, 3, 4, 6, 7]


def test_every_variant_has_a_name_of_its_own() -> None:
    found = list(variants())
    assert len(found) == 36
    assert len(dict(found)) == 36


class TestSound:
    """PCM sound in pieces of 40 ms beside the picture."""

    @staticmethod
    def play(*, audio_burst: float | None, audio_until: float = 20.0) -> Outcome:
        stream = Stream(burst=3.2)
        items = stream.received()
        if audio_burst is not None:
            items.append(Received(0.0, 1, SenderReport(2, NTP - 3.2, ticks(-3.2, 8000))))
            number = 0
            at = -audio_burst
            while at < audio_until:
                unit = AccessUnit(ticks(at, 8000), number, (b"\0" * 320,), True, 0.0, 0.0, 0.0)
                items.append(Received(max(0.02, at + 0.073), 1, unit))
                number, at = number + 1, at + 0.04
        player = Player([VIDEO, AUDIO], play_at=0.0, capture=stream.capture_of)
        for item in sorted(items, key=lambda item: (item.t, isinstance(item.what, AccessUnit))):
            player.feed(item)
        return player.finish(15.0)

    def test_burst_over_the_same_span_starts_as_soon(self) -> None:
        outcome = self.play(audio_burst=3.2)
        assert outcome.first_picture_s == pytest.approx(1.33, abs=0.1)
        assert outcome.delay_s(since_s=5) == pytest.approx(4.5, abs=0.15)
        assert not outcome.rebuffers
        assert outcome.late == 0

    def test_live_sound_alone_holds_the_picture_back(self) -> None:
        assert self.play(audio_burst=0.0).prepared_s == pytest.approx(4.0, abs=0.1)

    def test_announced_but_silent_sound_never_starts(self) -> None:
        assert self.play(audio_burst=None).first_picture_s is None

    def test_sound_that_ends_freezes_the_picture(self) -> None:
        outcome = self.play(audio_burst=3.2, audio_until=8.0)
        assert len(outcome.rebuffers) == 1
        assert outcome.rebuffers[0].length_s > 2.0


def _player_of(stream: Stream, until: float) -> Player:
    player = Player([VIDEO], play_at=0.0)
    for item in stream.received():
        if item.t < until:
            player.feed(item)
    return player


def _continue(player: Player, stream: Stream, since: float, until: float) -> Outcome:
    for item in stream.received():
        if since <= item.t < until:
            player.feed(item)
    return player.finish(until)
