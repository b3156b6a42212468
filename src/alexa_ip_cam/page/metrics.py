"""Everything for Prometheus in one text: the gateway's and the events service's own metrics, certificate, checks."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from alexa_ip_cam.gateway.metrics import metrics as gateway_metrics
from alexa_ip_cam.page.sources import Seen

FRESH_SECONDS = 60.0
"""What a service has not renewed for so long it no longer stands for; its metrics are left out then."""


def metrics(seen: Seen, events_metrics: Path) -> str:
    """The text (https://prometheus.io/docs/instrumenting/exposition_formats/); times are Unix seconds.

    Left out is what is unknown: an absent metric is how Prometheus tells it from zero.
    """
    parts = []
    if seen.gateway.is_fresh(FRESH_SECONDS):
        with contextlib.suppress(KeyError, TypeError, ValueError):  # written by another release
            parts.append(gateway_metrics(dict(seen.gateway.value)))
    if seen.events.is_fresh(FRESH_SECONDS):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            parts.append(events_metrics.read_text(encoding="utf-8"))
    up = {"gateway": seen.gateway, "events": seen.events}
    parts.append(
        _lines("alexa_service_up", [({"service": name}, it.is_fresh(FRESH_SECONDS)) for name, it in up.items()])
    )
    proof = seen.proof.value
    if isinstance(proof.get("ok"), bool):
        parts.append(_lines("alexa_certificate_proved", [({}, proof["ok"])]))
    for key, name in (("at", "proved_at_seconds"), ("expires", "expires_at_seconds")):
        if isinstance(proof.get(key), int | float):
            parts.append(_lines(f"alexa_certificate_{name}", [({}, proof[key])]))
    parts.append(_checks(seen))
    parts.append(_lines("alexa_alarms_raised", [({}, len(seen.alarms))]))
    return "".join(parts)


def _checks(seen: Seen) -> str:
    """How each way ended at the last self-check; no line for a way that has another form than is agreed."""
    ways = seen.check.value.get("ways")
    values = []
    for way in ways if isinstance(ways, list) else []:
        try:
            labels = {"way": str(way["way"]), "subject": str(way["subject"])}
            values.append((labels, all(step["state"] != "failed" for step in way["steps"])))
        except (KeyError, TypeError):
            continue
    well = _lines("alexa_check_way_well", values) if values else ""
    age = seen.check.age
    return well + (_lines("alexa_check_age_seconds", [({}, round(age))]) if age is not None else "")


def _lines(name: str, values: Sequence[tuple[Mapping[str, str], float]]) -> str:
    """One gauge. Labels' values may be anything."""
    lines = [f"# TYPE {name} gauge"]
    for labels, value in values:
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{shown}}} {float(value):.15g}" if shown else f"{name} {float(value):.15g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
