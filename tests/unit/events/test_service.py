"""The program as systemd runs it: start, readiness, watchdog, reload, end; and the real store."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alexa_ip_cam.alexa.endpoints import endpoint_id
from alexa_ip_cam.alexa.lwa import exchange_code
from alexa_ip_cam.alexa.store import Store
from alexa_ip_cam.skill.discovery import endpoints
from alexa_ip_cam.skill.settings import Camera, Site
from simulators.amazon.aws import ACCESS_KEY, REGION, Aws
from simulators.amazon.event_gateway import EventGateway
from simulators.amazon.lwa import Lwa
from simulators.events_service import ROOT, STREAMS_NAME, EventsService
from unit.events.conftest import CLIENT

YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


class Process:
    """``python -m alexa_ip_cam.events`` with systemd's socket."""

    def __init__(self, service: EventsService, folder: Path) -> None:
        self.service = service
        self.states: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.setblocking(False)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": "3000000",
        }
        self._log = service.log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "alexa_ip_cam.events", str(service.folder / "events.json")],
            env=environment,
            stderr=self._log,
            stdin=subprocess.DEVNULL,
        )
        service.process = self.process

    def wait(self, condition: Callable[[], object], seconds: float = 20) -> None:
        def both() -> object:
            try:
                while True:
                    self.states += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                pass
            return condition()

        self.service.wait_until(both, seconds)

    def stop(self) -> int:
        return self.service.stop()

    def close(self) -> None:
        self._socket.close()
        self._log.close()


@pytest.fixture
def start(service: EventsService, tmp_path: Path) -> Iterator[Callable[[], Process]]:
    for camera in service.document["cameras"]:
        camera["recordings"].update(type="directory", layout="reolink")
    service.write_config()
    started: list[Process] = []

    def run() -> Process:
        process = Process(service, tmp_path)
        started.append(process)
        return process

    yield run
    for process in started:
        process.close()


def test_readiness_watchdog_reload_and_end(service: EventsService, start: Callable[[], Process]) -> None:
    process = start()
    process.wait(lambda: "READY=1" in process.states)
    assert "STATUS=4 cameras" in process.states
    process.wait(lambda: process.states.count("WATCHDOG=1") >= 3, 6)
    service.document["cameras"] = service.document["cameras"][:1]
    service.write_config()
    process.process.send_signal(signal.SIGHUP)
    process.wait(lambda: "STATUS=1 cameras" in process.states)
    assert "RELOADING=1" in process.states
    (service.folder / "events.json").write_text("{")
    process.process.send_signal(signal.SIGHUP)
    process.wait(lambda: any("the new configuration is broken" in one for one in process.states))
    process.wait(lambda: process.states[-1] == "WATCHDOG=1")
    service.write_config()
    service.document["database"] = "/elsewhere/events.db"
    service.write_config()
    process.process.send_signal(signal.SIGHUP)
    process.wait(lambda: "at the next start only: database" in service.log.read_text())
    began = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - began < 5
    process.wait(lambda: "STOPPING=1" in process.states)


def test_the_status_is_kept_in_files(service: EventsService, start: Callable[[], Process]) -> None:
    process = start()
    process.wait((service.folder / "metrics.prom").exists)
    status = json.loads((service.folder / "status.json").read_text())
    assert status["halted"] is None
    assert status["resident_bytes"] > 10**7
    assert "alexa_events_linked" in (service.folder / "metrics.prom").read_text()
    assert process.stop() == 0


