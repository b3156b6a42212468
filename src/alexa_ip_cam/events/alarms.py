"""What the owner has to see to is raised as an alarm, and cleared when it is well: by the appliance's own program."""

import logging
import threading
from pathlib import Path

from alexa_ip_cam.events.publisher import Publisher
from alexa_ip_cam.events.queue import Queue
from alexa_ip_cam.events.tokens import Tokens
from alexa_ip_cam.service.alarm_program import tell

GRANT, PARKED = "events-grant", "events-parked"
"""Alexa takes nothing until the owner does something; some messages she will never take."""

_REFUSALS = 2  # of everything, one after another: the owner who disables and enables the skill is not told of it

_log = logging.getLogger(__name__)


class Alarms:
    """Compares what is wrong with what was said of it, each time it is asked to.

    Args:
        tokens: whether there is a grant that works.
        publisher: whether Alexa takes what is told.
        queue: what is parked.
    """

    def __init__(self, tokens: Tokens, publisher: Publisher, queue: Queue) -> None:
        self._tokens = tokens
        self._publisher = publisher
        self._queue = queue
        self._said: dict[str, str] = {}  # by key, the text of what is raised; empty once it was cleared
        self._failing = False
        self._saying: threading.Thread | None = None

    def look(self, program: Path) -> None:
        """Look once, every few seconds. Never waits for the program: what it could not be told it is told next time.

        Args:
            program: ``alexa-ip-cam-alarm``.

        Raises:
            DatabaseError: the queue cannot be read.
        """
        if self._saying is not None and self._saying.is_alive():
            return
        wanted = {GRANT: self._grant(), PARKED: self._parked()}
        news = {key: text for key, text in wanted.items() if text is not None and text != self._said.get(key)}
        if news:
            self._saying = threading.Thread(target=self._say, args=(program, news), name="alarms", daemon=True)
            self._saying.start()

    def _grant(self) -> str | None:
        """What is wrong; empty when all is well, None while nobody knows."""
        trouble, halt = self._tokens.trouble, self._publisher.halt
        if trouble is not None:
            return f"Alexa is told of nothing: {trouble}."
        if halt is not None and halt.refusals >= _REFUSALS:
            return f"Alexa is told of nothing: {halt.reason}."
        # After a start an alarm of the one before stays until it is known to be over.
        if halt is None and (self._publisher.has_told() or self._said.get(GRANT)):
            return ""
        return None

    def _parked(self) -> str:
        number, newest = self._queue.parked()
        if newest is None:
            return ""
        about = f"{newest.kind} of {newest.camera_id}" if newest.camera_id else newest.kind
        return (
            f"Alexa has refused {number} messages for good, the newest ({about}) because of: {newest.reason}. Look at "
            "them with: alexa-ip-cam-events list. Then retry or drop them."
        )

    def _say(self, program: Path, news: dict[str, str]) -> None:
        for key, text in news.items():
            try:
                tell(key, text, program)
            except OSError as error:
                if not self._failing:
                    _log.warning("alarms cannot be raised: %s", error)
                self._failing = True
                return
            self._said[key], self._failing = text, False
