from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from world.camera.self_viewer import SelfViewer

OK = "RTSP/1.0 200 OK\r\n"


@contextmanager
def camera(answers: list[str]) -> Iterator[tuple[int, list[str], threading.Event]]:
    """A server that gives one connection these answers in turn, and hangs up when told."""
    requests: list[str] = []
    hang_up = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.settimeout(5)
            for answer in answers:
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += connection.recv(1000)
                requests.append(request.decode())
                connection.sendall(answer.encode())
            hang_up.wait(5)

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield listener.getsockname()[1], requests, hang_up
    finally:
        hang_up.set()
        server.join(5)


def watch(port: int, tracks: int) -> queue.Queue[str]:
    events: queue.Queue[str] = queue.Queue()
    SelfViewer(port=port, path="/live", tracks=tracks, ready=lambda: events.put("ready"), failed=events.put).start()
    return events


def test_it_sets_up_every_track_in_one_session_and_stays() -> None:
    describe = f"{OK}CSeq: 1\r\nContent-Length: 5\r\n\r\nv=0\r\n"
    setup = f"{OK}CSeq: 2\r\nsession: abc;timeout=60\r\n\r\n"
    with camera([describe, setup, setup, f"{OK}\r\n"]) as (port, requests, hang_up):
        events = watch(port, tracks=2)
        assert events.get(timeout=5) == "ready"
        assert [request.split(" RTSP")[0] for request in requests] == [
            f"DESCRIBE rtsp://127.0.0.1:{port}/live",
            f"SETUP rtsp://127.0.0.1:{port}/live/stream=0",
            f"SETUP rtsp://127.0.0.1:{port}/live/stream=1",
            f"PLAY rtsp://127.0.0.1:{port}/live",
        ]
        assert ["Session: abc\r\n" in request for request in requests] == [False, False, True, True]
        assert events.empty()
        hang_up.set()
        assert events.get(timeout=5) == "the camera closed its own session"


def test_a_refusal_is_told_with_its_status() -> None:
    with camera(["RTSP/1.0 503 Service Unavailable\r\n\r\n"]) as (port, _, _):
        assert watch(port, tracks=1).get(timeout=5) == "DESCRIBE: RTSP/1.0 503 Service Unavailable"


def test_a_setup_without_session_is_a_failure() -> None:
    with camera([f"{OK}\r\n", f"{OK}\r\n"]) as (port, _, _):
        assert watch(port, tracks=1).get(timeout=5) == "SETUP was answered without a session"
