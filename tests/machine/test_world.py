"""The world by itself: cameras as players see them, the DNS host and the ACME server."""

from __future__ import annotations

import itertools
import json
import random
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

from sandbox import Network
from world import PROFILES, Camera, World, acme, sei
from world import dns as world_dns
from world.clip import NAL_IDR_SLICE, NAL_PPS, NAL_SLICES, NAL_SPS, Clip, access_units, nal_type, split_annex_b

pytestmark = pytest.mark.machine

Pictures = list[list[bytes]]
FFMPEG_PROFILES = {"baseline": "Constrained Baseline", "main": "Main"}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Network("world") as net, World(net) as running:
        yield running


@pytest.fixture(scope="module")
def attic(world: World) -> Camera:
    """A camera with all that the others are without: no password, AAC, parameter sets in the SDP alone."""
    profile = replace(PROFILES["side-gate"], auth="none", audio="aac", parameter_sets="sdp")
    return world.add_camera("attic", profile, name="Attic")


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Pictures]:
    """Return a function that watches a camera with ffmpeg and gives every picture as it came.

    But for the first: the viewer may have joined between two NAL units of one picture.
    """

    def watch(camera: Camera, *, seconds: float = 1.5, transport: str = "tcp") -> Pictures:
        target = tmp_path / f"{secrets.token_hex(4)}.h264"
        # ffmpeg waits for a keyframe unless told not to, but needs to when there is sound as well.
        hurry = ["-analyzeduration", "0", "-probesize", "32"] if camera.audio == "none" else []
        player(
            *("ffmpeg", "-v", "error", *hurry),
            *("-rtsp_transport", transport, "-i", camera.url_with_credentials()),
            *("-t", str(seconds), "-map", "0:v", "-c", "copy", "-copyinkf", "-f", "h264", str(target)),
        )
        nals = itertools.dropwhile(lambda nal: nal_type(nal) in NAL_SLICES, split_annex_b(target.read_bytes()))
        return access_units(list(nals))[1:]

    return watch


def player(*command: str) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def marker(picture: list[bytes]) -> tuple[int, int]:
    (found,) = [mark for mark in map(sei.parse, picture) if mark]
    return found


def without_marker(picture: list[bytes]) -> tuple[bytes, ...]:
    return tuple(nal for nal in picture if sei.parse(nal) is None)


def assert_as_sent(camera: Camera, pictures: Pictures) -> None:
    """Every picture is the clip's, and none is missing."""
    clip = Clip.load(camera.clip)
    numbers = [marker(picture)[0] for picture in pictures]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert all(without_marker(picture) == clip.nals(number) for number, picture in zip(numbers, pictures, strict=True))


