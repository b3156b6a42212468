"""Metrics: what is exposed, in Prometheus' form, and that the dashboard asks for nothing else."""

from __future__ import annotations

import json
import re
import time

from alexa_ip_cam.events.status import metrics as events_metrics
from alexa_ip_cam.page.__main__ import PageService
from alexa_ip_cam.page.metrics import metrics
from alexa_ip_cam.page.sources import look
from unit.page.conftest import ROOT, Site, check, events_status, gateway_status, proof

_LABEL = r'[a-z]+="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"(?P<name>[a-z][a-z0-9_]*)(?:\{{{_LABEL}(?:,{_LABEL})*\}})? -?[0-9.]+(?:e[+-][0-9]+)?")
_CLOCK = {"time", "rate"}  # PromQL's own words


def exposed(site: Site) -> dict[str, str]:
    """The samples of the file that is kept, by all that stands before the value."""
    PageService(site.settings).round()
    lines = (site.settings.out / "metrics.txt").read_text().splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert [line for line in samples if not _SAMPLE.fullmatch(line)] == []
    return dict(line.rsplit(" ", 1) for line in samples)


def everything(site: Site) -> Site:
    """A site whose services have all written something."""
    status = events_status()
    site.write("gateway_status", gateway_status(driveway={"connected": False}))
    site.write("events_status", status)
    site.settings.events_metrics.write_text(events_metrics(status))
    site.write("proof", proof())
    site.write("check", check(broken=True))
    site.alarm("gateway", "something")
    return site


def test_what_all_parts_say(site: Site) -> None:
    found = exposed(everything(site))
    assert found['alexa_gateway_camera_connected{camera="driveway"}'] == "0"
    assert found["alexa_events_linked"] == "1"
    assert found['alexa_service_up{service="gateway"}'] == "1"
    assert found['alexa_check_way_well{way="picture",subject="driveway"}'] == "0"
    assert found['alexa_check_way_well{way="picture",subject="front-porch"}'] == "1"
    assert found["alexa_alarms_raised"] == "1"
    assert 60 < (float(found["alexa_certificate_expires_at_seconds"]) - time.time()) / 86_400 < 61


def test_what_is_old_or_missing_is_left_out(site: Site) -> None:
    everything(site)
    site.write("gateway_status", gateway_status(), age=600)
    site.settings.events_metrics.unlink()
    site.settings.proof.unlink()
    found = exposed(site)
    names = {key.partition("{")[0] for key in found}
    assert found['alexa_service_up{service="gateway"}'] == "0"
    assert [name for name in names if name.startswith(("alexa_gateway", "alexa_events", "alexa_certificate"))] == []


def test_a_label_may_hold_anything(site: Site) -> None:
    site.write("check", {"ways": [{"way": "picture", "subject": 'a"b\\c\nd', "steps": []}, {"way": 5}, 7]})
    assert exposed(site)['alexa_check_way_well{way="picture",subject="a\\"b\\\\c\\nd"}'] == "1"


def test_every_metric_has_its_type_once(site: Site) -> None:
    text = metrics(look(everything(site).settings), site.settings.events_metrics)
    typed = re.findall(r"^# TYPE (\w+) (?:gauge|counter)$", text, re.MULTILINE)
    assert len(typed) == len(set(typed))
    assert {line.partition("{")[0].partition(" ")[0] for line in text.splitlines() if line[0] != "#"} <= set(typed)


def test_the_dashboard_asks_only_for_what_there_is(site: Site) -> None:
    found = exposed(everything(site))
    labels: dict[str, set[str]] = {}
    for key in found:
        name, _, rest = key.partition("{")
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', rest))
    board = json.loads((ROOT / "docs/grafana-dashboard.json").read_text())
    targets = [target for panel in board["panels"] for target in panel["targets"]]
    assert len(targets) >= 14
    for target in targets:
        asked = set(re.findall(r"[a-z][a-z_]+(?![a-z_]*\")", target["expr"])) - _CLOCK
        assert asked <= set(labels), target["expr"]
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert all(shown <= labels[name] for name in asked), target["legendFormat"]
    places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
    assert len(places) == len(set(places))