def _run(*arguments: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "alexa_ip_cam.events", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return ended.returncode, ended.stderr


def test_a_configuration_that_is_wrong_is_told_before_anything_is_done(service: EventsService) -> None:
    path = str(service.folder / "events.json")
    service.document["cameras"][0]["recordings"] = {"type": "tape"}
    service.write_config()
    for arguments in (["--check", path], [path]):
        status, told = _run(*arguments)
        assert status == 2
        assert told.startswith("camera front-porch") or "front-porch" in told
        assert "axis" in told
    service.document["cameras"][0]["recordings"] = None
    service.document["cameras"][1:] = []
    service.write_config()
    assert _run("--check", path) == (0, "")
    service.document["database"] = str(service.folder / "missing" / "events.db")
    service.write_config()
    status, told = _run(path)
    assert status == 1
    assert "cannot start" in told
    assert "Traceback" not in told


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with Aws() as simulator:
        simulator.make_table("alexa-ip-cam")
        yield simulator


def test_grant_tokens_and_states_through_the_real_store(
    aws: Aws, service: EventsService, gateway: EventGateway, lwa: Lwa
) -> None:
    """DynamoDB as moto plays it, boto3 as the appliance has it."""
    store = Store("alexa-ip-cam", STREAMS_NAME, region=REGION, endpoint_url=aws.url, access_key=ACCESS_KEY)
    credentials = service.folder / "aws.json"
    credentials.write_text(json.dumps(dict(zip(("access_key_id", "secret_access_key"), ACCESS_KEY, strict=True))))
    service.document["store"] = {
        "table": "alexa-ip-cam",
        "region": REGION,
        "credentials_file": str(credentials),
        "url": aws.url,
    }
    service.document["keep_days"] = 2
    service.write_config()
    service.real_store = True
    identity = service.record("garden", YESTERDAY)
    service.start()
    service.wait_ready()
    time.sleep(0.5)
    assert gateway.accepted == [], "the skill is not linked yet"
    tokens = exchange_code(lwa.new_code(CLIENT.client_id, "somebody"), CLIENT, url=lwa.url)
    # Four minutes are left of it: time to renew.
    store.put_grant(tokens._replace(expires_at=time.time() + 240), CLIENT, "EU")
    service.wait_until(lambda: [one.media_id for one in gateway.accepted] == [identity])
    grant = store.grant()
    assert grant is not None
    assert grant.version == 2
    assert grant.tokens.access_token != tokens.access_token
    part = service.begin("driveway", datetime.now(UTC))
    service.wait_until(lambda: (found := store.state("driveway").detection) and found.value == "DETECTED")
    part.rename(part.with_suffix(".rec"))
    service.wait_until(lambda: (found := store.state("driveway").detection) and found.value == "NOT_DETECTED")
    # Somebody deletes a clip by hand; the next start's clean-up sees it.
    assert service.stop() == 0
    clip = next((service.folder / "clips" / "garden").rglob("*.mp4"))
    clip.unlink()
    service.start()
    service.wait_until(lambda: store.deleted([identity]) == {identity})
    service.wait_until(lambda: "MediaDeleted" in [one.name for one in gateway.accepted])
    assert service.stop() == 0
    assert "Atz" not in service.log.read_text()


def test_devices_are_told_when_the_inventory_changes(service: EventsService, gateway: EventGateway) -> None:
    """Nobody has to say "discover devices": what the skill's discovery lists is told as soon as it is another."""
    cameras = {
        endpoint_id(STREAMS_NAME, name): Camera(
            id=name,
            name=name.title(),
            manufacturer="Axis",
            model="P3245",
            width=1280,
            height=720,
            audio="NONE",
            doorbell=False,
            host="local",
        )
        for name in ("porch", "garden", "shed")
    }
    site = Site(
        streams_name=STREAMS_NAME,
        remote_name=None,
        clips_name="clips.example.com",
        port=443,
        owners=frozenset(),
        cameras=cameras,
        sign_streams=True,
        stream_key=b"",
        snapshot_key="",
        clip_key="",
        media_key=b"",
        stream_ttl_seconds=300,
        snapshots=True,
        media_metadata=True,
    )
    service.document["endpoints"] = endpoints(site)
    service.write_config()
    service.start()
    service.wait_until(lambda: len(gateway.accepted) == 1)
    assert service.process is not None
    porch, garden, shed = cameras
    renamed = {porch: cameras[porch], garden: cameras[garden]._replace(name="Rose Garden")}
    service.document["endpoints"] = endpoints(site._replace(cameras=renamed))
    service.write_config()
    service.process.send_signal(signal.SIGHUP)
    service.wait_until(lambda: len(gateway.accepted) == 3)
    service.process.send_signal(signal.SIGHUP)
    service.wait_until(lambda: service.log.read_text().count("reloaded") == 2)
    assert service.stop() == 0
    told = [
        (one.name, [item["endpointId"] for item in one.document["event"]["payload"]["endpoints"]])
        for one in gateway.accepted
    ]
    assert told == [
        ("AddOrUpdateReport", [porch, garden, shed]),
        ("AddOrUpdateReport", [garden]),
        ("DeleteReport", [shed]),
    ]
