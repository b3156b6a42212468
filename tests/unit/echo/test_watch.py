"""The one call: figures, pictures, recordings and their replay."""

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulators.echo import EchoSession, FatalCheck, Watch, capture_clock, watch
from simulators.echo.picture import DecodeError
from simulators.echo.player import Followed, Parameters, follow, replay
from unit.echo.chain import Chain
from unit.echo.packets import PPS, SPS, interleaved, rtp
from unit.echo.server import IDR, SESSION_PART, SLICE, URL, Request, Server, answer, media, video_part

STEPS = ["tcp", "tls", "describe", "setup", "play", "first_rtp", "first_picture"]
VIDEO_ONLY = SESSION_PART + video_part()


def seen(server: Server, *, chain: Chain | None = None, **settings: Any) -> Watch:
    """Watch ``server``, over TLS when a chain is given."""

    async def play() -> Watch:
        async with server.run(chain.context() if chain else None) as port:
            found = await watch(
                URL, address="127.0.0.1", port=port, roots_pem=chain.root if chain else None, **settings
            )
            await server.closed.wait()
            return found

    return asyncio.run(play())


def test_figures_over_tls(chain: Chain) -> None:
    found = seen(Server(sdp=VIDEO_ONLY, media=[(0, media())]), chain=chain)
    assert list(found.steps_ms) == STEPS
    assert list(found.steps_ms.values()) == sorted(found.steps_ms.values())
    assert found.keyframe_bytes == len(SPS) + len(PPS) + len(IDR)
    assert found.first_keyframe.nals == (SPS, PPS, IDR)
    assert found.peer_certificate
    assert (found.fatal, found.faults, found.closed) == (None, [], False)


def test_first_picture_is_the_last_packet_of_the_first_whole_keyframe() -> None:
    whole = media(2)
    half, rest = whole[:3000], whole[3000:]
    later = b"".join(interleaved(0, rtp(6 + n, 90_000 + n, SLICE)) for n in range(3))
    found = seen(Server(sdp=VIDEO_ONLY, media=[(0, half), (0.5, rest), (0.6, later)]))
    after_play = found.steps_ms["first_picture"] - found.steps_ms["play"]
    assert 250 < after_play < 5000
    assert found.steps_ms["first_picture"] - found.steps_ms["first_rtp"] > 100


