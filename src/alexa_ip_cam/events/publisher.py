"""Tells Alexa what waits in the queue: in order per camera and interface, paced, and again for as long as it takes."""

import logging
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from alexa_ip_cam.alexa.event_gateway import ADVICE, Answer, EventGateway, Meaning, UnreachableError
from alexa_ip_cam.events.database import DatabaseError, insist
from alexa_ip_cam.events.messages import INTERFACES, Site, build
from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.queue import Message
from alexa_ip_cam.events.states import CONNECTIVITY, DETECTION
from alexa_ip_cam.events.tokens import NoTokenError, Tokens

_URGENT = ("doorbell", "motion", "health", "discovery")  # before the clips of days off-line
_WORKERS = 4
_REFUSALS = 3  # of an interface, one after another, before it is the interface that is refused
_QUEUE_CHECK_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Timing(NamedTuple):
    """How patient the publisher is, in seconds. Amazon: at most three tries in quick succession, a second apart.

    `late`: motion that waited longer is not news any more. `hopeless_tries`: a message that Amazon fails on that often
    while it takes others is parked. `halt_first`, `halt_longest`: between two looks whether Amazon takes anything
    again; `refused`: between two tries of an interface that Amazon refuses.
    """

    quick: float = 1.0
    quick_tries: int = 3
    slow_first: float = 60.0
    slow_longest: float = 3600.0
    hopeless_tries: int = 20
    late: float = 180.0
    offline_first: float = 1.0
    offline_longest: float = 300.0
    halt_first: float = 300.0
    halt_longest: float = 3600.0
    refused: float = 86_400.0
    grant_poll: float = 30.0
    burst: int = 10


class Halt(NamedTuple):
    """Why nothing is told at the moment. Monotonic seconds; `wait` is the pause that ends at `probe_at`.

    `refusals`: how often in a row Amazon has answered that it takes nothing; 0 when it is not Amazon's answer.
    """

    reason: str
    wait: float
    longest: float
    probe_at: float
    refusals: int = 0


