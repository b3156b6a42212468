"""The demo's report: a JSON file of what was measured and an HTML page with the pictures."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jinja2

# The order in which an Echo goes through them; milliseconds from the start of the TCP connection.
STEPS = ("tcp", "tls", "describe", "setup", "play", "first_rtp", "first_picture")


@dataclasses.dataclass
class CameraReport:
    """What one camera showed.

    ``steps_ms`` are milliseconds since the start of the TCP connection, keyed by `STEPS`; ``direct_steps_ms`` the
    same without the gateway, or empty where that was not measured.
    """

    name: str
    sentence: str
    png: str
    width: int
    height: int
    codec: str
    profile: str
    keyframe_bytes: int
    steps_ms: dict[str, float]
    direct_steps_ms: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Report:
    """All that the demo says at its end; seconds in ``durations_s``.

    ``recording``: `told_ms` and `motion_ms` count from the moment the camera closed the file. ``states``: `gone_s` and
    `back_s` until Alexa knew. ``renewal``: `served_s` from issue to service, and the proof's own result. ``page``: its
    picture in the browser.
    """

    cameras: dict[str, CameraReport] = dataclasses.field(default_factory=dict)
    chain: list[str] = dataclasses.field(default_factory=list)
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    durations_s: dict[str, float] = dataclasses.field(default_factory=dict)
    second_run: dict[str, float] = dataclasses.field(default_factory=dict)
    recording: dict[str, Any] = dataclasses.field(default_factory=dict)
    states: dict[str, Any] = dataclasses.field(default_factory=dict)
    renewal: dict[str, Any] = dataclasses.field(default_factory=dict)
    page: dict[str, Any] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as it is written to the JSON file."""
        return dataclasses.asdict(self)

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write ``report.json`` and ``index.html`` beside the pictures; returns both paths."""
        data = self.as_dict()
        report, page = directory / "report.json", directory / "index.html"
        report.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        html = environment.get_template("index.html.j2").render(steps=STEPS, **data)
        page.write_text(html, encoding="utf-8")
        return report, page
