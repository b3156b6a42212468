"""The store at AWS, played by moto: the table, and keys whose secrets AWS shows once."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.appliance import aws_rules, aws_store
from ansible.module_utils.appliance.aws_cloud import AwsCloud, AwsError

from alexa_ip_cam.deploy import private_file
from simulators.amazon.aws import Aws
from unit.deploy.conftest import Interference

Run = Callable[..., dict[str, Any]]
SITE = "cams.example.com"


@pytest.fixture
def access(tmp_path: Path) -> Path:
    return tmp_path / private_file.ACCESS


def deploy(aws: Aws, access: Path, *sites: str, check: bool = False) -> list[str]:
    cloud = AwsCloud(aws.url, check=check, pause=0.01)
    aws_store.present(cloud, aws_store.Wanted("alexa-ip-cam", "eu-west-1", sites or (SITE,), access, aws.url))
    actions: list[str] = cloud.actions
    return actions


def state(aws: Aws, access: Path) -> dict[str, Any]:
    """What can be seen of a deployment; the kept key has to be the one at AWS."""
    dynamodb, iam = aws.client("dynamodb"), aws.client("iam")
    users = {}
    for user in iam.list_users()["Users"]:
        name = user["UserName"]
        keys = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
        policy = iam.get_user_policy(UserName=name, PolicyName="own-items")["PolicyDocument"]
        users[name] = ([key["AccessKeyId"] for key in keys], policy)
    kept = private_file.read(access)
    there = sorted(key for keys, _ in users.values() for key in keys)
    assert sorted(entry["access_key_id"] for entry in kept.values()) == there
    told = dynamodb.describe_time_to_live(TableName="alexa-ip-cam")["TimeToLiveDescription"]
    return {
        "keys": dynamodb.describe_table(TableName="alexa-ip-cam")["Table"]["KeySchema"],
        "lifetime": (told["TimeToLiveStatus"], told.get("AttributeName")),
        "users": {name: (len(keys), policy) for name, (keys, policy) in users.items()},
        "kept": {site: sorted(entry) for site, entry in kept.items()},
    }


def test_check_and_do_twice(aws: Aws, access: Path) -> None:
    foreseen = deploy(aws, access, check=True)
    assert (aws.client("dynamodb").list_tables()["TableNames"], aws.client("iam").list_users()["Users"]) == ([], [])
    assert not access.exists()
    assert deploy(aws, access) == foreseen != []
    before = access.read_text()
    assert deploy(aws, access, check=True) == []
    assert deploy(aws, access) == []
    assert access.read_text() == before


def test_the_key_may_call_what_alexa_calls_and_the_appliance_is_told_where(aws: Aws, access: Path) -> None:
    cloud = AwsCloud(aws.url, check=False, pause=0.01)
    regions = ("eu-west-1", "us-east-1")
    wanted = aws_store.Wanted("alexa-ip-cam", "eu-west-1", (SITE,), access, aws.url, regions)
    aws_store.present(cloud, wanted)
    user = f"alexa-ip-cam-{SITE}"
    policy = aws.client("iam").get_user_policy(UserName=user, PolicyName="own-items")["PolicyDocument"]
    assert policy["Statement"][1] == {
        "Effect": "Allow",
        "Action": ["lambda:InvokeFunction"],
        "Resource": [f"arn:aws:lambda:{region}:123456789012:function:alexa-ip-cam:live" for region in regions],
    }
    assert private_file.read(access)[SITE]["regions"] == list(regions)


def test_the_key_reaches_the_items_of_its_own_site_alone(aws: Aws, access: Path) -> None:
    deploy(aws, access, SITE, "another.example.com")
    found = state(aws, access)
    assert found["lifetime"] == ("ENABLED", "expires")
    count, policy = found["users"][f"alexa-ip-cam-{SITE}"]
    assert count == 1
    (statement,) = policy["Statement"]  # no region was given in which there is a function
    assert statement["Resource"] == "arn:aws:dynamodb:eu-west-1:123456789012:table/alexa-ip-cam"
    assert statement["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [SITE]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }
    assert not any("*" in action or "Scan" in action for action in statement["Action"])
    assert stat.S_IMODE(access.stat().st_mode) == 0o600
    entry = private_file.read(access)[SITE]
    assert entry["secret_access_key"]
    del entry["access_key_id"], entry["secret_access_key"]
    assert entry == {"table": "alexa-ip-cam", "region": "eu-west-1", "site": SITE, "endpoint_url": aws.url}


def test_a_lost_secret_is_replaced_with_its_key(aws: Aws, access: Path) -> None:
    deploy(aws, access)
    before = private_file.read(access)[SITE]
    access.unlink()
    assert [action.split(" of ")[0] for action in deploy(aws, access)] == ["delete an access key", "make an access key"]
    after = private_file.read(access)[SITE]
    assert after["access_key_id"] != before["access_key_id"]
    state(aws, access)


def test_a_key_deleted_behind_our_back_is_replaced(aws: Aws, access: Path) -> None:
    deploy(aws, access)
    user, key = f"alexa-ip-cam-{SITE}", private_file.read(access)[SITE]["access_key_id"]
    aws.client("iam").delete_access_key(UserName=user, AccessKeyId=key)
    assert deploy(aws, access) == [f"make an access key of user {user}"]
    assert private_file.read(access)[SITE]["access_key_id"] != key


def test_a_site_that_is_no_more_loses_its_user(aws: Aws, access: Path) -> None:
    deploy(aws, access, SITE, "another.example.com")
    deploy(aws, access, SITE)
    assert list(state(aws, access)["users"]) == [f"alexa-ip-cam-{SITE}"]


def test_another_region_takes_the_table_along(aws: Aws, access: Path) -> None:
    deploy(aws, access)
    cloud = AwsCloud(aws.url, check=False, pause=0.01)
    aws_store.present(cloud, aws_store.Wanted("alexa-ip-cam", "us-east-1", (SITE,), access, aws.url))
    assert aws.client("dynamodb", "eu-west-1").list_tables()["TableNames"] == []
    assert aws.client("dynamodb", "us-east-1").list_tables()["TableNames"] == ["alexa-ip-cam"]
    assert private_file.read(access)[SITE]["region"] == "us-east-1"


def test_every_call_refused_is_one_message_and_the_next_run_goes_on(
    aws: Aws, access: Path, interference: Interference
) -> None:
    calls = interference.calls_of(lambda: deploy(aws, access))
    whole = state(aws, access)
    for operation in dict.fromkeys(calls):
        aws.reset()
        access.unlink(missing_ok=True)
        refusing = interference.refusing(calls.index(operation))
        with refusing, pytest.raises(AwsError, match=f":{operation} to the AWS user that deploys"):
            deploy(aws, access)
        deploy(aws, access)
        assert state(aws, access) == whole, operation


def test_a_run_killed_after_any_call_is_gone_on_with(aws: Aws, access: Path, interference: Interference) -> None:
    calls = interference.calls_of(lambda: deploy(aws, access))
    whole = state(aws, access)
    for number, operation in enumerate(calls):
        aws.reset()
        access.unlink(missing_ok=True)
        with interference.dying_after(number), pytest.raises(KeyboardInterrupt):
            deploy(aws, access)
        deploy(aws, access)
        assert state(aws, access) == whole, operation
        assert deploy(aws, access) == [], operation


def test_what_others_made_is_left_alone(aws: Aws, access: Path) -> None:
    aws.make_table("alexa-ip-cam")
    with pytest.raises(AwsError, match=r"There is a table alexa-ip-cam in eu-west-1 already.*set lambda_name"):
        deploy(aws, access)
    aws.reset()
    aws.client("iam").create_user(UserName=f"alexa-ip-cam-{SITE}")
    with pytest.raises(AwsError, match="There is a user"):
        deploy(aws, access)


def test_it_goes_without_a_trace(aws: Aws, access: Path) -> None:
    deploy(aws, access, SITE, "another.example.com")
    wanted = aws_store.Wanted("alexa-ip-cam", "eu-west-1", (SITE,), access, aws.url)
    foreseen, cloud, again = (AwsCloud(aws.url, check=check, pause=0.01) for check in (True, False, False))
    for one in (foreseen, cloud, again):
        aws_store.absent(one, wanted)
    assert foreseen.actions == cloud.actions != []
    assert again.actions == []
    assert (aws.client("dynamodb").list_tables()["TableNames"], aws.client("iam").list_users()["Users"]) == ([], [])
    assert not access.exists()


def test_the_module_tells_what_it_did_and_no_secret(aws: Aws, access: Path, run_module: Run) -> None:
    arguments = {
        "name": "alexa-ip-cam",
        "region": "eu-west-1",
        "sites": [SITE],
        "access_file": str(access),
        "endpoint_url": aws.url,
        "pause": 0.01,
    }
    changed = []
    for check in (True, False, True, False):
        result = run_module("aws_store", arguments, check=check)
        changed.append(result["changed"])
        if access.exists():
            assert private_file.read(access)[SITE]["secret_access_key"] not in json.dumps(result)
    assert changed == [True, True, False, False]
    assert run_module("aws_store", {**arguments, "state": "absent"})["changed"] is True


def test_a_long_name_of_a_user_is_shortened_and_stays_unique() -> None:
    names = {aws_rules.user_name("alexa-ip-cam", f"{letter}{'x' * 60}.example.com") for letter in "ab"}
    assert len(names) == 2
    assert all(len(name) <= 64 for name in names)