def ask(connection: socket.socket, method: str, camera: Camera) -> str:
    connection.sendall(f"{method} {camera.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
    return connection.recv(4096).decode()


@pytest.mark.parametrize("camera_id", PROFILES)
def test_a_player_sees_what_the_profile_says(world: World, camera_id: str) -> None:
    camera = world.cameras[camera_id]
    found = json.loads(
        player(
            *("ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-of", "json", "-show_streams"),
            camera.url_with_credentials(),
        )
    )
    video, *sound = found["streams"]
    assert (video["codec_name"], video["profile"]) == ("h264", FFMPEG_PROFILES[camera.profile.h264_profile])
    assert (video["width"], video["height"]) == (camera.width, camera.height)
    assert [stream["codec_name"] for stream in sound] == (["pcm_mulaw"] if camera.audio == "pcmu" else [])


@pytest.mark.parametrize("camera_id", PROFILES)
def test_a_wrong_password_is_refused(world: World, camera_id: str) -> None:
    camera = replace(world.cameras[camera_id], password="wrong")
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", camera.url_with_credentials()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "401 Unauthorized" in done.stderr


def test_each_camera_asks_for_its_own_kind_of_authentication(world: World) -> None:
    for camera in world.cameras.values():
        with socket.create_connection((world.address, camera.port), timeout=10) as connection:
            answer = ask(connection, "DESCRIBE", camera)
        if camera.profile.auth == "none":
            assert " 200 OK" in answer.splitlines()[0]
        else:
            assert f"WWW-Authenticate: {camera.profile.auth.title()} realm=" in answer


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("camera_id", ["front-porch", "driveway", "side-gate"])
def test_pictures_arrive_unchanged_and_complete(
    world: World, record: Callable[..., Pictures], camera_id: str, transport: str
) -> None:
    camera = world.cameras[camera_id]
    pictures = record(camera, transport=transport)
    assert len(pictures) > camera.fps
    assert_as_sent(camera, pictures)
    slices = {sum(nal_type(nal) in (1, NAL_IDR_SLICE) for nal in picture) for picture in pictures}
    assert slices == {camera.profile.slices}


def test_keyframes_of_the_back_garden_are_350_to_400_kb_in_one_slice(
    world: World, record: Callable[..., Pictures]
) -> None:
    camera = world.cameras["back-garden"]
    pictures = record(camera, seconds=6.5)
    assert_as_sent(camera, pictures)
    slices = [nal for picture in pictures for nal in picture if nal_type(nal) == NAL_IDR_SLICE]
    assert len(slices) >= 3
    assert all(350_000 <= len(nal) <= 400_000 for nal in slices)


def test_a_viewer_joins_where_the_stream_is(world: World, record: Callable[..., Pictures]) -> None:
    camera = world.cameras["front-porch"]
    places = []
    for _ in range(4):
        time.sleep(random.uniform(0, camera.gop / camera.fps))  # noqa: S311  (no secret)
        before = time.time_ns()
        number, captured = marker(record(camera, seconds=0.5)[0])
        assert before - 1_000_000_000 < captured < time.time_ns()
        places.append(number % camera.gop)
    assert len(set(places)) > 1
    assert any(place != 0 for place in places), "all four joined at a keyframe"


def test_viewers_at_the_same_time_get_the_same_pictures(world: World, record: Callable[..., Pictures]) -> None:
    camera = world.cameras["front-porch"]
    with ThreadPoolExecutor(3) as viewers:
        views = list(viewers.map(lambda transport: record(camera, transport=transport), ["tcp", "tcp", "udp"]))
    for pictures in views:
        assert_as_sent(camera, pictures)
    assert set.intersection(*({marker(picture) for picture in pictures} for pictures in views))


def test_sound_flows_in_real_time(world: World, tmp_path: Path) -> None:
    target = tmp_path / "sound.mulaw"
    url = world.cameras["driveway"].url_with_credentials()
    player(
        # Two seconds of the clock on the wall: until the first sender report, ffmpeg's own time may start anywhere.
        *("ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-use_wallclock_as_timestamps", "1", "-i", url),
        *("-map", "0:a", "-t", "2", "-c", "copy", "-f", "mulaw", str(target)),
    )
    assert 15_000 <= target.stat().st_size <= 17_000


def test_an_open_camera_with_aac_and_sets_in_the_sdp_alone(attic: Camera, record: Callable[..., Pictures]) -> None:
    found = json.loads(player("ffprobe", "-v", "error", "-of", "json", "-show_streams", attic.url))
    assert [stream["codec_name"] for stream in found["streams"]] == ["h264", "aac"]
    kinds = {nal_type(nal) for picture in record(attic, seconds=4.5) for nal in picture}
    assert NAL_IDR_SLICE in kinds
    assert kinds.isdisjoint({NAL_SPS, NAL_PPS})


def test_the_sdp_has_the_parameter_sets_only_when_wanted(world: World, attic: Camera) -> None:
    bare = world.add_camera("cellar", replace(attic.profile, parameter_sets="band"), name="Cellar")
    for camera, expected in ((attic, True), (bare, False)):
        with socket.create_connection((world.address, camera.port), timeout=10) as connection:
            assert ("sprop-parameter-sets=" in ask(connection, "DESCRIBE", camera)) is expected


def test_clones_play_one_clip_each_in_its_own_phase(world: World, record: Callable[..., Pictures]) -> None:
    clones = world.add_clones("front-porch", 2)
    assert [clone.id for clone in clones] == ["front-porch-1", "front-porch-2"]
    assert {clone.clip for clone in clones} == {world.cameras["front-porch"].clip}
    marks = [marker(record(clone, seconds=0.5)[0]) for clone in clones]
    interval = 1_000_000_000 // clones[0].fps
    assert len({captured % interval for _, captured in marks}) == 2
    (third,) = world.add_clones("front-porch", 1)
    assert third.id == "front-porch-3"
    with pytest.raises(ValueError, match="already"):
        world.add_camera(third.id, third.profile)


def test_a_hung_camera_takes_connections_and_says_nothing(world: World, record: Callable[..., Pictures]) -> None:
    camera = world.cameras["side-gate"]
    world.hang_camera(camera.id)
    with socket.create_connection((world.address, camera.port), timeout=1) as connection:
        with pytest.raises(TimeoutError):
            ask(connection, "OPTIONS", camera)
        world.resume_camera(camera.id)
        connection.settimeout(10)
        assert " 200 OK" in connection.recv(4096).decode()
    assert_as_sent(camera, record(camera))


@pytest.mark.parametrize("end", [World.stop_camera, World.kill_camera])
def test_a_camera_that_ended_is_gone_until_it_is_started(
    world: World, record: Callable[..., Pictures], end: Callable[[World, str], None]
) -> None:
    camera = world.cameras["side-gate"]
    last, _ = marker(record(camera)[-1])
    with socket.create_connection((world.address, camera.port), timeout=10) as connection:
        assert " 200 OK" in ask(connection, "OPTIONS", camera)
        end(world, camera.id)
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((world.address, camera.port), timeout=10)
    world.start_camera(camera.id)
    pictures = record(camera)
    assert_as_sent(camera, pictures)
    assert marker(pictures[0])[0] > last, "the clock of the camera went on"


def test_an_unknown_camera_is_an_error(world: World) -> None:
    with pytest.raises(KeyError, match="moon"):
        world.stop_camera("moon")


def test_passwords_are_for_root_alone_and_in_no_command_line(world: World) -> None:
    listing = world.machine.run(["find", "/etc/world/cameras", "-type", "f", "-printf", "%m %u %f\n"]).stdout
    assert {line.rpartition(" ")[0] for line in listing.splitlines()} == {"600 root"}
    commands = world.machine.run(["ps", "-eo", "args"]).stdout
    passwords = [camera.password for camera in world.cameras.values() if camera.password]
    assert len(set(passwords)) == len(passwords)
    assert not any(password in commands for password in passwords)


def lookup(world: World, name: str, kind: str) -> tuple[dns.rcode.Rcode, list[str]]:
    answer = dns.query.udp(dns.message.make_query(name, kind), world.address, timeout=10)
    return answer.rcode(), [item.to_text() for rrset in answer.answer for item in rrset]


def test_an_address_is_known_at_once_and_replaced(world: World) -> None:
    for address in ("192.0.2.7", "192.0.2.8"):
        world.set_address("garden.example.test", address)
        assert lookup(world, "garden.example.test", "A") == (dns.rcode.NOERROR, [address])
    assert lookup(world, "house.example.test", "A") == (dns.rcode.NXDOMAIN, [])


@pytest.mark.parametrize("name", ["example.test", "cams.example.test", "clips.example.test"])
def test_the_certbot_key_can_answer_challenges(world: World, name: str) -> None:
    challenge = f"_acme-challenge.{name}"
    world_dns.replace_records(world.address, world.dns_update_key, challenge, "TXT", ["proof"])
    assert lookup(world, challenge, "TXT") == (dns.rcode.NOERROR, ['"proof"'])


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("cams.example.test", "TXT", "proof"),
        ("cams.example.test", "A", "192.0.2.66"),
        ("_acme-challenge.cams.example.test", "A", "192.0.2.66"),
        ("_acme-challenge.shop.example.test", "TXT", "proof"),
    ],
)
def test_the_certbot_key_can_change_nothing_else(world: World, name: str, kind: str, value: str) -> None:
    with pytest.raises(PermissionError, match=f"refused to let certbot change {kind} of {name}"):
        world_dns.replace_records(world.address, world.dns_update_key, name, kind, [value])


