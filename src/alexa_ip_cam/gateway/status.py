"""The gateway's health: as JSON, as Prometheus metrics, and where both can be had."""

import asyncio
import contextlib
import json
import logging
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alexa_ip_cam.gateway.camera import Camera
from alexa_ip_cam.gateway.metrics import metrics
from alexa_ip_cam.service.files import replace_file

_REQUEST_SECONDS = 5.0
_FILE_SECONDS = 5.0

_log = logging.getLogger(__name__)


def camera_status(camera: Camera, snapshot_at: float | None) -> dict[str, Any]:
    """One camera's health. Times are seconds; null means unknown."""
    now = time.monotonic()
    ring, intake = camera.ring, camera.intake
    bits, frames = intake.rates(now) if intake is not None else (0.0, 0.0)
    latest = intake.latest_video if intake is not None else None
    keyframes = ring.keyframes()
    firsts = camera.first_picture_seconds
    return {
        "connected": camera.connected,
        "problem": camera.problem or None,
        "warm": "always" if camera.config.always_warm else "on_demand",
        "last_picture_age_seconds": _rounded(now - latest if latest is not None else None),
        "bits_per_second": round(bits),
        "frames_per_second": round(frames, 2),
        "gop_seconds": _rounded(ring.group_seconds),
        "gops_given_up": ring.given_up,
        "largest_keyframe_bytes": ring.largest_keyframe,
        "buffered_seconds": _rounded(ring.edge - keyframes[0].capture if keyframes and ring.edge else 0.0),
        "buffered_bytes": ring.size,
        "sound": camera.sound.encoding if camera.sound is not None else None,
        "viewers": camera.watchers,
        "viewers_total": camera.viewers_seen,
        "viewer_cuts_total": camera.cuts,
        "connections_total": camera.sessions,
        "damaged_pictures_total": intake.damaged if intake is not None else 0,
        "timestamp_jumps": intake.jumps if intake is not None else 0,
        "first_picture_p50_seconds": _rounded(statistics.median(firsts) if firsts else None),
        "first_picture_max_seconds": _rounded(max(firsts, default=None)),
        "snapshot_age_seconds": _rounded(time.time() - snapshot_at if snapshot_at is not None else None),
    }


class StatusService:
    """Answers on a Unix socket (``GET /status``, ``GET /metrics``) and keeps a file.

    Args:
        collect: makes the status.
        socket_path: where to listen; None for nowhere.
        file_path: which file to keep; None for none.
    """

    def __init__(self, collect: Callable[[], dict[str, Any]], socket_path: Path | None, file_path: Path | None) -> None:
        self._collect = collect
        self._socket_path = socket_path
        self._file_path = file_path
        self._server: asyncio.Server | None = None
        self._failing = False

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the socket cannot be made.
        """
        path = self._socket_path
        if path is not None:
            path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, path, limit=8192)
            path.chmod(0o660)

    async def stop(self) -> None:
        """Stop listening and take the socket away."""
        if self._server is not None:
            self._server.close()
            if self._socket_path is not None:
                self._socket_path.unlink(missing_ok=True)

    async def keep_file(self) -> None:
        """Write the file every few seconds until cancelled."""
        while self._file_path is not None:
            try:
                replace_file(self._file_path, json.dumps(self._collect(), indent=1).encode() + b"\n")
                self._failing = False
            except OSError as error:
                if not self._failing:
                    _log.warning("the status file cannot be written: %s", error)
                self._failing = True
            await asyncio.sleep(_FILE_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                line = (await reader.readline()).split()
                while (await reader.readline()).strip():
                    pass
                writer.write(self._response(line))
                await writer.drain()
        except (TimeoutError, OSError, ValueError):
            pass  # the asker is gone, too slow, or talks nonsense
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _response(self, line: list[bytes]) -> bytes:
        path = line[1] if len(line) >= 2 and line[0] == b"GET" else b""
        status, kind, body = "200 OK", "application/json", ""
        if path == b"/status":
            body = json.dumps(self._collect(), indent=1) + "\n"
        elif path == b"/metrics":
            kind, body = "text/plain; version=0.0.4", metrics(self._collect())
        else:
            status, kind, body = "404 Not Found", "text/plain", "GET /status or GET /metrics\n"
        data = body.encode()
        head = f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
        return head.encode() + data


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
