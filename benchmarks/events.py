"""The events service: from a recording that is closed to Alexa, and what it costs. Needs no appliance."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from alexa_ip_cam.alexa.lwa import Client, exchange_code
from alexa_ip_cam.alexa.store import Store
from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.media_id import parse_media_id
from benchmarks.figures import Figures, percentile
from benchmarks.options import option
from simulators.amazon.aws import ACCESS_KEY, REGION, Aws
from simulators.amazon.event_gateway import EventGateway
from simulators.amazon.lwa import Lwa
from simulators.events_service import MEDIA_KEY, ROOT, STREAMS_NAME, EventsService

_CLIENT = Client("amzn1.application-oa2-client.bench", "a secret of no use")
_TABLE = "bench"
_CLIP_LINE = re.compile(r"clip (\S+) in ([0-9.]+) s$", re.MULTILINE)
_DEFAULTS = yaml.safe_load((ROOT / "roles" / "events" / "defaults" / "main.yml").read_text(encoding="utf-8"))
_TICKS = os.sysconf("SC_CLK_TCK")


def run() -> Figures:
    """Measure the way of a recording, the throughput, and the cost of a large archive."""
    figures = Figures()
    with Aws() as aws, Lwa() as lwa, EventGateway(lwa.is_valid_access, _CLIENT.client_id) as gateway:
        lwa.add_client(*_CLIENT)
        aws.make_table(_TABLE)
        with _service(aws, lwa, gateway, cameras=4) as service:
            _way(figures, service, gateway, int(option("BENCH_RECORDINGS", 100)))
        for pile in (1000, 10_000):
            with _service(aws, lwa, gateway, cameras=4) as service:
                _throughput(figures, service, gateway, pile)
        with _service(aws, lwa, gateway, cameras=8) as service:
            _archive(figures, service, gateway, int(option("BENCH_ARCHIVE", 100_000)))
        if gateway.problems:
            raise RuntimeError(f"the event gateway complains: {gateway.problems[0]}")
    return figures


@contextmanager
def _service(aws: Aws, lwa: Lwa, gateway: EventGateway, *, cameras: int) -> Iterator[EventsService]:
    """The service as an appliance runs it, its recordings on this disk, linked with Alexa."""
    store = Store(_TABLE, STREAMS_NAME, region=REGION, endpoint_url=aws.url, access_key=ACCESS_KEY)
    store.put_grant(exchange_code(lwa.new_code(_CLIENT.client_id, "bench"), _CLIENT, url=lwa.url), _CLIENT, "EU")
    with tempfile.TemporaryDirectory(prefix="bench-events-") as folder:
        names = [f"camera-{number}" for number in range(cameras)]
        with EventsService(Path(folder), lwa_url=lwa.url, gateway_url=gateway.url, cameras=names) as service:
            service.as_is = True
            credentials = Path(folder, "aws.json")
            credentials.write_text(
                json.dumps({"access_key_id": ACCESS_KEY[0], "secret_access_key": ACCESS_KEY[1]}), encoding="utf-8"
            )
            service.document["store"] = {
                "table": _TABLE,
                "region": REGION,
                "credentials_file": str(credentials),
                "url": aws.url,
            }
            service.document["rescan_seconds"] = _DEFAULTS["events_rescan_seconds"]
            for camera in service.document["cameras"]:
                camera["recordings"].update(type="directory", layout="reolink", timezone="UTC")
            service.write_config()
            yield service


def _way(figures: Figures, service: EventsService, gateway: EventGateway, number: int) -> None:
    """Recordings are uploaded at random moments, as by FTP; from the close of each to the gateway's 202."""
    film = service.folder / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=size=1280x720:rate=15", "-t", "10"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "30"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *codec, str(film)], check=True)
    content = film.read_bytes()
    service.start()
    service.wait_ready()
    rng = random.Random(1)  # noqa: S311
    before = len(gateway.accepted)
    closed: dict[tuple[str, datetime], float] = {}
    for count in range(number):
        camera = f"camera-{count % 4}"
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=10)
        path = service.recordings / camera / f"Cam_01_{start:%Y%m%d%H%M%S}.mp4"
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            time.sleep(rng.uniform(0.1, 0.5))
            file.write(content[len(content) // 2 :])
        closed[camera, start] = time.monotonic()
        time.sleep(rng.uniform(0.2, 0.9))

    def clips() -> list[float]:
        return [one.at for one in gateway.accepted[before:] if one.media_id]

    service.wait_until(lambda: len(clips()) >= number, 60)
    service.stop()
    converting = {identity: float(seconds) for identity, seconds in _CLIP_LINE.findall(service.log.read_text())}
    delays, totals = [], []
    for one in gateway.accepted[before:]:
        if one.media_id:
            media = parse_media_id(MEDIA_KEY, one.media_id)
            total = one.at - closed[media.camera_id, media.start]
            totals.append(total)
            delays.append(total - converting[one.media_id])
    figures.add("closed_to_accepted_beyond_ffmpeg_p50_s", percentile(delays, 0.5))
    figures.add("closed_to_accepted_beyond_ffmpeg_p95_s", percentile(delays, 0.95), "<= 2")
    figures.add("closed_to_accepted_p50_s", percentile(totals, 0.5))
    figures.add("closed_to_accepted_p95_s", percentile(totals, 0.95))
    figures.add("clips_told", len(delays), f"== {number}")


def _throughput(figures: Figures, service: EventsService, gateway: EventGateway, pile: int) -> None:
    """How fast a pile is told when nothing holds it back."""
    service.document["messages_per_second"] = 1000
    service.write_config()
    outbox = Outbox(service.folder / "events.db", interfaces=["media"])
    with outbox.batch():
        for number in range(pile):
            body = {"start": number * 1000, "end": number * 1000 + 500, "cause": "motion"}
            camera = f"camera-{number % 4}"
            identity = f"{camera.replace('-', '_')}_{number}"
            outbox.queue.add("media", camera, "MediaCreatedOrUpdated", body, happened=0, identity=identity)
    outbox.close()
    before = len(gateway.accepted)
    service.start()
    service.wait_until(lambda: len(gateway.accepted) >= before + pile, 600)
    told = gateway.accepted[before:]
    service.stop()
    figures.add(f"told_per_second_of_{pile}", pile / (told[-1].at - told[0].at))


def _archive(figures: Figures, service: EventsService, gateway: EventGateway, number: int) -> None:
    """A month of recordings on disk, all known: how long a start takes, and what doing nothing costs."""
    outbox = Outbox(service.folder / "events.db", interfaces=["media"])
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    step = timedelta(days=30) / (number // 8)
    with outbox.batch(), outbox.database.step() as sql:
        for count in range(number):
            camera, start = f"camera-{count % 8}", newest - step * (count // 8)
            relative = f"{start:%Y/%m/%d}/Cam_01_{start:%Y%m%d%H%M%S}.mp4"
            path = service.recordings / camera / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
            os.utime(path, (start.timestamp(), start.timestamp()))
            sql.execute(
                "INSERT INTO recordings (camera, key, stage, start, cause, pressed)"
                " VALUES (?, ?, 'gone', ?, 'motion', 0) ON CONFLICT DO NOTHING",
                (camera, relative, int(start.timestamp() * 1000)),
            )
    outbox.close()
    begun = time.monotonic()
    service.start()
    service.wait_ready()
    figures.add("start_s", time.monotonic() - begun, "<= 5")
    process = service.process
    if process is None:
        raise RuntimeError("the service is gone")
    busy = _processor_seconds(process.pid)
    while True:  # the first look at everything
        time.sleep(5)
        now = _processor_seconds(process.pid)
        if now - busy < 0.5:
            break
        busy = now
    figures.add("start_processor_s", now)
    idle = option("BENCH_IDLE_S", 120)
    time.sleep(idle)
    figures.add("idle_percent", (_processor_seconds(process.pid) - now) / idle * 100, "<= 0.5")
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    resident = re.search(r"VmRSS:\s+(\d+) kB", status)
    figures.add("resident_mb", int(resident[1]) / 1024 if resident else 0, "<= 60")
    if any(one.media_id for one in gateway.accepted if "camera_7" in one.media_id):
        raise RuntimeError("something known was told again")
    service.stop()


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
