"""``python3 -m alexa_ip_cam.page [SETTINGS]``: keep the page fresh until SIGTERM."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from alexa_ip_cam.page.metrics import metrics
from alexa_ip_cam.page.posters import made, make_some
from alexa_ip_cam.page.render import Renderer
from alexa_ip_cam.page.settings import SETTINGS, Settings, load
from alexa_ip_cam.page.sources import look
from alexa_ip_cam.page.view import View, view
from alexa_ip_cam.service.files import replace_file
from alexa_ip_cam.service.notify import Notifier

ROUND_SECONDS = 10.0
UNCHANGED_ROUNDS = 6
"""The page says when it was written, and a browser warns of an old one: so it is also written when nothing changed."""
_POSTERS_PER_ROUND = 4

_log = logging.getLogger("alexa_ip_cam.page")


class PageService:
    """Writes the page again and again.

    Args:
        settings: from where to where.

    Raises:
        OSError: the template cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._renderer = Renderer(settings.template)
        self._shown: View | None = None
        self._unchanged = 0
        self._trouble = ""

    def round(self) -> bool:
        """Look at everything once and write what has changed; tells whether the page itself was written.

        Raises:
            OSError: something cannot be written.
        """
        settings = self._settings
        seen = look(settings)
        if settings.metrics:
            replace_file(settings.out / "metrics.txt", metrics(seen, settings.events_metrics).encode())
        make_some(seen.clips, settings.clips, settings.posters, at_most=_POSTERS_PER_ROUND)
        shown = view(seen, settings.cameras, made(settings.posters), gateway=settings.gateway)
        self._unchanged += 1
        wrote = shown != self._shown or self._unchanged >= UNCHANGED_ROUNDS
        if wrote:
            replace_file(settings.out / "index.html", self._renderer.page(shown, seen.now).encode())
            self._shown, self._unchanged = shown, 0
        return wrote

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop. A full disk is waited out; it is logged once."""
        notifier = Notifier()
        while not stop.is_set():
            try:
                self.round()
                self._trouble = ""
            except OSError as error:
                if str(error) != self._trouble:
                    _log.error("the page cannot be written: %s", error)
                self._trouble = str(error)
            notifier.ready("the page is there" if not self._trouble else self._trouble)
            notifier.alive()
            stop.wait(ROUND_SECONDS)
        notifier.stopping()


def main(arguments: Sequence[str]) -> int:
    """Run the program; returns its exit status."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    os.umask(0o022)
    try:
        service = PageService(load(Path(arguments[0]) if arguments else SETTINGS))
    except (OSError, ValueError) as error:
        print(f"page: {error}", file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    service.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
