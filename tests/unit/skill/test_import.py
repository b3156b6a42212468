"""A cold start stays cheap: what the function imports, seen in a bare interpreter without any installed package."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from simulators.amazon.lwa import Lwa
from unit.skill.family import LINKING, OWNER

# What asks Amazon whose a token is (http, ssl and what they bring) is needed for the very first answer.
HEAVY = {"asyncio", "boto3", "botocore", "inspect", "logging", "requests", "urllib3"}
PROGRAM = """
import json, sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import handler
class context:
    aws_request_id = "request-1"
header = {"namespace": "Alexa.CameraStreamController", "name": "InitializeCameraStreams", "payloadVersion": "3"}
scope = {"type": "BearerToken", "token": sys.argv[2]}
endpoint = {"endpointId": "cams_example_com:front-porch", "scope": scope}
wishes = [{"protocol": "RTSP"}]
event = {"directive": {"header": header, "endpoint": endpoint, "payload": {"cameraStreams": wishes}}}
reply = handler.handler(event, context)
print(json.dumps({"uri": reply["event"]["payload"]["cameraStreams"][0]["uri"],
                  "modules": sorted(set(sys.modules) - before)}))
"""


@pytest.fixture
def imported(archive: Path, tmp_path: Path, lwa: Lwa) -> set[str]:
    with zipfile.ZipFile(archive) as content:
        content.extractall(tmp_path / "task")
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, str(tmp_path / "task"), lwa.new_bearer(LINKING, OWNER)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["uri"].startswith("rtsp://cams.example.com:443/front-porch/")
    return set(report["modules"])


def test_a_stream_is_answered_without_any_heavy_module(imported: set[str]) -> None:
    assert "alexa_ip_cam.skill.cameras" in imported
    assert not {name.partition(".")[0] for name in imported} & HEAVY


def test_the_zip_needs_nothing_but_the_standard_library(imported: set[str]) -> None:
    ours = {"handler", "alexa_ip_cam"}
    assert {name.partition(".")[0] for name in imported} - ours <= sys.stdlib_module_names
