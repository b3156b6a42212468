"""Packets become pictures by their timestamps, and pictures become payloads again."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_ip_cam.gateway.access_unit import Picture, PictureAssembler, packetise
from alexa_ip_cam.gateway.h264 import ParameterSets, annex_b, sets_from_sprop
from alexa_ip_cam.gateway.rtp import parse_rtp
from unit.gateway.fake_live555 import fu_a, rtp, stap_a
from unit.gateway.virtual import PPS, SPS

IDR = b"\x65\xb8" + b"i" * 500
IDR2 = b"\x65\x20" + b"j" * 100
P = b"\x41\x9a" + b"p" * 300
P2 = b"\x41\x20" + b"q" * 200  # not the first slice of its picture
SEI = b"\x06\x05\x01\x00\x80"
AUD = b"\x09\xf0"
FILLER = b"\x0c\xff\x80"
OTHER_SPS = bytes.fromhex("6742c01eda02805e88")


def assemble(
    packets: Iterable[tuple[int, bytes]], *, sets: ParameterSets | None = None, lost: tuple[int, ...] = ()
) -> tuple[list[Picture], PictureAssembler]:
    """Pictures from (timestamp, payload); the marker is on every packet, as on LIVE555's slices."""
    found: list[Picture] = []
    assembler = PictureAssembler(sets or known(), found.append)
    for number, (timestamp, payload) in enumerate(packets):
        if number not in lost:
            packet = parse_rtp(memoryview(rtp(65530 + number, timestamp, payload, marker=True)))
            assert packet is not None
            assembler.push(packet, timestamp / 1000)
    return found, assembler


def known() -> ParameterSets:
    sets = ParameterSets()
    sets.learn(SPS)
    sets.learn(PPS)
    return sets


END = (99_999, P)


def test_slices_with_markers_are_one_picture() -> None:
    found, _ = assemble([(1, SPS), (1, PPS), (1, IDR), (1, IDR2), (2, P), (2, P), END])
    assert [picture.nals for picture in found] == [[SPS, PPS, IDR, IDR2], [P, P]]
    assert [picture.keyframe for picture in found] == [True, False]
    assert [picture.timestamp for picture in found] == [1, 2]
    assert [picture.arrival for picture in found] == [0.001, 0.002]


@pytest.mark.parametrize("step", [1, -2, 899])
def test_slices_that_a_sender_report_gave_another_timestamp_stay_in_their_picture(step: int) -> None:
    first, second = 10_000, 10_000 + step
    rest = [P2, stap_a([P2, P2]), *fu_a(P2, 50)]
    for before in range(3):
        slices = [*((first, piece) for piece in rest[:before]), *((second, piece) for piece in rest[before:])]
        found, assembler = assemble([(first, SEI), (first, P), *slices, (13_000, P), END])
        assert [picture.nals for picture in found] == [[SEI, P, P2, P2, P2, P2], [P]]
        assert [picture.timestamp for picture in found] == [first, 13_000]
        assert assembler.damaged == 0


@pytest.mark.parametrize("packets", [[(1, P), (901, P2)], [(1, P), (2, P)], [(1, P), (2, SEI), (2, P)]])
def test_what_may_begin_a_picture_or_is_later_is_one_of_its_own(packets: list[tuple[int, bytes]]) -> None:
    found, _ = assemble([*packets, END])
    assert len(found) == 2


def test_a_loss_between_two_timestamps_joins_nothing() -> None:
    found, assembler = assemble([(1, P), (1, P2), (2, P2), (3000, P), END], lost=(1,))
    assert [picture.nals for picture in found] == [[P]]
    assert assembler.damaged == 2


def test_every_packing() -> None:
    packets = [(1, stap_a([SPS, PPS, SEI])), *((1, piece) for piece in fu_a(IDR, 100)), (2, P), END]
    found, assembler = assemble(packets)
    assert [picture.nals for picture in found] == [[SPS, PPS, SEI, IDR], [P]]
    assert assembler.damaged == 0


def test_parameter_sets_from_the_sdp_are_put_before_a_keyframe() -> None:
    found, _ = assemble([(1, SEI), (1, IDR), END])
    assert found[0].nals == [SPS, PPS, SEI, IDR]


def test_half_of_the_parameter_sets_in_band() -> None:
    found, _ = assemble([(1, SEI), (1, PPS), (1, IDR), END])
    assert found[0].nals == [SPS, PPS, SEI, IDR]


def test_parameter_sets_with_their_own_timestamp_belong_to_the_next_picture() -> None:
    found, _ = assemble([(1, SPS), (2, PPS), (3, IDR), END], sets=ParameterSets())
    assert [(picture.timestamp, picture.nals) for picture in found] == [(3, [SPS, PPS, IDR])]


def test_parameter_sets_may_change_midstream() -> None:
    found, assembler = assemble([(1, IDR), (2, OTHER_SPS), (2, PPS), (2, IDR), (3, IDR), END])
    assert [picture.nals[0] for picture in found] == [SPS, OTHER_SPS, OTHER_SPS]
    assert assembler.sets.in_order() == [OTHER_SPS, PPS]


