"""An hour of a healthy home: viewers, recordings, a renewal, and the self-check, which must find nothing.

Runs only when it is asked for by name. ``BENCH_MINUTES`` makes it shorter or longer.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import linear_regression

from benchmarks import services
from benchmarks.crowd import Crowd
from benchmarks.figures import Figures, percentile
from benchmarks.gaps import largest_gap
from benchmarks.options import option
from benchmarks.streams import gateway_way
from benchmarks.viewer import RefusedError, Viewer, view
from home import Home, recorder, renewals
from home.cloud import Cloud
from home.inventory import CLIPS_NAME, STREAMS_NAME
from simulators.amazon.event_gateway import Accepted

_DIRECTORY = Path(__file__).resolve().parent.parent / "build" / "bench" / "soak"
_MINUTES = 60.0
_UNITS = {
    services.GATEWAY: "gateway",
    services.STUNNEL: "stunnel",
    "alexa-ip-cam-events.service": "events",
    services.live555(recorder.CAMERA): "live555",
}
_ALARMS = "/var/lib/alexa-ip-cam-alarm/raised"
_FILM_S = 5.0
_SETTLE_S = 60.0
_TICK_S = 1.0
_TOLD_S = 60.0


def run() -> Figures:
    """Boot a home with a deployed and linked skill, and live in it."""
    seconds = 60 * option("BENCH_MINUTES", _MINUTES)
    with contextlib.ExitStack() as running:
        home = running.enter_context(Home("soak", _DIRECTORY))
        cloud = running.enter_context(Cloud(home.inventory.directory, host=home.network.host_address))
        recorder.make_shares(home)
        cloud.log_in()
        home.inventory.variables.update(cloud.inventory_variables(), skill_media_metadata=True)
        print("building the appliance and the skill", flush=True)
        home.site(environment=cloud.environment)
        cloud.link(running.enter_context(cloud.function([home.inventory.resolved()])).invoke)
        film = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="soak-")), "film.mkv")
        recorder.shoot(home, film, _FILM_S)
        soak = _Soak(home, film, running.enter_context(Crowd()))
        soak.live(_SETTLE_S)
        figures = soak.hour(seconds)
        _add_events(figures, cloud, soak.recorded)
    for complaint in [*soak.complaints, *sorted(soak.alarms)]:
        print(f"  {complaint}")
    return figures


class _Soak:
    """A family at home, and what it met.

    ``memory``: minutes and megabytes by unit. ``complaints``: what the self-check found. ``alarms``: keys of all that
    were ever raised. ``recorded``: monotonic seconds. ``closed``: streams that the appliance ended.
    """

    def __init__(self, home: Home, film: Path, crowd: Crowd) -> None:
        self.memory: dict[str, list[tuple[float, float]]] = {unit: [] for unit in _UNITS}
        self.checks = 0
        self.complaints: list[str] = []
        self.alarms: set[str] = set()
        self.recorded: list[float] = []
        self.closed = 0
        self._home = home
        self._film = film
        self._crowd = crowd
        cameras = [camera["id"] for camera in home.inventory.cameras]
        self._viewers: list[tuple[str, Viewer | None]] = [(camera, None) for camera in (*cameras, cameras[0])]
        # Seconds between two of each.
        self._habits = {self._record: 120.0, self._check: 300.0, self._look: 30.0}
        # The events service looks for the family's permission now and then, and the self-check says so until it has it.
        self._due = {self._record: 0.0, self._check: time.monotonic() + _SETTLE_S, self._look: 0.0}

    def hour(self, seconds: float) -> Figures:
        """Live so long, with a renewal in the middle."""
        appliance, begun = self._home.appliance, time.time()
        before = services.use(appliance, _UNITS)
        self.live(seconds / 2)
        renewal = renewals.renew(appliance, (STREAMS_NAME, CLIPS_NAME))
        self.live(seconds / 2)
        ended, after = time.time(), services.use(appliance, _UNITS)
        self._look()
        gaps = [
            largest_gap(list(viewer.marks.frames), max(begun, viewer.opened_at), min(ended, viewer.closed_at or ended))
            for viewer in self._crowd.viewers
        ]
        figures = Figures()
        figures.add("minutes", (ended - begun) / 60)
        figures.add("checks", self.checks, ">= 1")
        figures.add("false_complaints", len(self.complaints), "== 0")
        figures.add("false_alarms", len(self.alarms), "== 0")
        figures.add("viewers_closed", self.closed, "== 0")
        figures.add("largest_gap_ms_p50", 1000 * percentile(gaps, 0.5))
        figures.add("largest_gap_ms_max", 1000 * max(gaps), "<= 1000")
        figures.add("renewal_served_s", renewal.served_s, "<= 5")
        for unit, name in _UNITS.items():
            figures.add(f"{name}_rss_mb", after[unit].rss_mb)
            figures.add(f"{name}_mb_per_hour", _slope(self.memory[unit]), "<= 6")
            figures.add(f"{name}_files_growth", after[unit].files - before[unit].files, "<= 2")
            figures.add(f"{name}_restarts", after[unit].restarts - before[unit].restarts, "== 0")
        return figures

    def live(self, seconds: float) -> None:
        """Watch, record and look after things."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            self._viewers = [(camera_id, self._watching(camera_id, viewer)) for camera_id, viewer in self._viewers]
            for habit, every in self._habits.items():
                if self._due[habit] <= now:
                    self._due[habit] = now + every
                    habit()
            time.sleep(_TICK_S)

    def _watching(self, camera_id: str, viewer: Viewer | None) -> Viewer | None:
        """The viewer, or one that asks again."""
        if viewer is not None and viewer.closed_at is None:
            return viewer
        self.closed += viewer is not None
        way = gateway_way(self._home, camera_id)
        try:
            return self._crowd.add(view(way, address=self._home.appliance.address, roots_pem=self._home.roots_pem))
        except RefusedError:
            return None

    def _record(self) -> None:
        self.recorded.append(recorder.deliver(self._home, self._film, datetime.now(UTC)))

    def _check(self) -> None:
        done = self._home.appliance.run(["alexa-ip-cam", "check", "--json"], check=False, timeout=120)
        self.checks += 1
        if done.returncode not in (0, 1):
            self.complaints.append(f"check: {done.stderr}")
            return
        for way in json.loads(done.stdout)["ways"]:
            broken = [step["text"] for step in way["steps"] if step["state"] == "failed"]
            self.complaints += [f"check: {way['way']} {way['subject']}: {text}" for text in broken]

    def _look(self) -> None:
        self.alarms |= set(self._home.appliance.run(["ls", _ALARMS]).stdout.split())
        minute = time.monotonic() / 60
        for unit, use in services.use(self._home.appliance, _UNITS).items():
            self.memory[unit].append((minute, use.rss_mb))


def _add_events(figures: Figures, cloud: Cloud, recorded: Sequence[float]) -> None:
    deadline = time.monotonic() + _TOLD_S
    while len(told := _told(cloud)) < len(recorded) and time.monotonic() < deadline:
        time.sleep(_TICK_S)
    figures.add("recorded", len(recorded), ">= 1")
    figures.add("told", len(told), f"== {len(recorded)}")
    figures.add("told_after_s_max", max(one.at - at for one, at in zip(told, recorded, strict=False)))
    figures.add("refused_by_amazon", len(cloud.events.problems), "== 0")


def _told(cloud: Cloud) -> list[Accepted]:
    return [one for one in cloud.events.accepted if one.name == "MediaCreatedOrUpdated"]


def _slope(samples: Sequence[tuple[float, float]]) -> float:
    """Megabytes an hour, without the first quarter, in which caches fill."""
    minutes, memory = zip(*samples[len(samples) // 4 :], strict=True)
    return 60 * linear_regression(minutes, memory).slope
