"""The skill's function at AWS, in each region that Alexa calls it in: role, log, code, published version, alarms."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from ansible.module_utils.appliance import aws_rules as rules
from ansible.module_utils.appliance.aws_cloud import AwsCloud, AwsError
from ansible.module_utils.appliance.skill_rules import REGIONS

_POLICY = "own-log-and-items"
_ROLE_SECONDS = 60  # until Lambda knows a new role


class Wanted(NamedTuple):
    """The function as it shall be.

    `regions` are Alexa's (NA, EU, FE); `code` is the zip; `skill_id` is empty while there is no skill; `settle_seconds`
    is how long a new permission takes to be known everywhere.
    """

    name: str
    regions: tuple[str, ...]
    table_region: str
    sites: tuple[str, ...]
    skill_id: str
    code: bytes
    configuration: dict[str, Any]
    architecture: str
    retention_days: int
    alarm_actions: tuple[str, ...]
    settle_seconds: float


def present(cloud: AwsCloud, wanted: Wanted) -> dict[str, str]:
    """Make what is missing, change what differs; gives the ARN to call by Alexa's region. Raises AwsError."""
    account = cloud.account()
    role = _role(cloud, wanted, account)
    arns = {}
    for alexa_region in wanted.regions:
        region = REGIONS[alexa_region]
        _log_group(cloud, wanted, region)
        _code(cloud, wanted, region, role)
        _publish(cloud, wanted, region, role)
        _permit(cloud, wanted, region)
        _alarms(cloud, wanted, region)
        arns[alexa_region] = f"arn:aws:lambda:{region}:{account}:function:{wanted.name}:{rules.ALIAS}"
    return arns


def prune(cloud: AwsCloud, name: str, regions: Iterable[str]) -> None:
    """Remove the function, its log and its alarms from Alexa's regions that are not among these. Raises AwsError."""
    for alexa_region in REGIONS:
        if alexa_region not in regions:
            _remove(cloud, name, REGIONS[alexa_region])


def absent(cloud: AwsCloud, name: str) -> None:
    """Remove the function everywhere, and its role; raises AwsError."""
    prune(cloud, name, ())
    told = cloud.read("iam", "us-east-1", "get_role", RoleName=name)
    if told is not None:
        cloud.refuse_foreign(told["Role"].get("Tags"), name, f"a role {name}")
        if cloud.read("iam", "us-east-1", "get_role_policy", RoleName=name, PolicyName=_POLICY) is not None:
            what = f"delete the policy of role {name}"
            cloud.change(what, "iam", "us-east-1", "delete_role_policy", RoleName=name, PolicyName=_POLICY)
        cloud.change(f"delete role {name}", "iam", "us-east-1", "delete_role", RoleName=name)


def _role(cloud: AwsCloud, wanted: Wanted, account: str) -> str:
    """The execution role's ARN."""
    name, region = wanted.name, "us-east-1"
    told = cloud.read("iam", region, "get_role", RoleName=name)
    trust = rules.trust_policy()
    if told is None:
        cloud.change(
            f"make role {name}",
            "iam",
            region,
            "create_role",
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(trust),
            Description="What the Alexa skill's function may do",
            Tags=rules.tag_list(name),
        )
    else:
        cloud.refuse_foreign(told["Role"].get("Tags"), name, f"a role {name}")
        if not rules.same_policy(told["Role"].get("AssumeRolePolicyDocument"), trust):
            what = f"let Lambda alone take role {name}"
            document = json.dumps(trust)
            cloud.change(what, "iam", region, "update_assume_role_policy", RoleName=name, PolicyDocument=document)
    regions = [REGIONS[one] for one in wanted.regions]
    policy = rules.execution_policy(name, account, regions, wanted.table_region, wanted.sites)
    told = cloud.read("iam", region, "get_role_policy", RoleName=name, PolicyName=_POLICY)
    if told is None or not rules.same_policy(told["PolicyDocument"], policy):
        what, document = f"set what role {name} may do", json.dumps(policy)
        cloud.change(what, "iam", region, "put_role_policy", RoleName=name, PolicyName=_POLICY, PolicyDocument=document)
    return f"arn:aws:iam::{account}:role/{name}"


