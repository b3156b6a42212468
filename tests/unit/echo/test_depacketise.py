import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.echo.codecs import Format
from simulators.echo.depacketise import AccessUnit, Assembler, assembler_for, audio_seconds
from simulators.echo.rtp import RtpPacket, parse_rtcp, parse_rtp
from unit.echo.packets import PPS, SPS, aggregate, fragments, payloads, rtp

STEP = 6000
IDR = b"\x65\x88" + bytes(range(200)) * 5
SLICE = b"\x41\x9a" + bytes(300)
H264 = Format("H264", 90_000, 1, {}, None)


def fed(packets: list[tuple[float, bytes]], assembler: Assembler | None = None) -> list[AccessUnit]:
    assembler = assembler or assembler_for(H264)
    units = []
    for t, data in packets:
        parsed = parse_rtp(data)
        assert parsed is not None
        units += assembler.feed(t, parsed)
    return units


def stream(pictures: list[list[bytes]], *, first: int = 100, size: int = 100) -> list[tuple[float, bytes]]:
    packets: list[tuple[float, bytes]] = []
    for number, nals in enumerate(pictures):
        for payload in payloads(nals, size):
            packets.append((number * 0.04, rtp(first + len(packets), number * STEP, payload)))
    return packets


def test_access_unit_ends_with_the_next_rtp_time() -> None:
    packets = stream([[SPS, PPS, IDR], [SLICE], [SLICE]])
    units = fed(packets)
    assert [unit.nals for unit in units] == [(SPS, PPS, IDR), (SLICE,)]
    assert units[0].idr
    assert units[0].starts_picture
    assert not units[1].idr
    assert units[0].sequence == 100
    assert (units[0].first_at, units[0].last_at, units[0].delivered_at) == (0.0, 0.0, 0.04)
    assert units[0].size == len(SPS) + len(PPS) + len(IDR)


def test_marker_bit_means_nothing() -> None:
    packets = [(0.0, rtp(n, 0, SLICE[: 10 + n], marker=True)) for n in range(3)]
    units = fed([*packets, (0.1, rtp(3, STEP, SLICE))])
    assert [len(unit.nals) for unit in units] == [3]


def test_aggregate() -> None:
    units = fed([(0.0, rtp(1, 0, aggregate([SPS, PPS]))), (0.0, rtp(2, 0, IDR)), (0.1, rtp(3, STEP, SLICE))])
    assert units[0].nals == (SPS, PPS, IDR)
    assert units[0].complete


def test_second_half_of_a_picture_is_no_whole_picture() -> None:
    later_slice = b"\x65\x20" + bytes(50)
    (unit,) = fed([(0.0, rtp(1, 0, later_slice)), (0.1, rtp(2, STEP, SLICE))])
    assert unit.idr
    assert not unit.starts_picture


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x78\x00\x05\x67", b"\x7c\x05abc", b"\x7c", b"\x79abc", b"\x60a"],
    ids=["empty", "short STAP-A", "FU-A without start", "short FU-A", "STAP-B", "type 0"],
)
def test_malformed_payload_damages_its_picture(payload: bytes) -> None:
    packets = [(0.0, rtp(1, 0, SLICE)), (0.0, rtp(2, 0, payload)), (0.1, rtp(3, STEP, SLICE))]
    packets.append((0.2, rtp(4, 2 * STEP, SLICE)))
    assert [unit.complete for unit in fed(packets)] == [False, True]


@pytest.mark.parametrize("spoilt", [b"\x5c\x45", b"\x7c\x41", b"\x7c\x85"], ids=["nri", "type", "second start"])
def test_fragments_must_belong_together(spoilt: bytes) -> None:
    pieces = fragments(IDR, 400)
    pieces[1] = spoilt + pieces[1][2:]
    packets = [(0.0, rtp(1, 0, SPS))]
    packets += [(0.0, rtp(2 + number, 0, piece)) for number, piece in enumerate(pieces)]
    packets += [(0.1, rtp(5, STEP, SLICE)), (0.12, rtp(6, STEP, SLICE)), (0.14, rtp(7, 2 * STEP, SLICE))]
    assert not fed(packets)[0].complete


def test_missing_number_is_waited_for_10_ms_and_damages() -> None:
    packets = stream([[SLICE], [SLICE], [SLICE]], size=1000)
    waiting = [(0.000, packets[0][1]), (0.001, packets[2][1])]
    after = [(0.010, rtp(103, 3 * STEP, SLICE)), (0.012, rtp(104, 4 * STEP, SLICE))]
    assembler = assembler_for(H264)
    assert fed([*waiting, after[0]], assembler) == []
    units = fed(after[1:], assembler)
    assert [(unit.sequence, unit.complete, unit.delivered_at) for unit in units] == [
        (100, False, 0.012),
        (102, True, 0.012),
        (103, True, 0.012),
    ]


def test_gap_costs_10_ms_for_each_number() -> None:
    assembler = assembler_for(H264)
    assert fed([(0.0, rtp(0, 0, SLICE)), (0.0, rtp(6, STEP, SLICE))], assembler) == []
    found_at = None
    for number in range(7, 40):
        t = (number - 6) * 0.011
        if fed([(t, rtp(number, number * STEP, SLICE))], assembler):
            found_at = t
            break
    assert found_at is not None
    assert 0.05 <= found_at <= 0.12


