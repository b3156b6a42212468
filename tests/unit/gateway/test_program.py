"""The program as systemd runs it: readiness, watchdog, reload, status, the end."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from alexa_ip_cam.gateway.__main__ import main
from alexa_ip_cam.gateway.server import Server
from unit.gateway.fake_live555 import FakeLive555
from unit.gateway.rig import KEY, Client, camera, in_time, signed

ROOT = Path(__file__).parents[3]


@dataclass
class Program:
    """The running program, what it told systemd, and where it listens."""

    process: asyncio.subprocess.Process
    told: list[str]
    port: int
    folder: Path

    async def hears(self, word: str, times: int = 1) -> None:
        """Wait until systemd was told ``word`` so often."""
        async with asyncio.timeout(5):
            while sum(word in text for text in self.told) < times:  # noqa: ASYNC110 - a datagram has no event
                await asyncio.sleep(0.01)

    async def get(self, path: str) -> str:
        """Ask the status socket."""
        reader, writer = await asyncio.open_unix_connection(self.folder / "status.sock")
        writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        head, body = (await reader.read()).decode().split("\r\n\r\n", 1)
        writer.close()
        await writer.wait_closed()
        assert f"Content-Length: {len(body)}" in head
        return body

    def client(self) -> contextlib.AbstractAsyncContextManager[Client]:
        """A connection to it."""
        return Client.connect(cast(Server, self))


def write_config(folder: Path, port: int, *cameras: dict[str, Any], **entries: Any) -> None:
    document = {
        "listen": f"127.0.0.1:{port}",
        "stream_keys": [KEY.hex()],
        "status_socket": str(folder / "status.sock"),
        "status_file": str(folder / "status.json"),
        "cameras": list(cameras),
        **entries,
    }
    (folder / "gateway.json").write_text(json.dumps(document))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def program(folder: Path, *cameras: dict[str, Any]) -> AsyncIterator[Program]:
    """Start it, wait until it is ready, and stop it in the end."""
    port, told = free_port(), []
    write_config(folder, port, *cameras)
    loop = asyncio.get_running_loop()
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(folder / "notify"))
    notify.setblocking(False)
    loop.add_reader(notify, lambda: told.append(notify.recv(4096).decode()))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NOTIFY_SOCKET": str(folder / "notify")}
    environment |= {"WATCHDOG_USEC": "300000"}
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-W", "error", "-m", "alexa_ip_cam.gateway", "--config", str(folder / "gateway.json")],
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Program(process, told, port, folder)
    try:
        await running.hears("READY=1")
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        loop.remove_reader(notify)
        notify.close()


def test_life_of_the_program(tmp_path: Path) -> None:
    async def play() -> None:
        async with FakeLive555().run() as one, FakeLive555().run() as two, program(tmp_path, camera(one.url)) as it:
            async with it.client() as client, asyncio.timeout(10):
                assert (await client.play(signed())).status == 200
                status = json.loads(await it.get("/status"))
                assert status["cameras"]["front-porch"]["viewers"] == 1
                assert 'alexa_gateway_camera_connected{camera="front-porch"} 1' in await it.get("/metrics")
                assert "GET /status" in await it.get("/else")
                await it.hears("WATCHDOG=1", 3)

                # A second camera comes; the viewer of the first does not notice.
                write_config(tmp_path, it.port, camera(one.url), camera(two.url, "back-yard"))
                it.process.send_signal(signal.SIGHUP)
                await it.hears("READY=1", 2)
                assert sum("RELOADING=1\nMONOTONIC_USEC=" in text for text in it.told) == 1
                async with it.client() as other:
                    assert (await other.play(signed("back-yard"))).status == 200
                await client.frames(10)

                # A broken file changes nothing and is said.
                (tmp_path / "gateway.json").write_text("{")
                it.process.send_signal(signal.SIGHUP)
                await it.hears("broken", 1)
                await client.frames(10)

                # The first camera goes: its viewer is closed, the second stays.
                write_config(tmp_path, it.port, camera(two.url, "back-yard"))
                it.process.send_signal(signal.SIGHUP)
                await it.hears("READY=1", 4)
                await client.closed(2)
                async with it.client() as other:
                    assert (await other.ask("DESCRIBE", signed())).status == 404
                    assert (await other.ask("DESCRIBE", signed("back-yard"))).status == 200
                assert one.sessions == 1
                assert two.sessions == 1

            assert json.loads((tmp_path / "status.json").read_text())["cameras"]
            began = time.monotonic()
            it.process.send_signal(signal.SIGTERM)
            assert await it.process.wait() == 0
            assert time.monotonic() - began < 2
            assert "STOPPING=1" in it.told
            assert not (tmp_path / "status.sock").exists()
            assert it.process.stderr is not None
            log = (await it.process.stderr.read()).decode()
            assert "the new configuration is not used" in log
            assert "front-porch: viewer" in log
            assert re.search("[0-9a-f]{32}", log) is None

    in_time(play(), 25)


def test_bad_configuration_is_said_and_nothing_starts(tmp_path: Path) -> None:
    path = tmp_path / "gateway.json"
    path.write_text('{"cameras": []}')
    command = [sys.executable, "-m", "alexa_ip_cam.gateway", "--config", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert done.stderr == f"{path}: stream_keys: at least one key is needed while require_signature is true\n"


def test_check_only(tmp_path: Path) -> None:
    write_config(tmp_path, 1)
    assert main(["--config", str(tmp_path / "gateway.json"), "--check"]) == 0
