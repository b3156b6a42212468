"""Hostile input on the live port and behind it, while a family watches: nothing breaks or grows, no one notices."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks import services
from benchmarks.bad_urls import bad_paths, try_all
from benchmarks.crowd import Crowd
from benchmarks.figures import Figures
from benchmarks.gaps import largest_gap
from benchmarks.options import option
from benchmarks.streams import gateway_way, stream_key
from benchmarks.viewer import RefusedError, Viewer, view
from home import Home
from home.inventory import STREAMS_NAME

_CAMERA, _OTHER = "front-porch", "side-gate"
_REQUESTS = 100_000
# A handshake costs more than a request, and the handshakes are OpenSSL's; the rest goes straight to the gateway.
_THROUGH_TLS = 0.1
_GATEWAY_PORT = 8554
_UNDISTURBED_S = 10.0
_LORIS, _PIPELINES, _IDLE = 50, 4, 500
_IDLE_S = 30
_ATTACK_PATIENCE_S = 900
_JOIN_PATIENCE_S = 30.0
_MOST_GROWTH_MB = 64
_LARGEST_GAP_MS = 500
_SEED = 1


@dataclass
class Scene:
    """The home under attack and the viewer who must not notice; ``gaps``: the longest stand-still by attack."""

    home: Home
    viewer: Viewer
    gaps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def during(self, name: str) -> Iterator[None]:
        """Note how long the picture stood still meanwhile."""
        begun = time.time()
        yield
        self.gaps[name] = largest_gap(list(self.viewer.marks.frames), begun, time.time())

    def attack(self, way: str, count: int, extra: int, *, tls: bool) -> subprocess.Popen[str]:
        """Start an attack, through port 443 or on the gateway's own port inside the appliance."""
        words = [sys.executable, "-m", "benchmarks.attack", way]
        url = gateway_way(self.home, _CAMERA).uri
        if tls:
            words += [self.home.appliance.address, "443", url, str(count), str(extra)]
            words += ["--roots", str(self.home.roots_pem)]
        else:
            words = ["nsenter", "--target", str(self.home.appliance.leader_pid), "--net", "--", *words]
            words += ["127.0.0.1", str(_GATEWAY_PORT), url, str(count), str(extra)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)

    def finish(self, attack: subprocess.Popen[str], name: str) -> dict[str, float]:
        """Wait for an attack's end; what it found. Raises RuntimeError when it broke down itself."""
        printed, _ = attack.communicate(timeout=_ATTACK_PATIENCE_S)
        if attack.returncode != 0:
            raise RuntimeError(f"the attack {name} ended with status {attack.returncode}")
        found: dict[str, float] = json.loads(printed)
        print(f"  {name}: {found}", flush=True)
        return found


def run(home: Home) -> Figures:
    """All attacks, one after the other, on one and the same gateway process."""
    figures = Figures()
    units = (services.GATEWAY, services.STUNNEL)
    with Crowd() as crowd:
        way = gateway_way(home, _CAMERA)
        scene = Scene(home, crowd.add(view(way, address=home.appliance.address, roots_pem=home.roots_pem)))
        time.sleep(_UNDISTURBED_S)
        with scene.during("undisturbed"):
            time.sleep(_UNDISTURBED_S)
        before = services.use(home.appliance, units)
        _requests(figures, scene)
        _slow_and_greedy(figures, scene)
        _idle(figures, scene)
        _bad_urls(figures, scene)
        after = services.use(home.appliance, units)
        figures.add("viewer_closed", float(scene.viewer.closed_at is not None), "== 0")
    for name, gap in scene.gaps.items():
        figures.add(f"viewer_gap_ms_{name}", 1000 * gap, f"<= {_LARGEST_GAP_MS}")
    for unit, name in zip(units, ("gateway", "stunnel"), strict=True):
        figures.add(f"{name}_same_process", float(before[unit].pid == after[unit].pid), "== 1")
        figures.add(f"{name}_rss_mb_before", before[unit].rss_mb)
        figures.add(f"{name}_rss_mb_peak", after[unit].peak_mb, f"<= {before[unit].rss_mb + _MOST_GROWTH_MB:.0f}")
        figures.add(f"{name}_rss_mb_after", after[unit].rss_mb)
        figures.add(f"{name}_files_after", after[unit].files, f"<= {before[unit].files + 2}")
    return figures


def _requests(figures: Figures, scene: Scene) -> None:
    count = int(option("BENCH_REQUESTS", _REQUESTS))
    through_tls = int(count * _THROUGH_TLS)
    sent = 0.0
    for name, share, tls in (("requests_tls", through_tls, True), ("requests_plain", count - through_tls, False)):
        with scene.during(name):
            found = scene.finish(scene.attack("requests", share, _SEED, tls=tls), name)
        sent += found["sent"]
        figures.add(f"{name}_unreachable", found["unreachable"], "== 0")
    figures.add("requests_sent", sent, f">= {count}")


def _slow_and_greedy(figures: Figures, scene: Scene) -> None:
    with scene.during("loris"):
        kept = scene.finish(scene.attack("loris", _LORIS, _SEED, tls=True), "loris")["kept_s_max"]
    figures.add("loris_kept_s_max", kept, "<= 20")
    with scene.during("pipeline"):
        taken = scene.finish(scene.attack("pipeline", _PIPELINES, _SEED, tls=False), "pipeline")["mb_taken"]
    figures.add("pipeline_mb_taken", taken)


def _idle(figures: Figures, scene: Scene) -> None:
    """Five hundred that say nothing, and somebody who wants to watch meanwhile."""
    with scene.during("idle"):
        attack = scene.attack("idle", _IDLE, _IDLE_S, tls=True)
        time.sleep(_IDLE_S / 2)
        figures.add("join_among_idle_s", _join_s(scene.home))
        found = scene.finish(attack, "idle")
    figures.add("idle_let_in", found["let_in"])
    figures.add("idle_kept", found["kept"], "== 0")


def _join_s(home: Home) -> float:
    """Seconds until a new viewer is let in, who asks again when refused; the patience when never."""
    begun = time.monotonic()
    while time.monotonic() - begun < _JOIN_PATIENCE_S:
        try:
            view(gateway_way(home, _CAMERA), address=home.appliance.address, roots_pem=home.roots_pem).close()
        except (RefusedError, OSError):
            time.sleep(0.25)
        else:
            return time.monotonic() - begun
    return _JOIN_PATIENCE_S


def _bad_urls(figures: Figures, scene: Scene) -> None:
    rng = random.Random(_SEED)  # noqa: S311 - no secret
    paths = bad_paths(stream_key(scene.home), _CAMERA, _OTHER, int(time.time()), rng)
    gave_away = wrong_statuses = 0
    for name, path in paths.items():
        given = try_all(path, name=STREAMS_NAME, address=scene.home.appliance.address, roots_pem=scene.home.roots_pem)
        gave_away += given.body_bytes + given.media_bytes
        wrong = given.statuses[0] != 404 or 200 in given.statuses
        wrong_statuses += wrong
        if wrong or given.body_bytes + given.media_bytes:
            print(f"  bad URL, {name}: {given}")
    figures.add("bad_urls_tried", len(paths), ">= 10")
    figures.add("bad_urls_bytes_given_away", gave_away, "== 0")
    figures.add("bad_urls_not_refused", wrong_statuses, "== 0")
