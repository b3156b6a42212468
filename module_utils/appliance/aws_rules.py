"""What shall be at AWS: names, policies, settings, and what to say when AWS refuses. Pure: contacts nothing.

Actions and condition keys as in AWS's "Service Authorization Reference".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

ALIAS = "live"
"""The published version that Alexa calls; permission and endpoint name it, so that no half-made one is ever called."""
ALEXA = "alexa-connectedhome.amazon.com"
OWNER_TAG = "alexa-ip-cam"
"""A tag whose value is the name that everything of one deployment shares."""
METRICS = ("Errors", "Throttles")

_LONGEST_USER_NAME = 64

TABLE_KEYS = {"site": "HASH", "item": "RANGE"}
TABLE_TTL = "expires"

_CREDENTIALS = (
    "put the access key of a user that may deploy into ~/.aws/credentials, or export AWS_PROFILE, or AWS_ACCESS_KEY_ID "
    "and AWS_SECRET_ACCESS_KEY"
)

_MENDS = (
    (
        ("AccessDenied", "UnauthorizedOperation", "NotAuthorized"),
        "allow {action} to the AWS user that deploys; roles/lambda/README.md lists all it needs",
    ),
    (
        ("ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient", "SignatureDoesNotMatch", "AuthFailure"),
        f"the credentials are wrong or have expired; {_CREDENTIALS}",
    ),
    (
        ("Throttl", "TooManyRequests", "RequestLimit", "Unavailable", "InternalFailure", "InternalError", "ServiceExc"),
        "run again in a few minutes, which goes on from here",
    ),
    (
        ("LimitExceeded", "StorageExceeded"),
        "a limit of your AWS account is reached; delete what you do not need, or ask AWS for more",
    ),
    (
        ("Conflict", "AlreadyExists", "InUse", "OperationAborted", "ConcurrentModification", "DeleteConflict"),
        "something else changes the same thing; run again when that is done",
    ),
)
_OTHER = "run again; if it stays so, look at it in the AWS console"


def mend(code: str, action: str) -> str:
    """What the owner can do about an error of AWS.

    Args:
        code: AWS's name for the error.
        action: what was asked, as policies name it: ``lambda:CreateFunction``.
    """
    for beginnings, text in _MENDS:
        if any(beginning in code for beginning in beginnings):
            return text.format(action=action)
    return _OTHER


def no_credentials() -> str:
    """What to do when this machine has no credentials for AWS."""
    return _CREDENTIALS


def trust_policy() -> Json:
    """Lambda may take the execution role."""
    principal = {"Service": "lambda.amazonaws.com"}
    return _document([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}])


def execution_policy(name: str, account: str, regions: Sequence[str], table_region: str, sites: Sequence[str]) -> Json:
    """What the function may do: write its own log, and read and write the items of its sites."""
    logs = [f"arn:aws:logs:{region}:{account}:log-group:{log_group(name)}:*" for region in regions]
    store = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"]
    return _document(
        [
            {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": logs},
            _own_items(store, name, account, table_region, sites),
        ]
    )


def access_policy(name: str, account: str, table_region: str, site: str, regions: Sequence[str] = ()) -> Json:
    """What an appliance may do: read and write the items of its own site, and ask the function that Alexa calls.

    Whoever calls it has to bring a linked account's token as well, but for the self-check's question.
    """
    actions = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"]
    statements = [_own_items([f"dynamodb:{one}" for one in actions], name, account, table_region, [site])]
    if regions:
        functions = [f"arn:aws:lambda:{region}:{account}:function:{name}:{ALIAS}" for region in regions]
        statements.append({"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": functions})
    return _document(statements)


def user_name(name: str, site: str) -> str:
    """The name of a site's user; a long one is shortened, and stays unique by a hash."""
    whole = f"{name}-{site}"
    if len(whole) <= _LONGEST_USER_NAME:
        return whole
    return f"{whole[: _LONGEST_USER_NAME - 9]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def log_group(name: str) -> str:
    """Where Lambda writes a function's log by itself."""
    return f"/aws/lambda/{name}"


def alarm_name(name: str, metric: str) -> str:
    """The name of a function's alarm."""
    return f"{name}-{metric.lower()}"


def alarm(name: str, metric: str, actions: Sequence[str]) -> Json:
    """An alarm that goes off with the first error or throttle, and ends after five minutes without."""
    return {
        "AlarmName": alarm_name(name, metric),
        "AlarmDescription": f"The Alexa skill's function has {metric.lower()}; its log says more",
        "Namespace": "AWS/Lambda",
        "MetricName": metric,
        "Dimensions": [{"Name": "FunctionName", "Value": name}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": list(actions),
    }


def changed_keys(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Keys of the wanted settings that are otherwise in what was found; keys that are only found do not count."""
    return [key for key, value in wanted.items() if found.get(key) != value]


def same_policy(found: object, wanted: Mapping[str, Any]) -> bool:
    """Whether a policy is the wanted one; AWS gives it as text or as an object."""
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return False
    return found == wanted


def statement_id(skill_id: str) -> str:
    """A permission's id, made from the id of the skill that it is for."""
    return f"alexa-{skill_id.replace('.', '-')}"


def alexa_statements(policy: str) -> dict[str, str]:
    """Statements of a function's policy that let Alexa call it: their ids, and the skill each is bound to."""
    found = {}
    for statement in json.loads(policy).get("Statement", []):
        principal = statement.get("Principal")
        if isinstance(principal, Mapping) and principal.get("Service") == ALEXA:
            condition = statement.get("Condition", {}).get("StringEquals", {})
            found[str(statement["Sid"])] = str(condition.get("lambda:EventSourceToken", ""))
    return found


def tag_list(name: str) -> list[dict[str, str]]:
    """The tag by which everything of a deployment is known, as most services want it."""
    return [{"Key": OWNER_TAG, "Value": name}]


def is_ours(tags: object, name: str) -> bool:
    """Whether something carries the deployment's tag; tags come as a mapping or as a list."""
    if isinstance(tags, Mapping):
        return tags.get(OWNER_TAG) == name
    found: Iterable[Any] = tags if isinstance(tags, list) else []
    return any(isinstance(tag, Mapping) and tag.get("Key") == OWNER_TAG and tag.get("Value") == name for tag in found)


def _own_items(actions: Sequence[str], name: str, account: str, region: str, sites: Sequence[str]) -> Json:
    return {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": f"arn:aws:dynamodb:{region}:{account}:table/{name}",
        "Condition": {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": list(sites)},
            # "For all of none" is true; a request without a key of its own must not pass.
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    }


def _document(statements: list[Json]) -> Json:
    return {"Version": "2012-10-17", "Statement": statements}
