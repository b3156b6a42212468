"""The certificate is renewed while somebody watches, and what is served is proved."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

from demo.report import Report
from demo.stages import Stages
from home import Home, renewals
from home.inventory import CLIPS_NAME, STREAMS_NAME
from simulators.amazon.alexa import Alexa

_PROOF = "/var/lib/alexa-ip-cam-proof/proof.json"
_WATCH_S = 20.0


def renew_under_a_viewer(home: Home, alexa: Alexa, stages: Stages, report: Report) -> None:
    """Renew once; the viewer came before and stays until after."""
    with stages.stage("renewal", "a new certificate, while somebody watches"):
        uri = alexa.show(alexa.find("the front porch camera")).uri
        with ThreadPoolExecutor(1) as beside:
            watching = beside.submit(home.echo, uri, seconds=_WATCH_S)
            renewal = renewals.renew(home.appliance, (STREAMS_NAME, CLIPS_NAME))
            seen = watching.result()
        proof = json.loads(home.appliance.read(_PROOF))
        # The first seconds come in one burst, and are no gaps.
        arrivals = [unit.last_at for unit in seen.access_units][100:]
        gap_ms = 1000 * max(later - earlier for earlier, later in itertools.pairwise(arrivals))
    report.renewal = {
        "issued_s": round(renewal.issued_s, 1),
        "served_s": round(renewal.served_s, 2),
        "viewer_closed": seen.closed,
        "viewer_gap_ms": round(gap_ms),
        "proof": proof,
    }
    print(
        f"   served {renewal.served_s:.2f} s after it was issued; longest gap of the viewer {gap_ms:.0f} ms", flush=True
    )