def test_a_name_elsewhere_is_answered_by_way_of_the_hosts_resolver(world: World) -> None:
    # The host of the machine's own packages, the one name outside that any machine needs.
    sources = world.machine.run(["apt-get", "indextargets", "--format", "$(REPO_URI)"]).stdout
    name = sources.split("/")[2].partition(":")[0]
    code, addresses = lookup(world, name, "A")
    assert code == dns.rcode.NOERROR
    assert addresses


def test_the_acme_directory_answers_over_verified_tls_under_its_name(world: World) -> None:
    host = acme.NAME
    assert world.acme_directory == f"https://{host}:{acme.PORT}/dir"
    _, addresses = lookup(world, host, "A")
    assert addresses == [world.address]
    context = ssl.create_default_context(cadata=world.acme_tls_ca_pem())
    with (
        socket.create_connection((addresses[0], acme.PORT), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        secured.sendall(f"GET /dir HTTP/1.0\r\nHost: {host}:{acme.PORT}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: secured.recv(4096), b""))
    directory = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert directory["newOrder"].startswith(f"https://{host}:{acme.PORT}/")


def test_the_roots_are_as_many_as_asked_for_and_known_by_name(world: World) -> None:
    names = world.acme_root_names()
    assert len(set(names)) == 3
    assert [acme.common_name(pem) for pem in world.acme_roots()] == names
    assert all(name.startswith("Pebble Root CA ") for name in names)