class Publisher:
    """Takes messages from the outbox until stopped.

    Args:
        outbox: where they wait.
        tokens: what they are sent with.
        site: what they need to know of the appliance.
        gateways: the event gateway's URL of each region.
        rate: messages a second, once a burst is used up.
        timing: how patient to be.
    """

    def __init__(
        self,
        outbox: Outbox,
        tokens: Tokens,
        site: Site,
        *,
        gateways: Mapping[str, str],
        rate: float,
        timing: Timing = Timing(),  # noqa: B008 - immutable
        connect: Callable[[], EventGateway] = EventGateway,
    ) -> None:
        self.counts: Counter[str] = Counter()
        """What happened since the start: ``told``, ``retried``, ``parked``, ``late``, and each code that was met."""
        self.halt: Halt | None = None
        self._outbox = outbox
        self._tokens = tokens
        self._site = site
        self._gateways = gateways
        self._rate = rate
        self._timing = timing
        self._connect = connect
        self._stopping = threading.Event()
        self._work: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._judging = threading.Lock()
        self._busy: set[tuple[str, str]] = set()
        self._allowance = float(timing.burst)
        self._refilled = time.monotonic()
        self._not_before = 0.0
        self._accepted_at = float("-inf")
        self._refused: dict[str, list[int]] = {}  # messages that got a 400 since the interface was last accepted
        self._grant_asked = 0.0
        self._threads = [threading.Thread(target=self._dispatch, name="dispatch")]
        self._threads += [threading.Thread(target=self._send_all, name=f"send-{one}") for one in range(_WORKERS)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is being sent, and end."""
        self._stopping.set()
        self._outbox.database.notify()
        for thread in self._threads:
            thread.join()

    def alive(self) -> bool:
        """Whether every thread still runs."""
        return all(thread.is_alive() for thread in self._threads)

    def change(self, site: Site, gateways: Mapping[str, str], rate: float) -> None:
        """Go on with other settings."""
        with self._lock:
            self._site, self._gateways, self._rate = site, gateways, rate
        self._outbox.database.notify()

    def has_told(self) -> bool:
        """Whether Alexa has taken anything since the start."""
        return self._accepted_at > float("-inf")

    def look_again(self) -> None:
        """Somebody has looked after things: try what is held back now."""
        with self._lock:
            self.halt = None
        self._outbox.database.notify()

    # Choosing

    def _dispatch(self) -> None:
        database = self._outbox.database
        while True:
            seen = database.changes
            if self._stopping.is_set():
                break
            self._look_for_grant()
            try:
                message, wait = self._choose()
            except DatabaseError as error:
                _log.error("the queue cannot be read: %s", error)
                message, wait = None, 10.0
            if message is not None:
                self._work.put(message)
                continue
            database.wait(seen, wait)
        for _ in range(_WORKERS):
            self._work.put(None)

    def _look_for_grant(self) -> None:
        """While nothing is taken, linking the skill again is what helps most; the store shows it."""
        halt, now = self.halt, time.monotonic()
        if halt is not None and halt.longest == self._timing.halt_longest and now >= self._grant_asked:
            if self._tokens.look_for_grant():
                self.look_again()
            self._grant_asked = time.monotonic() + self._timing.grant_poll

    def _choose(self) -> tuple[Message | None, float]:
        """The message to send now, its lane taken; or None, and how long that stays so, seconds."""
        with self._lock:
            busy = set(self._busy)
        # Read after that: the head of a lane that was busy may be one that has just been told.
        free = [one for one in self._outbox.queue.heads() if (one.interface, one.camera_id) not in busy]
        now, wall = time.monotonic(), self._outbox.now()
        suspended = self._outbox.suspensions()
        with self._lock:
            asking = {interface for interface, _ in self._busy if interface in suspended}
            free = [one for one in free if one.interface not in asking]  # one of them shows whether it is taken again
            if not free or len(self._busy) >= _WORKERS:
                return None, _QUEUE_CHECK_SECONDS
            hold = max(self._not_before, self.halt.probe_at if self.halt is not None else 0.0)
            if hold > now:
                return None, min(hold - now, self._timing.grant_poll)
            if self.halt is not None and self._busy:
                return None, _QUEUE_CHECK_SECONDS  # one at a time shows whether it is over
            due = {one.id: self._due(one, suspended.get(one.interface, 0), wall) for one in free}
            ready = [one for one in free if due[one.id] <= wall]
            if not ready:
                return None, max(0.01, (min(due.values()) - wall) / 1000)
            self._allowance = min(self._timing.burst, self._allowance + (now - self._refilled) * self._rate)
            self._refilled = now
            if self._allowance < 1:
                return None, (1 - self._allowance) / self._rate
            self._allowance -= 1
            halted = self.halt is not None
            # When all stands still, another one than the last that failed shows whether it goes on.
            message = min(ready, key=lambda one: (one.interface not in _URGENT, one.tries if halted else 0, one.id))
            self._busy.add((message.interface, message.camera_id))
            return message, 0.0

    def _due(self, message: Message, suspended: int, wall: int) -> int:
        """When it may be sent, Unix milliseconds. What is further off than any wait was made by a clock set since."""
        timing = self._timing
        longest = timing.quick * 2**timing.quick_tries + timing.slow_longest
        due = message.due if message.due - wall <= longest * 1000 else 0
        return max(due, suspended if suspended - wall <= timing.refused * 1000 else 0)

    # Sending

    def _send_all(self) -> None:
        gateway = self._connect()
        while (message := self._work.get()) is not None:
            try:
                self._tell(message, gateway)
            except Exception:  # noqa: BLE001
                # A fault of ours must not stop the other messages; this one is tried again with them.
                _log.exception("%s: a fault of this program", message.message_id)
                self._again(message, "a fault of the events service")
            finally:
                with self._lock:
                    self._busy.discard((message.interface, message.camera_id))
                self._outbox.database.notify()
        gateway.close()

    def _tell(self, message: Message, gateway: EventGateway) -> None:
        if why := self._pointless(message):
            self.counts["late"] += 1
            self._keep(lambda: self._outbox.queue.done(message))
            _log.info("%s: %s of %s is not told: %s", message.message_id, message.kind, message.camera_id, why)
            return
        if "value" in message.body:
            # Whatever cuts this off: Alexa may have heard of it, and then has to hear of its end, however late.
            self._keep(lambda: self._outbox.may_be_told(message))
        try:
            answer = self._sent(message, gateway)
        except NoTokenError as error:
            timing = self._timing
            longest = timing.halt_longest if error.relink else timing.offline_longest
            self._hold(str(error), timing.grant_poll if error.relink else timing.offline_first, longest)
            return
        except UnreachableError as error:
            if error.sent:
                self._again(message, str(error))
            else:
                self._hold(str(error), self._timing.offline_first, self._timing.offline_longest)
            return
        if answer.code:
            self.counts[answer.code] += 1
        self._handle(message, answer)

    def _sent(self, message: Message, gateway: EventGateway) -> Answer:
        """The answer; with another token, when the first was not taken."""
        answer = Answer(401)
        for _ in range(2):
            access = self._tokens.access()
            states = self._states(message.camera_id)
            event = build(message, self._site, states, access.token, datetime.now(UTC))
            url = self._gateways.get(access.region, self._gateways["NA"])
            answer = gateway.send(url, event, access.token)
            if answer.meaning is not Meaning.TOKEN or not self._tokens.refused(access.token):
                break
        return answer

    def _handle(self, message: Message, answer: Answer) -> None:
        match answer.meaning:
            case Meaning.ACCEPTED:
                self._accepted(message)
            case Meaning.AGAIN:
                if answer.status == 429:
                    self._not_before = time.monotonic() + self._timing.quick
                self._again(message, str(answer))
            case Meaning.WRONG:
                self._wrong(message, answer)
            case Meaning.TOO_LARGE if len(message.body.get("endpoints", ())) > 1:
                self._keep(lambda: self._outbox.queue.split(message))
            case Meaning.TOO_LARGE:
                self._park(message, str(answer))
            case Meaning.FORBIDDEN if message.interface == "media":
                self._suspend(message, answer)
            case Meaning.ACCOUNT if message.tries + 1 >= self._timing.quick_tries:
                # Amazon says the same of a message that comes too late.
                self._park(message, str(answer))
            case _:
                advice = ADVICE.get(answer.code, str(answer))
                if answer.meaning is Meaning.ACCOUNT:
                    self._keep(lambda: self._outbox.queue.later(message, 0, str(answer), counts=True))
                timing = self._timing
                self._hold(f"{advice} ({answer})", timing.halt_first, timing.halt_longest, refused=True)

    def _accepted(self, message: Message) -> None:
        with self._lock:
            over, self.halt = self.halt, None
            self._accepted_at = time.monotonic()
            self._refused.pop(message.interface, None)
        if over is not None:
            _log.info("Alexa takes events again")
            self._keep(self._outbox.lift_suspensions)
        self.counts["told"] += 1
        self._keep(lambda: self._outbox.told(message))
        about = f" {message.identity}" if message.identity else "".join(f" {one}" for one in self._gist(message))
        _log.info("%s: told %s of %s%s", message.message_id, message.kind, message.camera_id or "the site", about)

    def _wrong(self, message: Message, answer: Answer) -> None:
        """400: the message is at fault; or the interface, when nothing but that comes."""
        # One after another: what one sender is about to park, another must not have put back already.
        with self._judging:
            with self._lock:
                refused = self._refused.setdefault(message.interface, [])
                refused.append(message.id)
            several = len(refused) >= _REFUSALS or message.interface in self._outbox.suspensions()
            if message.interface == "media" and several:
                self._keep(lambda: self._outbox.queue.retry(refused))
                self._suspend(message, answer)
            else:
                self._park(message, str(answer))

    def _suspend(self, message: Message, answer: Answer) -> None:
        until = self._outbox.now() + int(self._timing.refused * 1000)
        news: list[bool] = []
        self._keep(lambda: news.append(self._outbox.suspend(message.interface, until, str(answer))))
        if any(news):
            name = INTERFACES[message.interface]
            _log.warning("Amazon refuses %s (%s); it is tried again every day, all else goes on", name, answer)

    def _park(self, message: Message, reason: str) -> None:
        self.counts["parked"] += 1
        self._keep(lambda: self._outbox.queue.park(message, reason))
        _log.warning("%s: %s of %s is parked: %s", message.message_id, message.kind, message.camera_id, reason)

    def _again(self, message: Message, reason: str) -> None:
        """Later: a second apart at first, then slowly, at random so that a crowd spreads out."""
        timing, tries = self._timing, message.tries + 1
        self.counts["retried"] += 1
        if tries >= timing.hopeless_tries and time.monotonic() - self._accepted_at < timing.slow_longest:
            self._park(message, reason)
            return
        if tries < timing.quick_tries:
            wait = timing.quick + random.uniform(0, timing.quick * 2**tries)  # noqa: S311
        else:
            most = min(timing.slow_longest, timing.slow_first * 2 ** (tries - timing.quick_tries))
            wait = timing.quick + random.uniform(0, most)  # noqa: S311
        due = self._outbox.now() + int(wait * 1000)
        self._keep(lambda: self._outbox.queue.later(message, due, reason, counts=True))
        if tries == timing.quick_tries:
            _log.warning("%s: %s is slow to go: %s", message.message_id, message.kind, reason)

    def _hold(self, reason: str, first: float, longest: float, *, refused: bool = False) -> None:
        """Nothing at all gets through: try with one message, less and less often."""
        with self._lock:
            before, now = self.halt, time.monotonic()
            if before is not None and before.reason == reason and before.probe_at > now:
                return  # several were under way
            wait = min(longest, first if before is None else max(before.wait * 2, first))
            refusals = (before.refusals if before is not None else 0) + 1 if refused else 0
            self.halt = Halt(reason, wait, longest, now + wait * random.uniform(0.5, 1), refusals)  # noqa: S311
        if before is None or before.reason != reason:
            _log.warning("nothing is told for now: %s", reason)

    def _keep(self, step: Callable[[], object]) -> None:
        insist(step, self._stopping)

    def _pointless(self, message: Message) -> str:
        """Why it need not be told any more; empty if it must be."""
        site, value = self._site, message.body.get("value")
        if message.interface not in site.interfaces:
            return "this interface is switched off"
        if message.camera_id and message.camera_id not in site.audio:
            return "there is no such camera any more"
        is_late = self._outbox.now() - message.queued > self._timing.late * 1000
        if is_late and (message.interface == "doorbell" or value == "DETECTED"):
            return "it is too late"
        if message.kind == "ChangeReport" and value != "DETECTED":
            state = self._outbox.states.get(message.camera_id, message.body["property"])
            if state is None or state.told == value or (state.told is None and value == "NOT_DETECTED"):
                return "Alexa heard of nothing else"
            if state.property == CONNECTIVITY and state.value != value:
                return "it has changed again"
        return ""

    def _states(self, camera_id: str) -> dict[str, str]:
        states = (self._outbox.states.get(camera_id, name) for name in (DETECTION, CONNECTIVITY))
        return {state.property: state.value for state in states if state is not None}

    @staticmethod
    def _gist(message: Message) -> list[str]:
        return [message.body["value"]] if "value" in message.body else []
