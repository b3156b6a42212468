"""``python3 -m alexa_ip_cam.gateway --config FILE``: run the gateway until SIGTERM; SIGHUP reads FILE again."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import Any

from alexa_ip_cam.gateway.config import Config, ConfigError, load
from alexa_ip_cam.gateway.server import Server
from alexa_ip_cam.gateway.snapshots import Snapshots
from alexa_ip_cam.gateway.status import StatusService
from alexa_ip_cam.service.notify import Notifier

_log = logging.getLogger("alexa_ip_cam.gateway")


class Gateway:
    """The running program.

    Args:
        path: the configuration file.
        config: what it said at the start.
    """

    def __init__(self, path: Path, config: Config) -> None:
        self._path = path
        self._config = config
        self._server = Server(config)
        self._notifier = Notifier()
        self._status = StatusService(self._collect, config.status_socket, config.status_file)
        self._snapshots: Snapshots | None = None
        self._snapshot_task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._hang_up = asyncio.Event()

    async def run(self) -> None:
        """Serve until told to stop.

        Raises:
            OSError: an address or the status socket cannot be used.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up.set)
        await self._server.start()
        await self._status.start()
        self._start_snapshots()
        tasks = [
            asyncio.create_task(self._status.keep_file()),
            asyncio.create_task(self._watchdog()),
            asyncio.create_task(self._reloads()),
        ]
        self._notifier.ready(self._summary())
        _log.info("listening on %s port %d, %s", self._config.listen_host, self._server.port, self._summary())
        await self._stop.wait()
        self._notifier.stopping()
        if self._snapshot_task is not None:
            tasks.append(self._snapshot_task)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._status.stop()
        await self._server.stop()

    def _collect(self) -> dict[str, Any]:
        return self._server.status(self._snapshots.made_at if self._snapshots is not None else {})

    def _summary(self) -> str:
        return f"{len(self._server.cameras)} cameras"

    def _start_snapshots(self) -> None:
        if self._snapshot_task is not None:
            self._snapshot_task.cancel()
            self._snapshots = self._snapshot_task = None
        if self._config.snapshot_dir is not None:
            self._snapshots = Snapshots(self._config.snapshot_dir, self._config.snapshot_seconds, self._keyframes)
            self._snapshot_task = asyncio.create_task(self._snapshots.run())

    def _keyframes(self) -> dict[str, list[bytes]]:
        return {
            name: camera.intake.keyframe_nals
            for name, camera in self._server.cameras.items()
            if camera.intake is not None and camera.intake.keyframe_nals
        }

    async def _reloads(self) -> None:
        while True:
            await self._hang_up.wait()
            self._hang_up.clear()
            self._notifier.reloading()
            try:
                config = load(self._path)
            except ConfigError as error:
                _log.error("the new configuration is not used, the old one stays: %s", error)
                self._notifier.ready(f"{self._summary()}; the new configuration is broken, see the log")
                continue
            before, self._config = self._config, config
            await self._server.reload(config)
            if (before.snapshot_dir, before.snapshot_seconds) != (config.snapshot_dir, config.snapshot_seconds):
                self._start_snapshots()
            self._notifier.ready(self._summary())

    async def _watchdog(self) -> None:
        seconds = self._notifier.watchdog_seconds()
        while seconds is not None:
            self._notifier.alive()
            await asyncio.sleep(seconds / 3)


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m alexa_ip_cam.gateway", description="RTSP gateway")
    parser.add_argument("--config", required=True, type=Path, help="the JSON configuration file")
    parser.add_argument("--check", action="store_true", help="only check the configuration")
    options = parser.parse_args(arguments)
    # journald adds time and unit.
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        config = load(options.config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        return 0
    try:
        asyncio.run(_run(options.config, config))
    except OSError as error:
        print(f"the gateway cannot start: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(path: Path, config: Config) -> None:
    await Gateway(path, config).run()


if __name__ == "__main__":
    sys.exit(main())