def test_a_keyframe_without_known_parameter_sets_starts_nobody() -> None:
    found, _ = assemble([(1, IDR), END], sets=ParameterSets())
    assert not found[0].keyframe


def test_delimiters_and_filler_are_left_out() -> None:
    found, _ = assemble([(1, AUD), (1, P), (1, FILLER), END])
    assert found[0].nals == [P]


@pytest.mark.parametrize("lost", [2, 3, 4])
def test_a_picture_with_a_hole_is_left_out_and_counted(lost: int) -> None:
    packets = [(1, P), *((2, piece) for piece in fu_a(IDR, 100)), (3, P), END]
    found, assembler = assemble(packets, lost=(lost,))
    assert [picture.timestamp for picture in found] == [1, 3]
    assert assembler.damaged == 1


def test_a_hole_between_pictures_damages_both() -> None:
    found, assembler = assemble([(1, P), (1, P), (2, P), (2, P), (3, P), END], lost=(1,))
    assert [picture.timestamp for picture in found] == [3]
    assert assembler.damaged == 2


@pytest.mark.parametrize(
    "payload",
    [
        b"\x7c\x85",  # FU-A without content
        b"\x7c\x05" + b"x" * 10,  # FU-A that has no start
        b"\x78\x00\x09abc",  # STAP-A that promises more than there is
        b"\x79abc",  # STAP-B
        b"\x7a" + bytes(9),  # MTAP
    ],
)
def test_malformed_payloads_cost_one_picture(payload: bytes) -> None:
    found, assembler = assemble([(1, P), (3001, payload), (6001, P), END])
    assert [picture.timestamp for picture in found] == [1, 6001]
    assert assembler.damaged == 1


def test_an_endless_picture_is_given_up() -> None:
    big = b"\x41" + bytes(60_000)
    found, assembler = assemble([*((1, big) for _ in range(80)), (2, P), END])
    assert [picture.timestamp for picture in found] == [2]
    assert assembler.damaged == 1


def test_a_new_ssrc_is_no_hole() -> None:
    found: list[Picture] = []
    assembler = PictureAssembler(known(), found.append)
    for data in (rtp(5, 1, P), rtp(9000, 2, P, kind=97), rtp(9001, 3, P, kind=97)):
        packet = parse_rtp(memoryview(data))
        assert packet is not None
        assembler.push(packet, 0.0)
    assert [picture.timestamp for picture in found] == [1, 2]


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=60)), max_size=40))
def test_any_payloads_can_come(packets: list[tuple[int, bytes]]) -> None:
    found, _ = assemble(packets)
    assert all(picture.nals and all(picture.nals) for picture in found)


@given(st.binary(max_size=80))
def test_any_packet_can_come(data: bytes) -> None:
    packet = parse_rtp(memoryview(data))
    assert packet is None or len(packet.payload) <= len(data) - 12


@given(
    nals=st.lists(st.binary(min_size=1, max_size=700).map(lambda body: b"\x41" + body), min_size=1, max_size=5),
    largest=st.integers(3, 800),
)
def test_packetised_and_assembled_again(nals: list[bytes], largest: int) -> None:
    payloads = packetise(nals, largest)
    assert max(map(len, payloads)) <= largest
    found, _ = assemble([*((1, payload) for payload in payloads), END])
    assert found[0].nals == nals


def test_padding_extension_and_contributors_are_not_payload() -> None:
    packet = bytearray(rtp(1, 2, b""))
    packet[0] = 0xB2  # padding, extension, two contributors
    packet += bytes(8) + b"\x12\x34\x00\x01" + bytes(4) + b"payload" + b"\0\0\x03"
    parsed = parse_rtp(memoryview(bytes(packet)))
    assert parsed is not None
    assert bytes(parsed.payload) == b"payload"


@pytest.mark.parametrize("end", [b"\x00", b"\x09"])
def test_impossible_padding_is_refused(end: bytes) -> None:
    packet = bytearray(rtp(1, 2, b"abc" + end))
    packet[0] |= 0x20
    assert parse_rtp(memoryview(bytes(packet))) is None


def test_annex_b_and_sprop() -> None:
    assert annex_b([SPS, PPS]) == b"\0\0\0\1" + SPS + b"\0\0\0\1" + PPS
    assert sets_from_sprop(known().sprop) == [SPS, PPS]
    assert sets_from_sprop("Z0LAH9oBQBbo , !!,,aM48gA") == [SPS, PPS]
    assert known().profile_level_id == "42C01F"


@given(st.binary(max_size=20))
def test_any_nal_can_be_learned(body: bytes) -> None:
    sets = ParameterSets()
    sets.learn(b"\x67" + body)
    sets.learn(b"\x68" + body)
    assert len(sets.in_order()) <= 2
