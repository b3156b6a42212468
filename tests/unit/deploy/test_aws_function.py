"""The function at AWS, played by moto: check, do, check, do; every call refused once, every call the last one once."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from ansible.module_utils.appliance import aws_cloud, aws_function, aws_rules
from ansible.module_utils.appliance.aws_cloud import AwsCloud, AwsError
from boto3.session import Session

from simulators.amazon.aws import Aws
from unit.deploy.conftest import Interference

READS = ("Get", "Describe", "List")
TRUST = json.dumps(aws_rules.trust_policy())
SKILL = "amzn1.ask.skill.01234567-89ab-cdef-0123-456789abcdef"


def wanted(**changed: Any) -> aws_function.Wanted:
    whole = aws_function.Wanted(
        name="alexa-ip-cam",
        regions=("EU",),
        table_region="eu-west-1",
        sites=("cams.example.com",),
        skill_id=SKILL,
        code=b"not really a zip",
        configuration={
            "Runtime": "python3.13",
            "Handler": "handler.handler",
            "Timeout": 6,
            "MemorySize": 512,
            "Description": "d",
        },
        architecture="arm64",
        retention_days=30,
        alarm_actions=(),
        settle_seconds=0,
    )
    return whole._replace(**changed)


def deploy(aws: Aws, *, check: bool = False, **changed: Any) -> list[str]:
    cloud = AwsCloud(aws.url, check=check, pause=0.01)
    aws_function.present(cloud, wanted(**changed))
    actions: list[str] = cloud.actions
    return actions


def state(aws: Aws, region: str = "eu-west-1") -> dict[str, Any]:
    """What can be seen of a deployment."""
    client = aws.client
    function = client("lambda", region)
    alias = function.get_alias(FunctionName="alexa-ip-cam", Name="live")
    live = function.get_function_configuration(FunctionName="alexa-ip-cam", Qualifier="live")
    policy = json.loads(function.get_policy(FunctionName="alexa-ip-cam", Qualifier="live")["Policy"])
    versions = function.list_versions_by_function(FunctionName="alexa-ip-cam")["Versions"]
    logs = client("logs", region).describe_log_groups()["logGroups"]
    alarms = client("cloudwatch", region).describe_alarms()["MetricAlarms"]
    role = client("iam", region)
    return {
        "sha": live["CodeSha256"],
        "config": {key: live[key] for key in ("Timeout", "MemorySize", "Architectures", "Role", "Runtime")},
        "versions": len(versions),
        "live": alias["FunctionVersion"] != "$LATEST",
        "permissions": [
            (one["Principal"]["Service"], one["Condition"]["StringEquals"]["lambda:EventSourceToken"])
            for one in policy["Statement"]
        ],
        "logs": [(one["logGroupName"], one["retentionInDays"]) for one in logs],
        "alarms": sorted(one["MetricName"] for one in alarms),
        "policy": role.get_role_policy(RoleName="alexa-ip-cam", PolicyName="own-log-and-items")["PolicyDocument"],
    }


def test_check_and_do_twice(aws: Aws) -> None:
    foreseen = deploy(aws, check=True)
    assert aws.client("lambda").list_functions()["Functions"] == []
    assert aws.client("iam").list_roles()["Roles"] == []
    assert deploy(aws) == foreseen != []
    assert deploy(aws, check=True) == []
    assert deploy(aws) == []


def test_everything_is_there_and_nothing_more_is_allowed(aws: Aws) -> None:
    deploy(aws)
    found = state(aws)
    assert found["sha"] == base64.b64encode(hashlib.sha256(b"not really a zip").digest()).decode()
    assert found["config"] == {
        "Timeout": 6,
        "MemorySize": 512,
        "Architectures": ["arm64"],
        "Role": "arn:aws:iam::123456789012:role/alexa-ip-cam",
        "Runtime": "python3.13",
    }
    assert (found["versions"], found["live"]) == (2, True)  # $LATEST and the one that is live
    assert found["permissions"] == [("alexa-connectedhome.amazon.com", SKILL)]
    assert found["logs"] == [("/aws/lambda/alexa-ip-cam", 30)]
    assert found["alarms"] == ["Errors", "Throttles"]
    log, items = found["policy"]["Statement"]
    assert log["Resource"] == ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/alexa-ip-cam:*"]
    assert items["Resource"] == "arn:aws:dynamodb:eu-west-1:123456789012:table/alexa-ip-cam"
    assert items["Condition"]["ForAllValues:StringEquals"] == {"dynamodb:LeadingKeys": ["cams.example.com"]}
    assert not any("*" in action or "Scan" in action for one in (log, items) for action in one["Action"])


def test_other_code_is_the_only_change_and_leaves_no_old_version(aws: Aws) -> None:
    deploy(aws)
    assert deploy(aws, code=b"another") == [
        "update the code of function alexa-ip-cam in eu-west-1",
        "publish function alexa-ip-cam in eu-west-1",
        "delete version 1 of function alexa-ip-cam in eu-west-1",
    ]
    assert state(aws)["sha"] == base64.b64encode(hashlib.sha256(b"another").digest()).decode()


def test_what_was_changed_by_hand_is_set_back(aws: Aws) -> None:
    deploy(aws)
    aws.client("lambda").update_function_configuration(FunctionName="alexa-ip-cam", Timeout=3)
    assert deploy(aws) == ["update Timeout of function alexa-ip-cam in eu-west-1"]
    aws.client("logs").delete_retention_policy(logGroupName="/aws/lambda/alexa-ip-cam")
    aws.client("cloudwatch").delete_alarms(AlarmNames=["alexa-ip-cam-errors"])
    aws.client("iam").delete_role_policy(RoleName="alexa-ip-cam", PolicyName="own-log-and-items")
    assert len(deploy(aws)) == 3
    assert deploy(aws) == []


def test_another_skill_takes_the_permission_over(aws: Aws) -> None:
    deploy(aws)
    actions = deploy(aws, skill_id="amzn1.ask.skill.another")
    assert [action.split(" for ")[0] for action in actions] == [
        "let Alexa call function alexa-ip-cam in eu-west-1",
        "let Alexa call function alexa-ip-cam in eu-west-1 no more",
    ]
    assert [token for _, token in state(aws)["permissions"]] == ["amzn1.ask.skill.another"]


def test_regions_come_and_go(aws: Aws) -> None:
    deploy(aws, regions=("NA", "EU"))
    assert state(aws, "us-east-1")["sha"] == state(aws)["sha"]
    cloud = AwsCloud(aws.url, check=False)
    aws_function.prune(cloud, "alexa-ip-cam", ["NA"])
    assert len(cloud.actions) == 3
    assert aws.client("lambda", "eu-west-1").list_functions()["Functions"] == []
    assert state(aws, "us-east-1")["live"]


def test_it_goes_without_a_trace(aws: Aws) -> None:
    deploy(aws, regions=("NA", "EU", "FE"))
    foreseen = AwsCloud(aws.url, check=True)
    aws_function.absent(foreseen, "alexa-ip-cam")
    assert state(aws)["live"]
    cloud = AwsCloud(aws.url, check=False)
    aws_function.absent(cloud, "alexa-ip-cam")
    assert cloud.actions == foreseen.actions
    for region in ("us-east-1", "eu-west-1", "us-west-2"):
        assert aws.client("lambda", region).list_functions()["Functions"] == []
        assert aws.client("logs", region).describe_log_groups()["logGroups"] == []
        assert aws.client("cloudwatch", region).describe_alarms()["MetricAlarms"] == []
    assert aws.client("iam").list_roles()["Roles"] == []
    again = AwsCloud(aws.url, check=False)
    aws_function.absent(again, "alexa-ip-cam")
    assert again.actions == []


def test_what_others_made_is_left_alone(aws: Aws) -> None:
    iam = aws.client("iam")
    role = iam.create_role(RoleName="another", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.create_role(RoleName="alexa-ip-cam", AssumeRolePolicyDocument=TRUST)
    with pytest.raises(AwsError, match=r"There is a role alexa-ip-cam already, .*; set lambda_name"):
        deploy(aws)
    iam.delete_role(RoleName="alexa-ip-cam")
    aws.client("lambda").create_function(
        FunctionName="alexa-ip-cam", Runtime="python3.13", Role=role, Handler="a.b", Code={"ZipFile": b"x"}
    )
    with pytest.raises(AwsError, match="There is a function alexa-ip-cam in eu-west-1 already"):
        deploy(aws)
    with pytest.raises(AwsError, match="There is a function"):
        aws_function.absent(AwsCloud(aws.url, check=False), "alexa-ip-cam")


def test_every_call_refused_is_one_message_with_the_mend(aws: Aws, interference: Interference) -> None:
    calls = interference.calls_of(lambda: deploy(aws))
    for operation in dict.fromkeys(calls):
        aws.reset()
        with interference.refusing(calls.index(operation)), pytest.raises(AwsError) as caught:
            deploy(aws)
        refused, mend = str(caught.value).split(" (AccessDeniedException: Told to.); ")
        service = refused.removeprefix("AWS refused ").split(":")[0]
        assert mend.startswith(f"allow {service}:{operation} to the AWS user that deploys")


def test_a_run_killed_after_any_call_is_gone_on_with(aws: Aws, interference: Interference) -> None:
    calls = interference.calls_of(lambda: deploy(aws))
    whole = state(aws)
    for number, operation in enumerate(calls):
        if operation.startswith(READS):
            continue  # leaves nothing but what the change before it left
        aws.reset()
        with interference.dying_after(number), pytest.raises(KeyboardInterrupt):
            deploy(aws)
        deploy(aws)
        assert state(aws) == whole, operation
        assert deploy(aws) == [], operation


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ExpiredTokenException", "have expired; put the access key"),
        ("ThrottlingException", "in a few minutes"),
        ("LimitExceededException", "a limit of your AWS account"),
        ("ResourceConflictException", "something else changes the same thing"),
        ("SomethingElse", "look at it in the AWS console"),
    ],
)
def test_each_kind_of_error_has_its_mend(code: str, words: str) -> None:
    assert words in aws_rules.mend(code, "lambda:CreateFunction")


def test_no_credentials_and_no_network_are_told(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AwsError, match="AWS cannot be reached for sts:GetCallerIdentity"):
        AwsCloud("http://127.0.0.1:9", check=True).account()
    monkeypatch.setattr(aws_cloud, "Session", Session)  # one that has not found any yet
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(AwsError, match=r"no credentials for AWS; put the access key .* into ~/.aws/credentials"):
        deploy(aws)
