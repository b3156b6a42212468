"""``python3 -m alexa_ip_cam.events CONFIG``: run the service until SIGTERM; SIGHUP reads CONFIG again."""

import argparse
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

from alexa_ip_cam.events.config import load, load_keys
from alexa_ip_cam.events.database import DatabaseError
from alexa_ip_cam.events.service import PartDiedError, Parts, Service
from alexa_ip_cam.events.sources import make_source


def main(arguments: list[str] | None = None, parts: Parts = Parts()) -> int:  # noqa: B008 - immutable
    """Run the program; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m alexa_ip_cam.events", description="tells Alexa of recordings")
    parser.add_argument("config", type=Path, help="the JSON configuration file")
    parser.add_argument("--check", action="store_true", help="only check the configuration")
    options = parser.parse_args(arguments)
    # journald adds time and unit.
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        if options.check:
            config = load(options.config)
            load_keys(config.keys_file)
            for camera in config.cameras:
                if camera.recordings is not None:
                    make_source(camera.id, camera.recordings)
            return 0
        service = Service(options.config, parts)
    except ValueError as error:  # of the configuration
        print(error, file=sys.stderr)
        return 2
    except (DatabaseError, OSError) as error:
        print(f"the events service cannot start: {error}", file=sys.stderr)
        return 1

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        (service.reload if number == signal.SIGHUP else service.stop)()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handle)
    try:
        service.run()
    except (PartDiedError, DatabaseError) as error:
        logging.getLogger(__name__).critical("%s; systemd starts the service anew", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
