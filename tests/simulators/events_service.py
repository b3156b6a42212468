"""The real events service as a process, with a recorder, a clip maker and a store that need no other programs.

Run as ``python -m simulators.events_service CONFIG OPTIONS``: the publisher's timing and whether to use the real store,
as JSON. Everything else is what an appliance runs.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alexa_ip_cam.alexa.lwa import Client, Tokens
from alexa_ip_cam.alexa.store import Aspect, Grant, GrantChangedError, Sample
from alexa_ip_cam.events.__main__ import main
from alexa_ip_cam.events.clip import Clip
from alexa_ip_cam.events.config import Config, Keys
from alexa_ip_cam.events.publisher import Timing
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.service import Parts
from alexa_ip_cam.media_id import Media, clip_path, media_id

ROOT = Path(__file__).resolve().parents[2]
MEDIA_KEY, CLIPS_KEY = bytes(range(32)), "0123456789abcdef0123456789abcdef01234567"
STREAMS_NAME, CLIPS_NAME = "cams.example.com", "clips.example.com"
BRISK = Timing(
    quick=0.05,
    slow_first=0.1,
    slow_longest=0.3,
    hopeless_tries=1000,
    offline_first=0.05,
    offline_longest=0.3,
    halt_first=0.05,
    halt_longest=0.2,
    refused=0.5,
    grant_poll=0.1,
)
"""For tests: in minutes what takes days."""

_FORM = "%Y%m%dT%H%M%S%fZ"


class NamesSource:
    """A recorder that says all by a file's name: ``20261122T100000123000Z-5000-motion.rec``, ``.part`` at first."""

    def __init__(self, camera_id: str, block: Mapping[str, Any]) -> None:
        self._camera_id = camera_id
        self._path = Path(block["path"])

    def scan(self) -> Iterator[Recording]:
        for path in sorted(self._path.iterdir()):
            stem, _, ending = path.name.partition(".")
            start, length, cause = stem.split("-")
            begun = datetime.strptime(start, _FORM).replace(tzinfo=UTC)
            yield Recording(
                self._camera_id,
                stem,
                (path,),
                begun,
                begun + timedelta(milliseconds=int(length)) if ending == "rec" else None,
                cause,
                ending == "rec",
            )

    def directories(self) -> Iterable[Path]:
        return [self._path]

    def unsettled(self) -> bool:
        return False


