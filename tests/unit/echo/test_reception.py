"""What a server must never do, and that it is seen."""

import pytest

from simulators.echo.depacketise import AccessUnit
from simulators.echo.fatal import FatalCheck
from simulators.echo.interleaved import Packet
from simulators.echo.reception import Reception
from simulators.echo.rtp import Bye, SenderReport
from unit.echo.packets import goodbye, rtp, sender_report
from unit.echo.scenarios import AUDIO, VIDEO

NTP = 4_000_000_000.25
NAL = b"\x41\x9a\x00"


def faults(*packets: tuple[int, bytes]) -> list[str]:
    reception = Reception([VIDEO, AUDIO])
    for number, (channel, data) in enumerate(packets):
        reception.feed(Packet(number * 0.02, channel, data))
    return [fault.reason for fault in reception.faults]


def test_clean_stream_has_no_faults() -> None:
    assert not faults(
        (1, sender_report(NTP, 9000)),
        (3, sender_report(NTP, 800)),
        (0, rtp(65535, 9000, NAL)),
        (0, rtp(0, 9000, NAL)),
        (2, rtp(5, 800, NAL)),
        (0, rtp(1, 15000, NAL)),
        (1, sender_report(NTP + 1.0, 9000 + 90_000)),
        (1, sender_report(NTP + 1.004, 9000 + 90_000)),
    )


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        ((0, rtp(32, 9000, NAL)), "jumps by 22"),
        ((0, rtp(9, 9000, NAL)), "jumps by -1"),
        ((0, rtp(11, 8999, NAL)), "goes back by 1"),
        ((0, rtp(11, 9000, NAL, ssrc=5)), "SSRC"),
        ((0, b"\x80"), "malformed"),
        ((1, sender_report(NTP + 1.010, 9000 + 90_000)), "+10.0 ms off"),
        ((1, sender_report(NTP + 0.990, 9000 + 90_000)), "-10.0 ms off"),
    ],
)
def test_fault(packet: tuple[int, bytes], words: str) -> None:
    (reason,) = faults((1, sender_report(NTP, 9000)), (0, rtp(10, 9000, NAL)), packet)
    assert words in reason


def test_goodbye_is_a_fault_only_when_more_follows() -> None:
    assert faults((0, rtp(1, 9000, NAL)), (1, goodbye())) == []
    (reason,) = faults((0, rtp(1, 9000, NAL)), (1, goodbye()), (0, rtp(2, 9000, NAL)))
    assert "after RTCP BYE" in reason


def test_wrap_of_rtp_time() -> None:
    (reason,) = faults((0, rtp(1, 2**32 - 10, NAL)), (0, rtp(2, 10, NAL)))
    assert "wraps" in reason


def test_unknown_channel_is_fatal() -> None:
    with pytest.raises(FatalCheck, match="channel 4"):
        faults((4, rtp(1, 1, NAL)))


def test_new_source_starts_afresh() -> None:
    reception = Reception([VIDEO])
    found = []
    for number, ssrc in enumerate((1, 1, 2, 2)):
        found += reception.feed(Packet(0.1, 0, rtp(9000 - 4000 * (ssrc - 1) + number, number, NAL, ssrc=ssrc)))
    units = [item.what for item in found if isinstance(item.what, AccessUnit)]
    assert [unit.sequence for unit in units] == [9000, 5002]


def test_reports_and_goodbyes() -> None:
    reception = Reception([VIDEO, AUDIO])
    (report,) = reception.feed(Packet(0.5, 3, sender_report(NTP, 77, ssrc=9)))
    assert (report.t, report.track) == (0.5, 1)
    assert isinstance(report.what, SenderReport)
    assert (report.what.rtp, report.what.ssrc) == (77, 9)
    assert report.what.ntp == pytest.approx(NTP, abs=1e-6)
    (bye,) = reception.feed(Packet(0.6, 1, goodbye()))
    assert bye.what == Bye()
    assert reception.feed(Packet(0.7, 1, sender_report(NTP, 1)[:27])) == []
