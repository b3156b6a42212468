"""The skill: how long it takes to start and to answer, without AWS and Amazon. Needs no appliance."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from statistics import median
from typing import Any

from alexa_ip_cam.lambda_zip import build, settings_from_inventory
from alexa_ip_cam.skill.dispatch import Skill
from alexa_ip_cam.skill.settings import parse_settings
from benchmarks.figures import Figures, percentile
from simulators.amazon.alexa import Alexa, Endpoint
from simulators.amazon.lambda_runtime import LambdaRuntime
from simulators.amazon.lwa import Lwa

_ANSWERS = 1000
_STARTS = 11
_CAMERAS = 16
_CLIENT, _OWNER = "amzn1.application-oa2-client.bench", "amzn1.account.BENCH"

# As at AWS: nothing compiled beforehand, because the task's directory is read-only there.
_IMPORT = """
import sys, time
sys.path.insert(0, sys.argv[1])
begun = time.perf_counter()
import handler
print((time.perf_counter() - begun) * 1000)
"""


def run() -> Figures:
    """Measure import, answers and cold starts."""
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="bench-skill-") as scratch, Lwa() as lwa:
        lwa.add_client(_CLIENT, secrets.token_hex(16))
        settings = settings_from_inventory(_home(), table="bench", region="eu-west-1", lwa_url=lwa.url)
        archive = Path(scratch, "skill.zip")
        build(settings, archive)
        figures.add("zip_bytes", archive.stat().st_size, "<= 1000000")
        imports = _imports(archive, Path(scratch, "task"))
        # The quickest: whatever else the machine does only adds.
        figures.add("import_ms", min(imports), "<= 150")
        bearer = lwa.new_bearer(_CLIENT, _OWNER)
        answers = _answers(settings, bearer)
        figures.add("answer_p50_ms", percentile(answers, 0.5))
        figures.add("answer_p99_ms", percentile(answers, 0.99), "<= 5")
        starts = [_cold_start(archive, bearer) for _ in range(_STARTS)]
        figures.add("cold_start_to_first_answer_ms", median(starts))
        figures.add("cold_start_to_first_answer_max_ms", max(starts))
    return figures


def _home() -> dict[str, Any]:
    plain = {"manufacturer": "Axis", "model": "P3245-V", "width": 1280, "height": 720, "audio": "none"}
    return {
        "cameras": [{"id": f"camera-{n}", "name": f"Camera {n}", **plain} for n in range(_CAMERAS)],
        "appliance_streams_name": "cams.example.test",
        "appliance_clips_name": "clips.example.test",
        "appliance_signing_key": secrets.token_hex(32),
        "skill_lwa_client_id": _CLIENT,
        "skill_owners": [_OWNER],
    }


def _imports(archive: Path, task: Path) -> list[float]:
    with zipfile.ZipFile(archive) as content:
        content.extractall(task)
    command = [sys.executable, "-I", "-S", "-B", "-c", _IMPORT, str(task)]
    return [float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(_STARTS)]


def _answers(settings: dict[str, Any], bearer: str) -> list[float]:
    """Milliseconds of each answer; what Alexa asks is put together, and the answer judged, outside of them."""
    skill = Skill(parse_settings(settings))
    taken: list[float] = []

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        begun = time.perf_counter()
        reply = skill.answer(event, "bench")
        taken.append((time.perf_counter() - begun) * 1000)
        return reply

    alexa = Alexa(invoke, bearer)
    with Path(os.devnull).open("w", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        endpoints = alexa.discover()  # and the token is known from now on
        taken.clear()
        for number in range(_ANSWERS):
            alexa.show(endpoints[number % len(endpoints)])
    return taken


def _cold_start(archive: Path, bearer: str) -> float:
    """Milliseconds from nothing to the first stream, with the token asked for at the simulated Login with Amazon."""
    wish = {
        "protocol": "RTSP",
        "resolution": {"width": 1280, "height": 720},
        "authorizationType": "NONE",
        "videoCodec": "H264",
        "audioCodec": "NONE",
    }
    begun = time.perf_counter()
    with LambdaRuntime(archive) as function:
        Alexa(function.invoke, bearer).show(Endpoint("cams_example_test:camera-0", "Camera 0", ()), [wish])
        return (time.perf_counter() - begun) * 1000