class CopyClips:
    """A clip maker that makes no video."""

    def __init__(self, config: Config, keys: Keys) -> None:
        self._directory = config.clips_dir
        self._key = keys.media

    def make(self, recording: Recording) -> Clip:
        assert recording.end is not None
        media = Media(recording.camera_id, recording.start, recording.end - recording.start, recording.cause)
        identity = media_id(self._key, media)
        place = self._directory / clip_path(media, identity).removeprefix("/clips/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"a clip")
        return Clip(media, identity, 6)


class FileStore:
    """The skill's store in a file that several processes share."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def grant(self) -> Grant | None:
        return self._grant(self._read())

    def link(self, tokens: Tokens, client: Client, region: str = "EU") -> None:
        """What the skill does at AcceptGrant."""

        def change(items: dict[str, Any]) -> None:
            before = self._grant(items)
            version = before.version + 1 if before is not None else 1
            items["grant"] = [version, tokens, client, region, time.time()]

        self._change(change)

    def replace_tokens(self, grant: Grant, tokens: Tokens) -> Grant:
        after = grant._replace(version=grant.version + 1, tokens=tokens)

        def change(items: dict[str, Any]) -> None:
            now = self._grant(items)
            if now is None or now.version != grant.version:
                raise GrantChangedError("changed")
            items["grant"] = after

        self._change(change)
        return after

    def put_state(self, camera_id: str, aspect: Aspect, sample: Sample) -> bool:
        self._change(lambda items: items.update({f"{camera_id}/{aspect}": [sample.value, sample.at.isoformat()]}))
        return True

    def put_deleted(self, media_id: str, expires: float) -> None:
        self._change(lambda items: items.update({f"deleted#{media_id}": expires}))

    def items(self) -> dict[str, Any]:
        return self._read()

    def _read(self) -> dict[str, Any]:
        return dict(json.loads(self._path.read_text())) if self._path.exists() else {}

    def _change(self, change: Callable[[dict[str, Any]], None]) -> None:
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            items = self._read()
            change(items)
            scratch = self._path.with_suffix(".new")
            scratch.write_text(json.dumps(items))
            scratch.rename(self._path)

    @staticmethod
    def _grant(items: dict[str, Any]) -> Grant | None:
        if "grant" not in items:
            return None
        version, tokens, client, region, granted_at = items["grant"]
        return Grant(version, Tokens(*tokens), Client(*client), region, granted_at)


class EventsService:
    """The process; a context manager that ends it in any case.

    Args:
        folder: where all its files are.
        lwa_url, gateway_url: of the simulators.
        cameras: their ids; each has a directory of that name in ``folder/recordings``.
        changes: to the configuration, by name.
        timing: of the publisher.
    """

    def __init__(
        self,
        folder: Path,
        *,
        lwa_url: str,
        gateway_url: str,
        cameras: Iterable[str] = ("front-porch",),
        changes: Mapping[str, Any] | None = None,
        timing: Timing = BRISK,
    ) -> None:
        self.folder = folder
        self.recordings = folder / "recordings"
        self.store = FileStore(folder / "store.json")
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.timing = timing
        self.real_store = False
        self._begun = 0
        for camera in cameras:
            (self.recordings / camera).mkdir(parents=True)
        self.document: dict[str, Any] = {
            "streams_name": STREAMS_NAME,
            "clips_name": CLIPS_NAME,
            "database": str(folder / "events.db"),
            "clips_dir": str(folder / "clips"),
            "keys_file": str(folder / "keys.json"),
            "tokens_file": str(folder / "tokens.json"),
            "keep_disk_percent": 99,
            "status_file": str(folder / "status.json"),
            "metrics_file": str(folder / "metrics.prom"),
            "rescan_seconds": 1,
            "lwa_url": lwa_url,
            "event_gateways": dict.fromkeys(("NA", "EU", "FE"), gateway_url),
            "cameras": [{"id": camera, "recordings": {"path": str(self.recordings / camera)}} for camera in cameras],
            **(changes or {}),
        }
        (folder / "clips").mkdir()
        (folder / "keys.json").write_text(json.dumps({"clips": CLIPS_KEY, "media": MEDIA_KEY.hex()}))
        self.write_config()

    def write_config(self) -> None:
        """Put `document` where the service reads it."""
        (self.folder / "events.json").write_text(json.dumps(self.document))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, without waiting for anything."""
        paths = [str(ROOT / "src"), str(ROOT / "tests")]
        with self.log.open("ab") as log:
            self._begun = log.tell()
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "simulators.events_service",
                    str(self.folder / "events.json"),
                    json.dumps({**self.timing._asdict(), "real_store": self.real_store}),
                ],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_ready(self) -> None:
        """Wait until this start is through."""
        self.wait_until(lambda: b" ready: " in self.log.read_bytes()[self._begun :])

    def kill(self) -> None:
        """As a power cut would, but for what the kernel still writes."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self, seconds: float = 30.0) -> int:
        """As systemd would; returns the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        self.process = None
        return status

    def wait_until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait for something to come true.

        Raises:
            AssertionError: it does not, or the process has ended.
        """
        end = time.monotonic() + seconds
        while not condition():
            ended = self.process.poll() if self.process is not None else None
            if ended is not None or time.monotonic() > end:
                why = f"the service ended with {ended}" if ended is not None else "waited in vain"
                raise AssertionError(f"{why}:\n{self.log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.02)

    def record(self, camera_id: str, start: datetime, *, seconds: float = 5.0, cause: str = "motion") -> str:
        """A finished recording; returns the media id that it will have."""
        length = timedelta(seconds=seconds)
        (self.recordings / camera_id / f"{_stem(start, seconds, cause)}.rec").touch()
        return media_id(MEDIA_KEY, Media(camera_id, start, length, cause))

    def begin(self, camera_id: str, start: datetime, *, seconds: float = 5.0, cause: str = "motion") -> Path:
        """A recording that the camera is at; rename it to ``.rec`` to finish it."""
        path = self.recordings / camera_id / f"{_stem(start, seconds, cause)}.part"
        path.touch()
        return path


def _stem(start: datetime, seconds: float, cause: str) -> str:
    return f"{start.astimezone(UTC).strftime(_FORM)}-{seconds * 1000:.0f}-{cause}"


def _parts(options: dict[str, Any]) -> Parts:
    parts = Parts(source=NamesSource, clips=CopyClips)
    if not options.pop("real_store"):
        parts = parts._replace(store=lambda config: FileStore(config.database.with_name("store.json")))
    return parts._replace(timing=Timing(**options))


if __name__ == "__main__":
    sys.exit(main([sys.argv[1]], _parts(json.loads(sys.argv[2]))))
