"""live555-proxy itself, built with sanitizers, against a camera that does what a test tells it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from machine.live555_builds import sanitized_proxy
from machine.proxy_process import ID, Proxy, free_port
from machine.rtsp_probe import RtspProbe
from machine.scripted_camera import GARBAGE, ScriptedCamera

LOGIN = {"username": "viewer", "password": "geheim"}


@pytest.fixture(scope="module")
def program() -> Path:
    return sanitized_proxy()


@pytest.fixture
def camera() -> Iterator[ScriptedCamera]:
    camera = ScriptedCamera()
    yield camera
    camera.die()


def _url(camera: ScriptedCamera) -> str:
    return f"rtsp://127.0.0.1:{camera.port}/stream"


def _numbers(probe: RtspProbe, seconds: float) -> list[int]:
    """The running numbers of the frames that come."""
    frames = (nal for _, nal in probe.nal_units(seconds) if nal[0] in (0x65, 0x41) and nal[5:10] == b"Z" * 5)
    return [int.from_bytes(nal[1:5], "big") for nal in frames]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("auth", ["none", "basic", "digest"])
def test_passes_every_frame_on(
    program: Path, tmp_path: Path, camera: ScriptedCamera, transport: str, auth: str
) -> None:
    camera.auth = auth
    with Proxy(program, tmp_path, _url(camera), transport=transport, **LOGIN) as proxy:
        with proxy.watch() as viewer, proxy.watch() as second:
            numbers = _numbers(viewer, 0.5)
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert len(numbers) >= 10
            assert len(_numbers(second, 0.2)) >= 3
        assert "geheim" not in proxy.log
    assert camera.requests[-1] == "TEARDOWN"


def test_a_viewer_gets_media_at_once_when_the_last_one_has_just_left(
    program: Path, tmp_path: Path, camera: ScriptedCamera
) -> None:
    camera.packets_per_frame = 60
    camera.pause_seconds = 0.1  # media still comes meanwhile
    with Proxy(program, tmp_path, _url(camera)) as proxy:
        for _ in range(30):
            with proxy.watch(2) as viewer:
                assert _numbers(viewer, 0.1)
        assert proxy.log.count("camera lost") == 0
    assert camera.requests.count("DESCRIBE") == 1
    assert camera.requests.count("PAUSE") >= 30


def test_a_camera_does_not_play_on_for_a_viewer_that_left_too_early(
    program: Path, tmp_path: Path, camera: ScriptedCamera
) -> None:
    with Proxy(program, tmp_path, _url(camera)) as proxy:
        proxy.wait_until(200, 5)
        camera.hang()
        with proxy.probe() as viewer:
            viewer.describe()
            assert viewer.setup("track1", 0).status == 200
        time.sleep(0.2)
        camera.resume()
        proxy.wait_for("plays for nobody")
        proxy.watch().close()


def test_is_reached_from_this_machine_only(program: Path, tmp_path: Path, camera: ScriptedCamera) -> None:
    with Proxy(program, tmp_path, _url(camera)) as proxy:
        assert proxy.sockets() == {"tcp 127.0.0.1"}
        proxy.wait_until(200, 5)
        assert proxy.sockets() == {"tcp 127.0.0.1"}
        with proxy.watch():
            assert proxy.sockets() == {"tcp 127.0.0.1", "udp 127.0.0.1"}


def test_a_camera_that_dies_is_noticed_at_once_and_found_when_it_returns(
    program: Path, tmp_path: Path, camera: ScriptedCamera
) -> None:
    with Proxy(program, tmp_path, _url(camera)) as proxy:
        viewer = proxy.watch()
        camera.die()
        assert viewer.wait_until_closed(5) < 1
        begun = time.monotonic()
        assert proxy.status() == 404
        assert time.monotonic() - begun < 0.5
        time.sleep(3)  # long enough for the library's own pauses to have grown
        camera.start()
        begun = time.monotonic()
        proxy.watch(5).close()
        assert time.monotonic() - begun < 5
        assert proxy.log.count("camera lost") == 1


def test_silence_is_noticed_within_ten_seconds(program: Path, tmp_path: Path) -> None:
    watched, idle, mute = ScriptedCamera(), ScriptedCamera(), ScriptedCamera()
    with (
        Proxy(program, tmp_path, _url(watched)) as of_watched,
        Proxy(program, tmp_path, _url(idle)) as of_idle,
        Proxy(program, tmp_path, _url(mute)) as of_mute,
    ):
        viewer, mute_viewer = of_watched.watch(), of_mute.watch()
        of_idle.wait_until(200, 5)
        watched.hang()
        idle.hang()
        mute.media = False  # it goes on answering requests
        begun = time.monotonic()
        viewer.wait_until_closed(10)
        mute_viewer.wait_until_closed(10 - (time.monotonic() - begun))
        of_idle.wait_until(404, 10 - (time.monotonic() - begun))
        assert time.monotonic() - begun > 5  # a short stall is no loss
        for camera in (watched, idle):
            camera.resume()
        mute.media = True
        begun = time.monotonic()
        for proxy in (of_watched, of_idle, of_mute):
            proxy.watch(5 - (time.monotonic() - begun)).close()
    for camera in (watched, idle, mute):
        camera.die()


def test_a_camera_that_ends_its_stream_is_asked_again(program: Path, tmp_path: Path, camera: ScriptedCamera) -> None:
    with Proxy(program, tmp_path, _url(camera)) as proxy:
        viewer = proxy.watch()
        camera.say_bye()
        assert viewer.wait_until_closed(5) < 1
        proxy.watch(5).close()


def test_nonsense_is_survived_until_the_camera_makes_sense(
    program: Path, tmp_path: Path, camera: ScriptedCamera
) -> None:
    sdp, camera.sdp = camera.sdp, GARBAGE
    with Proxy(program, tmp_path, _url(camera)) as proxy:
        proxy.wait_for("holds no track that can be passed on")
        assert proxy.status() == 404
        camera.close_at_once = True
        proxy.wait_for("no connection")
        camera.close_at_once = False
        camera.sdp, camera.status = sdp, 503
        proxy.wait_for("DESCRIBE with 503")
        camera.status = 200
        proxy.watch(5).close()


def test_a_refused_password_is_not_tried_often(program: Path, tmp_path: Path, camera: ScriptedCamera) -> None:
    camera.auth = "digest"
    with Proxy(program, tmp_path, _url(camera), username="viewer", password="falsch") as proxy:
        proxy.wait_for("does not accept the user name or password (401)")
        assert proxy.status() == 404
        time.sleep(4)
        assert camera.requests.count("DESCRIBE") == 2  # once to be asked for credentials, once with them
        assert "falsch" not in proxy.log


def test_many_losses_leave_nothing_behind(program: Path, tmp_path: Path, camera: ScriptedCamera) -> None:
    with Proxy(program, tmp_path, _url(camera)) as proxy:
        proxy.wait_until(200, 5)
        time.sleep(0.5)  # it closes the connection that asked
        before = proxy.open_files
        for _ in range(8):
            viewer = proxy.watch()
            camera.die()
            viewer.wait_until_closed(5)
            camera.start()
        proxy.wait_until(200, 5)
        time.sleep(0.5)
        assert proxy.open_files == before
        assert len(proxy.log.splitlines()) < 30


@pytest.mark.parametrize(
    ("request_text", "answer"),
    [
        ("DESCRIBE rtsp://x/other RTSP/1.0\r\nCSeq: 1\r\n\r\n", "RTSP/1.0 404"),
        ("GET /front-porch HTTP/1.0\r\nx-sessioncookie: abc\r\n\r\n", "HTTP/1.0 405"),
        ("POST /front-porch HTTP/1.0\r\nx-sessioncookie: abc\r\n\r\n", "HTTP/1.0 405"),
        (
            "SETUP rtsp://x/front-porch/track1 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;client_port=5000-5001\r\n\r\n",
            "RTSP/1.0 461",
        ),
        ("PLAY rtsp://x/front-porch RTSP/1.0\r\nCSeq: 1\r\nSession: 12345678\r\n\r\n", "RTSP/1.0 454"),
        ("\r\n\r\n", "RTSP/1.0 400"),
    ],
    ids=["other stream", "tunnel GET", "tunnel POST", "UDP", "no session", "nonsense"],
)
def test_what_it_does_not_serve_is_refused(
    program: Path, tmp_path: Path, camera: ScriptedCamera, request_text: str, answer: str
) -> None:
    with Proxy(program, tmp_path, _url(camera)) as proxy:
        proxy.wait_until(200, 5)
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
            connection.sendall(request_text.encode())
            assert connection.recv(4096).decode().startswith(answer)
        assert proxy.status() == 200


def test_tells_systemd_that_it_is_ready_and_alive(
    program: Path, tmp_path: Path, camera: ScriptedCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "900000")
        with Proxy(program, tmp_path, _url(camera)):
            assert listener.recv(1000).decode().startswith("READY=1\n")
            others = {listener.recv(1000).decode() for _ in range(3)}
        assert others == {"STATUS=Camera is there.", "WATCHDOG=1"}


def test_a_taken_port_is_an_error_and_no_other_is_used(program: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _run(program, tmp_path, f"url=rtsp://127.0.0.1/\nport={port}\n")
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in done.stderr


def test_starts_again_at_once_after_it_had_viewers(program: Path, tmp_path: Path, camera: ScriptedCamera) -> None:
    with Proxy(program, tmp_path, _url(camera)) as proxy:
        viewer = proxy.watch()
    viewer.wait_until_closed(5)
    with proxy:  # on the same port, where the old connections still linger
        proxy.watch().close()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has no url"),
        ("url=http://camera/\nport=20123\n", "line 1: url must start with rtsp://"),
        ("url=rtsp://viewer:geheim@camera/\nport=20123\n", "line 1: url must not hold credentials"),
        ("url=rtsp://:554/geheim\nport=20123\n", "line 1: url names no host"),
        ("url=rtsp://camera/a b\nport=20123\n", "holds a blank"),
        (f"url=rtsp://camera/{'x' * 1000}\nport=20123\n", "longer than 1000"),
        ("url=rtsp://camera/\n", "has no port"),
        ("url=rtsp://camera/\nport=80\n", "line 2: port must be a whole number from 1024 to 65535"),
        ("url=rtsp://camera/\nport=20123x\n", "line 2: port must"),
        ("url=rtsp://camera/\nport=20123\nusername=viewer\n", "must be given together"),
        ("url=rtsp://camera/\nport=20123\ntransport=http\n", "line 3: transport must be tcp or udp"),
        ("url=rtsp://camera/\nport=20123\ngeheim\n", "line 3: is not key=value"),
        ("# a comment\nurl=rtsp://camera/\nport=20123\ngeheim=1\n", "line 4: unknown key"),
        ("url=rtsp://camera/\nport=20123\nport=20124\n", "line 3: port is given twice"),
        ("url=rtsp://camera/\r\nport=20123\n", "line 1: holds a control character"),
    ],
)
def test_a_bad_configuration_is_refused_in_words_without_its_values(
    program: Path, tmp_path: Path, text: str, complaint: str
) -> None:
    done = _run(program, tmp_path, text)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "geheim" not in done.stderr


@pytest.mark.parametrize("name", ["", "Front", "a/b", "-a", "a-", "a" * 33])
def test_a_bad_camera_id_is_refused(program: Path, tmp_path: Path, name: str) -> None:
    done = _run(program, tmp_path, f"url=rtsp://camera/\nport={free_port()}\n", name)
    assert done.returncode == 2
    assert "camera id must be" in done.stderr


def test_a_missing_configuration_and_a_wrong_call_are_told(program: Path, tmp_path: Path) -> None:
    missing = subprocess.run(
        [program, ID, tmp_path / "missing"], capture_output=True, text=True, check=False, timeout=10
    )
    assert missing.returncode == 2
    assert "cannot read the configuration" in missing.stderr
    wrong = subprocess.run([program], capture_output=True, text=True, check=False, timeout=10)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("usage:")


def _run(program: Path, folder: Path, text: str, name: str = ID) -> subprocess.CompletedProcess[str]:
    path = folder / "camera.conf"
    path.write_text(text, newline="")
    return subprocess.run([program, name, path], capture_output=True, text=True, check=False, timeout=10)