def test_order_is_restored_and_doubles_dropped() -> None:
    packets = stream([[SPS, PPS, IDR], [SLICE], [SLICE]])
    mixed = [packets[0], *reversed(packets[1:6]), *packets[3:]]
    assert [unit.nals for unit in fed(mixed)] == [(SPS, PPS, IDR), (SLICE,)]


def test_numbers_wrap() -> None:
    packets = stream([[SLICE]] * 6, first=65533, size=1000)
    assert [unit.sequence for unit in fed(packets)] == [65533, 65534, 65535, 65536, 65537]


def test_jump_back_is_deleted() -> None:
    packets = [(0.0, rtp(number, number * STEP, SLICE)) for number in (1000, 1001, 500, 501, 1002, 1003)]
    assert [unit.sequence for unit in fed(packets)] == [1000, 1001, 1002]


def test_aac_ends_with_the_next_rtp_time_and_pcm_at_once() -> None:
    packets = [(0.0, rtp(1, 0, b"ab")), (0.0, rtp(2, 0, b"cd")), (0.1, rtp(3, 1024, b"ef"))]
    aac = Format("MPEG4-GENERIC", 16_000, 1, {"sizeLength": "13", "indexLength": "3"}, None)
    pcm = Format("PCMA", 8000, 1, {}, None)
    assert [unit.nals for unit in fed(packets, assembler_for(aac))] == [(b"ab", b"cd")]
    assert [unit.nals for unit in fed(packets, assembler_for(pcm))] == [(b"ab",), (b"cd",), (b"ef",)]


def test_how_long_audio_plays() -> None:
    packets = [(0.0, rtp(1, 0, b"\0" * 320)), (0.1, rtp(2, 320, b"\0"))]
    pcm = Format("PCMU", 8000, 1, {}, None)
    assert audio_seconds(pcm, fed(packets, assembler_for(pcm))[0]) == pytest.approx(0.04)
    aac = Format("MPEG4-GENERIC", 16_000, 1, {"sizeLength": "13", "indexLength": "3"}, None)
    two = rtp(1, 0, b"\x00\x20" + bytes(4) + bytes(20))
    assert audio_seconds(aac, fed([(0.0, two), packets[1]], assembler_for(aac))[0]) == pytest.approx(0.128)


def test_rtp_header_with_csrc_extension_and_padding() -> None:
    plain = rtp(7, 9, b"")
    head = bytes([0x80 | 0x20 | 0x10 | 2]) + plain[1:]
    data = head + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4) + b"payload" + b"\x00\x00\x03"
    assert parse_rtp(data) == RtpPacket(7, 9, 0x11223344, marker=False, payload=b"payload")


@pytest.mark.parametrize("data", [b"", rtp(1, 1, b"")[:-1], b"\x40" + rtp(1, 1, b"")[1:], b"\x8f" + bytes(12)])
def test_malformed_rtp(data: bytes) -> None:
    assert parse_rtp(data) is None


NALS = st.lists(
    st.builds(
        lambda kind, body: bytes([0x60 | kind, 0x80]) + body,
        st.sampled_from([1, 5, 6, 7, 8]),
        st.binary(max_size=300),
    ),
    min_size=1,
    max_size=4,
)
PICTURES = st.lists(NALS, min_size=2, max_size=12)


@given(PICTURES, st.integers(0, 65535), st.integers(20, 200))
@settings(max_examples=40, deadline=None)
def test_pictures_come_back_as_they_were(pictures: list[list[bytes]], first: int, size: int) -> None:
    units = fed(stream(pictures, first=first, size=size))
    assert [list(unit.nals) for unit in units] == pictures[:-1]
    assert all(unit.complete for unit in units)


@given(PICTURES, st.randoms(use_true_random=False), st.sets(st.integers(0, 200), max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_lossy_stream_never_passes_a_broken_picture_as_whole(
    pictures: list[list[bytes]], shuffler: random.Random, lost: set[int]
) -> None:
    packets = stream(pictures, size=60)
    kept = [data for number, (_, data) in enumerate(packets) if number == 0 or number not in lost]
    for at in range(1, len(kept) - 1):
        if shuffler.random() < 0.2:
            kept[at], kept[at + 1] = kept[at + 1], kept[at]
    whole = {number * STEP: tuple(nals) for number, nals in enumerate(pictures)}
    flush = [rtp(100 + len(packets) + n, (len(pictures) + n) * STEP, SLICE) for n in range(2)]
    units = fed([(number * 0.02, data) for number, data in enumerate([*kept, *flush])])
    # The player blames the loss of a picture's first NAL unit on the picture before.
    for before, unit in pairwise(units):
        if unit.complete and before.complete and unit.rtp in whole:
            assert unit.nals == whole[unit.rtp]


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 9), st.binary(max_size=40)), max_size=60))
@settings(max_examples=50, deadline=None)
def test_arbitrary_payloads_never_raise(packets: list[tuple[int, int, bytes]]) -> None:
    for form in (H264, Format("PCMU", 8000, 1, {}, None), Format("MP4A-LATM", 8000, 1, {}, None)):
        fed([(n * 0.02, rtp(*packet)) for n, packet in enumerate(packets)], assembler_for(form))


@given(st.binary(max_size=120))
@settings(max_examples=50, deadline=None)
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    parse_rtp(data)
    list(parse_rtcp(data))