def test_a_keyframe_joined_halfway_does_not_count() -> None:
    later_slice = b"\x65\x20" + bytes(500)
    pieces = [
        interleaved(0, rtp(number, 9000 * (1 + number // 2), nal))
        for number, nal in enumerate([later_slice, later_slice, SLICE, SLICE, IDR[:1000], IDR[:1000], SLICE])
    ]
    found = seen(Server(sdp=VIDEO_ONLY, media=[(0, b"".join(pieces))]))
    assert found.first_keyframe is found.access_units[2]


def test_seconds_are_kept_and_no_keyframe_is_told() -> None:
    found = seen(Server(sdp=VIDEO_ONLY, media=[(0, media(9, idr=[SLICE]))]), seconds=0.3)
    assert "first_picture" not in found.steps_ms
    assert len(found.access_units) == 8
    assert found.recording.play_at + 0.29 < found.recording.ended_at
    with pytest.raises(LookupError, match="among 8 pictures"):
        _ = found.first_keyframe


def test_trouble_amid_the_stream_is_recorded() -> None:
    faulty = Server(sdp=VIDEO_ONLY, media=[(0, media()), (0, interleaved(2, b"x"))])
    found = seen(faulty, seconds=1.0)
    assert found.fatal is not None
    assert "channel 2" in found.fatal.reason
    assert found.access_units
    closing = seen(Server(sdp=VIDEO_ONLY, media=[(0, media())], close_after_media=True), seconds=1.0)
    assert closing.closed
    assert closing.fatal is None
    jumping = seen(Server(sdp=VIDEO_ONLY, media=[(0, media(3) + media(3, first=500))]), seconds=0.3)
    assert [fault.reason.split(" on ")[0] for fault in jumping.faults] == ["sequence number", "RTP time"]


def test_fatal_before_play_is_raised() -> None:
    with pytest.raises(FatalCheck):
        seen(Server(sdp="v=1\n"))


def test_fatal_answer_to_play_can_be_survived_to_measure() -> None:
    def play(request: Request) -> bytes:
        return answer(request, "Range: npt=0.000-")

    with pytest.raises(FatalCheck, match="no RTP-Info"):
        seen(Server(sdp=VIDEO_ONLY, answers={"PLAY": play}))
    found = seen(Server(sdp=VIDEO_ONLY, answers={"PLAY": play}, media=[(0, media(2))]), strict=False)
    assert "first_picture" in found.steps_ms
    assert "no RTP-Info" in found.faults[0].reason


def test_replay_of_a_recording() -> None:
    found = seen(Server(sdp=VIDEO_ONLY, media=[(0, media(50))]), seconds=0.3)
    recording = replace(found.recording, ended_at=found.recording.play_at + 4.0)
    outcomes = replay(recording)
    assert len(outcomes) == 36
    for name, outcome in outcomes.items():
        longest = 0.6 if "fast poll" in name or name.startswith("5.1") else 1.6
        assert outcome.first_picture_s is not None, name
        assert outcome.first_picture_s < longest + 0.1, name
        assert outcome.fatal is None
    (stock,) = replay(recording, {"stock": Parameters()}).values()
    assert stock.first_picture_s == pytest.approx(1.33, abs=0.1)


def test_follow_comes_to_what_a_replay_says() -> None:
    stretch = [(0.0, media(50)), (1.5, interleaved(2, b"x"))]

    def parse(nal: bytes) -> tuple[int, int] | None:
        return (0, 0) if nal[0] & 0x1F == 5 else None

    async def play() -> Followed:
        server = Server(sdp=VIDEO_ONLY, media=stretch)
        async with server.run() as port:
            session = EchoSession(URL, address="127.0.0.1", port=port, roots_pem=None)
            await session.open()
            found = await follow(session, 5.0, {"stock": Parameters()}, parse=parse)
            await session.close()
            await server.closed.wait()
            return found

    found = asyncio.run(play())
    outcome = found.outcomes["stock"]
    assert outcome.first_picture_s == pytest.approx(1.33, abs=0.1)
    assert [delay > 1e9 for _, delay in outcome.delays] == [True]  # captured at the beginning of Unix time
    assert found.faults == []
    assert found.fatal is not None
    assert outcome.fatal == found.fatal.reason


def test_recorded_trouble_is_fatal_in_the_replay() -> None:
    found = seen(Server(sdp=VIDEO_ONLY, media=[(0, media()), (0, b"\r\n")]), seconds=1.0)
    (outcome,) = replay(found.recording, {"stock": Parameters()}).values()
    assert outcome.fatal is not None
    assert "stray bytes" in outcome.fatal


def test_capture_clock() -> None:
    def parse(nal: bytes) -> tuple[int, int] | None:
        return (7, 5_250_000_000) if nal[0] & 0x1F == 5 else None

    found = seen(Server(sdp=VIDEO_ONLY, media=[(0, media(3))]))
    capture = capture_clock(parse, started_unix_ns=5_000_000_000)
    assert capture(found.first_keyframe) == pytest.approx(0.25)
    assert capture(replace(found.first_keyframe, nals=(SLICE,))) is None


def test_annexb_begins_with_the_parameter_sets(tmp_path: Path) -> None:
    found = seen(Server(sdp=VIDEO_ONLY, media=[(0, media(4, idr=[IDR]))]), seconds=0.3)
    found.write_annexb(tmp_path / "stream.h264")
    start = b"\0\0\0\1"
    nals = [SPS, PPS, IDR, SLICE, SLICE]
    assert (tmp_path / "stream.h264").read_bytes() == b"".join(start + nal for nal in nals)


class TestPng:
    @staticmethod
    def encoded() -> list[bytes]:
        """NAL units of one small picture."""
        command = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=192x112:rate=15"]
        command += ["-frames:v", "1", "-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p"]
        done = subprocess.run([*command, "-f", "h264", "pipe:1"], capture_output=True, check=True)
        pieces = [piece.strip(b"\0") for piece in done.stdout.split(b"\0\0\1")]
        return [piece for piece in pieces if piece and piece[0] & 0x1F in {5, 7, 8}]

    def test_picture_and_facts(self, tmp_path: Path) -> None:
        sps, pps, idr = self.encoded()
        found = seen(Server(sdp=SESSION_PART + video_part(sps, pps), media=[(0, media(2, idr=[idr]))]))
        facts = found.png(tmp_path / "picture.png")
        assert (facts.codec, facts.width, facts.height) == ("h264", 192, 112)
        assert "Baseline" in facts.profile
        data = (tmp_path / "picture.png").read_bytes()
        assert data.startswith(b"\x89PNG")
        assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (192, 112)

    def test_broken_picture_is_an_error(self, tmp_path: Path) -> None:
        sps, pps, idr = self.encoded()
        broken = idr[: len(idr) // 3]
        found = seen(Server(sdp=SESSION_PART + video_part(sps, pps), media=[(0, media(2, idr=[broken]))]))
        with pytest.raises(DecodeError):
            found.png(tmp_path / "picture.png")
