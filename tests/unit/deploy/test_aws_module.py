"""The module ``aws_function``: from an inventory's variables to the zip at AWS, without a secret in what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.appliance import aws_function, aws_rules, aws_store
from ansible.module_utils.appliance.aws_cloud import AwsCloud

from alexa_ip_cam.deploy import private_file
from alexa_ip_cam.signing import derive_key
from simulators.amazon.aws import Aws
from unit.deploy.conftest import CLIENT, OWNER, Interference
from unit.deploy.test_aws_function import deploy

Run = Callable[..., dict[str, Any]]

ROOT = Path(__file__).resolve().parents[3]
KEY = "00112233445566778899aabbccddeeff" * 2
CAMERA = {
    "id": "porch",
    "name": "Porch",
    "manufacturer": "Axis",
    "model": "P1",
    "width": 1280,
    "height": 720,
    "audio": "none",
}


@pytest.fixture
def arguments(tmp_path: Path, aws: Aws) -> dict[str, Any]:
    login = {**CLIENT._asdict(), "refresh_token": "Atzr|x", "user_id": OWNER}
    private_file.write(tmp_path / private_file.LOGIN, login)
    messaging = {"client_id": "amzn1.application-oa2-client.messaging", "client_secret": "messaging-secret"}
    kept = {"skill_id": "amzn1.ask.skill.one", "messaging": messaging}
    private_file.write(tmp_path / private_file.SKILL, kept)
    home = {
        "appliance_streams_name": "cams.example.com",
        "appliance_clips_name": "clips.example.com",
        "cameras": [CAMERA],
    }
    return {
        "name": "alexa-ip-cam",
        "regions": ["EU"],
        "table_region": "eu-west-1",
        "login_file": str(tmp_path / private_file.LOGIN),
        "skill_file": str(tmp_path / private_file.SKILL),
        "homes": [home],
        "signing_keys": {"cams.example.com": KEY},
        "settle_seconds": 0,
        "endpoint_url": aws.url,
        "pause": 0.01,
    }


def test_check_and_do_twice(run_module: Run, arguments: dict[str, Any]) -> None:
    results = [run_module("aws_function", arguments, check=check) for check in (True, False, True, False)]
    assert [result["changed"] for result in results] == [True, True, False, False]
    assert len({result["code_sha256"] for result in results}) == 1
    assert results[1]["endpoints"] == {"EU": "arn:aws:lambda:eu-west-1:123456789012:function:alexa-ip-cam:live"}
    text = json.dumps(results)
    secrets = [KEY, "messaging-secret", CLIENT.client_secret]
    secrets += [derive_key(KEY, purpose).hex()[:40] for purpose in ("streams", "snapshots", "clips", "media")]
    assert [secret for secret in secrets if secret in text] == []
    pruned = run_module("aws_function", {**arguments, "state": "pruned"})
    assert (pruned["changed"], pruned["actions"]) == (False, [])
    assert run_module("aws_function", {**arguments, "state": "absent"})["changed"] is True


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"signing_keys": {"cams.example.com": "short"}},
            "The skill cannot be made from this inventory: .*signing_key",
        ),
        ({"signing_keys": {}}, "appliance_signing_key must be"),
    ],
)
def test_a_wrong_input_is_told_before_anything_changes(
    run_module: Run, arguments: dict[str, Any], aws: Aws, changed: dict[str, Any], words: str
) -> None:
    result = run_module("aws_function", {**arguments, **changed})
    assert result["failed"] is True
    assert re.search(words, result["msg"])
    assert aws.client("iam").list_roles()["Roles"] == []


def test_the_readme_lists_every_action_that_is_asked_for(aws: Aws, tmp_path: Path, interference: Interference) -> None:
    access = tmp_path / private_file.ACCESS
    wanted = aws_store.Wanted("alexa-ip-cam", "eu-west-1", ("cams.example.com",), access)

    def everything() -> None:
        deploy(aws)
        deploy(aws, code=b"another")
        aws.client("lambda").update_function_configuration(FunctionName="alexa-ip-cam", Timeout=3)
        policy = json.dumps(aws_rules.trust_policy()).replace("lambda.amazonaws.com", "ec2.amazonaws.com")
        aws.client("iam").update_assume_role_policy(RoleName="alexa-ip-cam", PolicyDocument=policy)
        deploy(aws, skill_id="amzn1.ask.skill.another")
        cloud = AwsCloud(aws.url, check=False, pause=0.01)
        aws_store.present(cloud, wanted)
        aws_store.absent(cloud, wanted)
        aws_function.absent(cloud, "alexa-ip-cam")

    listed = set(re.findall(r"\b[A-Z][A-Za-z]+\b", (ROOT / "roles/lambda/README.md").read_text()))
    asked = set(interference.calls_of(everything))
    assert len(asked) > 30
    assert sorted(asked - listed) == []
