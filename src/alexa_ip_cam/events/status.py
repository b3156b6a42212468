"""How the events service is doing: as JSON, and as Prometheus metrics, each in a file."""

from collections.abc import Mapping
from typing import Any

Status = dict[str, Any]

_STAGES = {"recording": "being recorded", "found": "waiting for their clip", "failed": "without a clip, for good"}


def metrics(status: Mapping[str, Any]) -> str:
    """The status as Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
    lines: list[str] = []

    def metric(name: str, kind: str, values: Mapping[str, float], label: str = "") -> None:
        lines.append(f"# TYPE alexa_events_{name} {kind}")
        for key, value in values.items():
            lines.append(
                f'alexa_events_{name}{{{label}="{key}"}} {value:g}' if label else f"alexa_events_{name} {value:g}"
            )

    metric("linked", "gauge", {"": float(status["linked"])})
    metric("halted", "gauge", {"": float(status["halted"] is not None)})
    metric("recordings", "gauge", status["recordings"], "stage")
    for name in ("waiting", "parked"):
        values = {interface: counts[name] for interface, counts in status["messages"].items()}
        metric(f"messages_{name}", "gauge", values, "interface")
    metric("refused", "gauge", dict.fromkeys(status["refused"], 1.0), "interface")
    metric("total", "counter", status["counts"], "what")
    metric("source_trouble", "gauge", dict.fromkeys(status["troubles"], 1.0), "camera")
    metric("resident_bytes", "gauge", {"": status["resident_bytes"]})
    return "\n".join(lines) + "\n"


def for_people(status: Mapping[str, Any]) -> str:
    """The status in sentences."""
    lines = ["linked with Alexa" if status["linked"] else "NOT linked with Alexa: link the skill in the Alexa app"]
    if status["halted"]:
        lines.append(f"nothing is told for now: {status['halted']}")
    lines += [f"{number} recordings {_STAGES[stage]}" for stage, number in status["recordings"].items() if number]
    for interface, counts in status["messages"].items():
        lines.append(f"{interface}: {counts['waiting']} messages waiting, {counts['parked']} parked")
    lines += [f"{interface}: refused by Amazon: {why}" for interface, why in status["refused"].items()]
    lines += [f"{camera}: recordings cannot be looked for: {why}" for camera, why in status["troubles"].items()]
    lines.append(
        f"since the start: {', '.join(f'{name} {number}' for name, number in status['counts'].items()) or 'nothing'}"
    )
    return "\n".join(lines)
