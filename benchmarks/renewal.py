"""The certificate is renewed again and again under a viewer: how soon it is served, and what the viewer notices."""

from __future__ import annotations

import json
import time

from benchmarks import services
from benchmarks.crowd import Crowd
from benchmarks.figures import Figures, percentile
from benchmarks.gaps import largest_gap
from benchmarks.options import option
from benchmarks.streams import gateway_way
from benchmarks.viewer import view
from home import Home, renewals
from home.inventory import CLIPS_NAME, STREAMS_NAME
from world import PROFILES

_CAMERA = "front-porch"
_ROUNDS = 20
_SETTLE_S = 5.0
_UNDISTURBED_S = 60.0
_MOST_GROWTH_FRAMES = 2
_PROOF = "/var/lib/alexa-ip-cam-proof/proof.json"


def run(home: Home) -> Figures:
    """Renew under one viewer, who came before the first renewal and is still there after the last."""
    figures = Figures()
    rounds = int(option("BENCH_RENEWALS", _ROUNDS))
    before = services.use(home.appliance, [services.STUNNEL])[services.STUNNEL]
    with Crowd() as crowd:
        way = gateway_way(home, _CAMERA)
        viewer = crowd.add(view(way, address=home.appliance.address, roots_pem=home.roots_pem))
        time.sleep(_SETTLE_S)
        begun = time.time()
        time.sleep(_UNDISTURBED_S)
        calm = largest_gap(list(viewer.marks.frames), begun, time.time())
        begun = time.time()
        done = [renewals.renew(home.appliance, (STREAMS_NAME, CLIPS_NAME)) for _ in range(rounds)]
        disturbed = largest_gap(list(viewer.marks.frames), begun, time.time())
        closed = viewer.closed_at is not None
    time.sleep(_SETTLE_S)
    after = services.use(home.appliance, [services.STUNNEL])[services.STUNNEL]
    served = [each.served_s for each in done]
    figures.add("renewals", len(done), f">= {rounds}")
    figures.add("failed_runs", sum(each.status != 0 for each in done), "== 0")
    figures.add("issue_median_s", percentile([each.issued_s for each in done], 0.5))
    figures.add("issued_to_served_median_s", percentile(served, 0.5))
    figures.add("issued_to_served_max_s", max(served), "<= 5")
    figures.add("undisturbed_gap_ms", 1000 * calm)
    figures.add("disturbed_gap_ms", 1000 * disturbed)
    growth = (disturbed - calm) * PROFILES[_CAMERA].fps
    figures.add("gap_growth_frames", growth, f"<= {_MOST_GROWTH_FRAMES}")
    figures.add("closed", closed, "== 0")
    listening = home.appliance.run(["ss", "-Hltn", "sport = :443"]).stdout.splitlines()
    figures.add("listeners", len(listening), "== 1")
    figures.add("stunnel_files_before", before.files)
    figures.add("stunnel_files_growth", after.files - before.files, "<= 0")
    figures.add("stunnel_tasks_growth", after.tasks - before.tasks, "<= 0")
    figures.add("stunnel_memory_growth_mb", after.rss_mb - before.rss_mb)
    figures.add("stunnel_restarts", after.restarts - before.restarts, "== 0")
    proof = json.loads(home.appliance.read(_PROOF))
    figures.add("proved", proof["ok"], "== 1")
    return figures