def _log_group(cloud: AwsCloud, wanted: Wanted, region: str) -> None:
    group = rules.log_group(wanted.name)
    told = cloud.read("logs", region, "describe_log_groups", logGroupNamePrefix=group) or {}
    found = next((one for one in told.get("logGroups", []) if one["logGroupName"] == group), None)
    if found is None:
        tags = {rules.OWNER_TAG: wanted.name}
        cloud.change(f"make log {group} in {region}", "logs", region, "create_log_group", logGroupName=group, tags=tags)
    if (found or {}).get("retentionInDays") != wanted.retention_days:
        what, days = f"keep log {group} in {region} for {wanted.retention_days} days", wanted.retention_days
        cloud.change(what, "logs", region, "put_retention_policy", logGroupName=group, retentionInDays=days)


def _code(cloud: AwsCloud, wanted: Wanted, region: str, role: str) -> None:
    """Code and configuration of what is published next; what Alexa calls meanwhile stays as it was."""
    name, what = wanted.name, f"function {wanted.name} in {region}"
    found = cloud.read("lambda", region, "get_function", FunctionName=name)
    if found is None:
        _create(cloud, wanted, region, role)
        _wait(cloud, wanted, region)
        return
    cloud.refuse_foreign(found.get("Tags"), name, f"a {what}")
    _wait(cloud, wanted, region)
    if _code_differs(found["Configuration"], wanted):
        cloud.change(
            f"update the code of {what}",
            "lambda",
            region,
            "update_function_code",
            FunctionName=name,
            ZipFile=wanted.code,
            Architectures=[wanted.architecture],
        )
        _wait(cloud, wanted, region)
    configuration = {**wanted.configuration, "Role": role}
    if changed := rules.changed_keys(found["Configuration"], configuration):
        action = f"update {', '.join(changed)} of {what}"
        cloud.change(action, "lambda", region, "update_function_configuration", FunctionName=name, **configuration)
        _wait(cloud, wanted, region)


def _create(cloud: AwsCloud, wanted: Wanted, region: str, role: str) -> None:
    end = time.monotonic() + _ROLE_SECONDS
    while True:
        try:
            cloud.change(
                f"make function {wanted.name} in {region}",
                "lambda",
                region,
                "create_function",
                FunctionName=wanted.name,
                Code={"ZipFile": wanted.code},
                Architectures=[wanted.architecture],
                Tags={rules.OWNER_TAG: wanted.name},
                Role=role,
                **wanted.configuration,
            )
        except AwsError as error:
            # A new role is not known to Lambda at once.
            if error.code != "InvalidParameterValueException" or "role" not in str(error) or time.monotonic() > end:
                raise
            cloud.actions.pop()
            time.sleep(cloud.pause)
        else:
            return


def _wait(cloud: AwsCloud, wanted: Wanted, region: str) -> None:
    def is_ready() -> bool:
        told = cloud.read("lambda", region, "get_function_configuration", FunctionName=wanted.name) or {}
        if "Failed" in (told.get("State"), told.get("LastUpdateStatus")):
            reason = told.get("LastUpdateStatusReason") or told.get("StateReason") or "it does not say why"
            raise AwsError(f"AWS could not take the function {wanted.name} in {region}: {reason}; run again")
        states = told.get("State", "Active"), told.get("LastUpdateStatus", "Successful")
        return states == ("Active", "Successful")

    cloud.wait(is_ready, f"The function {wanted.name} in {region}")


def _publish(cloud: AwsCloud, wanted: Wanted, region: str, role: str) -> None:
    """Let the alias lead to a version that is what is wanted, and remove versions that nobody calls any more."""
    name = wanted.name
    alias = cloud.read("lambda", region, "get_alias", FunctionName=name, Name=rules.ALIAS)
    live = (alias or {}).get("FunctionVersion", "")
    if live:
        told = cloud.read("lambda", region, "get_function_configuration", FunctionName=name, Qualifier=live) or {}
        is_wanted = not rules.changed_keys(told, {**wanted.configuration, "Role": role})
        live = live if is_wanted and not _code_differs(told, wanted) else ""
    if not live:
        what = f"publish function {name} in {region}"
        made = cloud.change(what, "lambda", region, "publish_version", FunctionName=name, CodeSha256=_hash(wanted.code))
        live = (made or {}).get("Version", "")
        operation = "create_alias" if alias is None else "update_alias"
        if live:
            # Not an action of its own: the version is nothing without it.
            cloud.call("lambda", region, operation, FunctionName=name, Name=rules.ALIAS, FunctionVersion=live)
    told = cloud.read("lambda", region, "list_versions_by_function", FunctionName=name) or {}
    for version in [each["Version"] for each in told.get("Versions", [])]:
        # Old code holds old keys. Of 50 versions in a page none is left for the next one.
        if live and version not in ("$LATEST", live):
            what = f"delete version {version} of function {name} in {region}"
            cloud.change(what, "lambda", region, "delete_function", FunctionName=name, Qualifier=version)


