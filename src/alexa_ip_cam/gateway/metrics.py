"""The gateway's status as Prometheus metrics. Standard library only: the page's service uses this, too."""

from typing import Any

# What a camera's metrics mean. Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/
_METRICS = {
    "connected": "gauge",
    "last_picture_age_seconds": "gauge",
    "bits_per_second": "gauge",
    "frames_per_second": "gauge",
    "gop_seconds": "gauge",
    "largest_keyframe_bytes": "gauge",
    "buffered_seconds": "gauge",
    "buffered_bytes": "gauge",
    "viewers": "gauge",
    "viewers_total": "counter",
    "viewer_cuts_total": "counter",
    "connections_total": "counter",
    "damaged_pictures_total": "counter",
    "first_picture_p50_seconds": "gauge",
    "first_picture_max_seconds": "gauge",
}


def metrics(status: dict[str, Any]) -> str:
    """The same as Prometheus text; unknown values are left out."""
    lines = [
        "# TYPE alexa_gateway_connections gauge",
        f"alexa_gateway_connections {status['connections']}",
        "# TYPE alexa_gateway_refused_total counter",
        f"alexa_gateway_refused_total {status['refused_total']}",
    ]
    for name, kind in _METRICS.items():
        metric = f"alexa_gateway_camera_{name}"
        lines.append(f"# TYPE {metric} {kind}")
        for camera_id, camera in status["cameras"].items():
            if camera[name] is not None:
                lines.append(f'{metric}{{camera="{camera_id}"}} {float(camera[name]):g}')
    return "\n".join(lines) + "\n"
