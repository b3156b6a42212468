"""The demo's report."""

from __future__ import annotations

import json
from pathlib import Path

from demo.report import STEPS, CameraReport, Report


def report() -> Report:
    steps = {step: float(10 * number) for number, step in enumerate(STEPS, 1)}
    camera = CameraReport(
        name="<Front> Porch",
        sentence="Alexa, show the front porch camera",
        png="front-porch.png",
        width=1280,
        height=720,
        codec="h264",
        profile="Constrained Baseline",
        keyframe_bytes=123456,
        steps_ms=steps,
        direct_steps_ms={**steps, "first_picture": 1500.0},
    )
    return Report(
        cameras={"front-porch": camera},
        chain=["cams.example.test", "Intermediate"],
        versions={"debian": "12.12"},
        durations_s={"site.yml": 60.0, "total": 90.5},
        second_run={"changed": 0, "seconds": 12.0},
        recording={
            "sentence": "Alexa, show what happened at the front porch",
            "media_id": "front_porch_1",
            "told_ms": 987,
            "motion_ms": 654,
            "seconds": 5.0,
            "clip": "front-porch-clip.mp4",
            "png": "front-porch-clip.png",
        },
        states={"snapshot": "front-porch-snapshot.jpg", "gone_s": 7.5, "back_s": 3.5},
        renewal={
            "issued_s": 4.0,
            "served_s": 0.5,
            "viewer_closed": False,
            "viewer_gap_ms": 41,
            "proof": {"ok": True, "problems": [], "chain": ["Intermediate", "Root"], "days_left": 89.6},
        },
    )


def test_json_has_the_documented_keys(tmp_path: Path) -> None:
    data = json.loads(report().write(tmp_path)[0].read_text())
    assert set(data) == {
        *("cameras", "chain", "versions", "durations_s", "second_run", "recording", "states", "renewal", "page"),
    }
    camera = data["cameras"]["front-porch"]
    assert {"png", "width", "height", "codec", "profile", "keyframe_bytes", "steps_ms"} <= set(camera)
    assert tuple(camera["steps_ms"]) == STEPS
    assert data["second_run"] == {"changed": 0, "seconds": 12.0}


def test_page_shows_the_picture_both_figures_and_escapes_names(tmp_path: Path) -> None:
    html = report().write(tmp_path)[1].read_text()
    assert 'src="front-porch.png"' in html
    assert "70 ms" in html
    assert "1500 ms" in html
    assert "&lt;Front&gt; Porch" in html
    assert "<Front>" not in html


def test_page_tells_of_the_recording_the_states_and_the_certificate(tmp_path: Path) -> None:
    one = report()
    html = one.write(tmp_path)[1].read_text()
    for told in ("987 ms", 'href="front-porch-clip.mp4"', 'src="front-porch-snapshot.jpg"', "7.5 s", "good", "90 days"):
        assert told in html
    one.renewal["proof"] |= {"ok": False, "problems": ["another certificate is served"]}
    assert "another certificate is served" in one.write(tmp_path)[1].read_text()


def test_page_shows_the_family_page_once_there_is_a_picture(tmp_path: Path) -> None:
    one = report()
    assert "The page" not in one.write(tmp_path)[1].read_text()
    one.page = {"png": "page.png", "url": "https://clips.example.test/", "width": 1280, "height": 800}
    assert 'src="page.png"' in one.write(tmp_path)[1].read_text()


def test_page_without_the_direct_figures(tmp_path: Path) -> None:
    one = report()
    one.cameras["front-porch"].direct_steps_ms = {}
    assert "without the gateway" not in one.write(tmp_path)[1].read_text()