def _permit(cloud: AwsCloud, wanted: Wanted, region: str) -> None:
    """Let Alexa call the function for our skill and for no other."""
    name = wanted.name
    told = cloud.read("lambda", region, "get_policy", FunctionName=name, Qualifier=rules.ALIAS)
    found = rules.alexa_statements(told["Policy"]) if told else {}
    if not wanted.skill_id:
        if cloud.check:
            cloud.actions.append(f"let Alexa call function {name} in {region} for the skill that is made then")
        return
    own = rules.statement_id(wanted.skill_id)
    if found.get(own) != wanted.skill_id:
        cloud.change(
            f"let Alexa call function {name} in {region} for {wanted.skill_id}",
            "lambda",
            region,
            "add_permission",
            FunctionName=name,
            Qualifier=rules.ALIAS,
            StatementId=own,
            Action="lambda:InvokeFunction",
            Principal=rules.ALEXA,
            EventSourceToken=wanted.skill_id,
        )
        if not cloud.check:
            # Amazon refuses a manifest whose function it may not call yet.
            time.sleep(wanted.settle_seconds)
    for statement in sorted(set(found) - {own}):
        what = f"let Alexa call function {name} in {region} no more for another skill"
        cloud.change(
            what,
            "lambda",
            region,
            "remove_permission",
            FunctionName=name,
            Qualifier=rules.ALIAS,
            StatementId=statement,
        )


def _alarms(cloud: AwsCloud, wanted: Wanted, region: str) -> None:
    names = [rules.alarm_name(wanted.name, metric) for metric in rules.METRICS]
    told = cloud.read("cloudwatch", region, "describe_alarms", AlarmNames=names) or {}
    found = {alarm["AlarmName"]: alarm for alarm in told.get("MetricAlarms", [])}
    for metric in rules.METRICS:
        alarm = rules.alarm(wanted.name, metric, [one for one in wanted.alarm_actions if f":{region}:" in one])
        if rules.changed_keys(found.get(alarm["AlarmName"], {}), alarm):
            cloud.change(
                f"set alarm {alarm['AlarmName']} in {region}", "cloudwatch", region, "put_metric_alarm", **alarm
            )


def _remove(cloud: AwsCloud, name: str, region: str) -> None:
    found = cloud.read("lambda", region, "get_function", FunctionName=name)
    if found is not None:
        cloud.refuse_foreign(found.get("Tags"), name, f"a function {name} in {region}")
        cloud.change(f"delete function {name} in {region}", "lambda", region, "delete_function", FunctionName=name)
    names = [rules.alarm_name(name, metric) for metric in rules.METRICS]
    alarms = (cloud.read("cloudwatch", region, "describe_alarms", AlarmNames=names) or {}).get("MetricAlarms", [])
    if alarms:
        there = [alarm["AlarmName"] for alarm in alarms]
        cloud.change(f"delete alarms of {name} in {region}", "cloudwatch", region, "delete_alarms", AlarmNames=there)
    group = rules.log_group(name)
    told = cloud.read("logs", region, "describe_log_groups", logGroupNamePrefix=group) or {}
    if any(one["logGroupName"] == group for one in told.get("logGroups", [])):
        cloud.change(f"delete log {group} in {region}", "logs", region, "delete_log_group", logGroupName=group)


def _hash(code: bytes) -> str:
    """As AWS tells a zip's hash."""
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


def _code_differs(found: dict[str, Any], wanted: Wanted) -> bool:
    return found.get("CodeSha256") != _hash(wanted.code) or found.get("Architectures") != [wanted.architecture]
