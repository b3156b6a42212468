"""The store at AWS: its table, and one user for each site whose access key reaches that site's items alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.appliance import aws_rules as rules
from ansible.module_utils.appliance.aws_cloud import AwsCloud, AwsError

from alexa_ip_cam.deploy import private_file

_POLICY = "own-items"


class Wanted(NamedTuple):
    """`name` of the table, its AWS region, the sites' streams names, and where their access is kept.

    `function_regions` are those in which the sites may ask the function of the same name.
    """

    name: str
    region: str
    sites: tuple[str, ...]
    access_file: Path
    endpoint_url: str = ""
    function_regions: tuple[str, ...] = ()


def present(cloud: AwsCloud, wanted: Wanted) -> None:
    """Make what is missing; raises AwsError or private_file.PrivateFileError."""
    _table(cloud, wanted)
    account = cloud.account()
    kept = private_file.read(wanted.access_file)
    # Nobody will look there any more; the file is the only one that still knows where it was.
    for region in sorted({entry["region"] for entry in kept.values()} - {wanted.region}):
        _remove_table(cloud, wanted._replace(region=region))
    for site in wanted.sites:
        _user(cloud, wanted, site, account)
        kept = _access_key(cloud, wanted, site, kept)
    for site in sorted(set(kept) - set(wanted.sites)):
        kept = _remove_site(cloud, wanted, site, kept)


def absent(cloud: AwsCloud, wanted: Wanted) -> None:
    """Remove the sites' users, the table with all it holds, and the file; raises as `present`."""
    kept = private_file.read(wanted.access_file)
    for site in sorted({*wanted.sites, *kept}):
        kept = _remove_site(cloud, wanted, site, kept)
    _remove_table(cloud, wanted)
    if not cloud.check:
        wanted.access_file.unlink(missing_ok=True)


def _table(cloud: AwsCloud, wanted: Wanted) -> None:
    found = _described(cloud, wanted)
    if found is None:
        cloud.change(
            f"make table {wanted.name} in {wanted.region}",
            "dynamodb",
            wanted.region,
            "create_table",
            TableName=wanted.name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in rules.TABLE_KEYS.items()],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in rules.TABLE_KEYS],
            BillingMode="PAY_PER_REQUEST",
            Tags=rules.tag_list(wanted.name),
        )
    else:
        keys = {key["AttributeName"]: key["KeyType"] for key in found.get("KeySchema", [])}
        if keys != rules.TABLE_KEYS:
            raise AwsError(f"The table {wanted.name} has other keys than ours; set lambda_name to a name of its own")
    what = f"Table {wanted.name}"
    cloud.wait(lambda: (_described(cloud, wanted) or {}).get("TableStatus") == "ACTIVE", what)
    told = cloud.read("dynamodb", wanted.region, "describe_time_to_live", TableName=wanted.name) or {}
    lifetime = told.get("TimeToLiveDescription", {})
    if lifetime.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        cloud.change(
            f"let items of table {wanted.name} expire",
            "dynamodb",
            wanted.region,
            "update_time_to_live",
            TableName=wanted.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": rules.TABLE_TTL},
        )


def _remove_table(cloud: AwsCloud, wanted: Wanted) -> None:
    if _described(cloud, wanted) is not None:
        what = f"delete table {wanted.name} in {wanted.region}"
        cloud.change(what, "dynamodb", wanted.region, "delete_table", TableName=wanted.name)
        cloud.wait(lambda: _described(cloud, wanted) is None, f"The deletion of table {wanted.name}")


def _described(cloud: AwsCloud, wanted: Wanted) -> dict[str, Any] | None:
    """The table; None when there is none. Raises AwsError when it is not ours."""
    answer = cloud.read("dynamodb", wanted.region, "describe_table", TableName=wanted.name)
    if answer is None:
        return None
    table: dict[str, Any] = answer["Table"]
    tags = cloud.read("dynamodb", wanted.region, "list_tags_of_resource", ResourceArn=table["TableArn"])
    if tags is not None:
        cloud.refuse_foreign(tags.get("Tags"), wanted.name, f"a table {wanted.name} in {wanted.region}")
    return table


def _user(cloud: AwsCloud, wanted: Wanted, site: str, account: str) -> None:
    user = rules.user_name(wanted.name, site)
    found = cloud.read("iam", wanted.region, "get_user", UserName=user)
    if found is None:
        tags = rules.tag_list(wanted.name)
        cloud.change(f"make user {user}", "iam", wanted.region, "create_user", UserName=user, Tags=tags)
    else:
        tags = (cloud.read("iam", wanted.region, "list_user_tags", UserName=user) or {}).get("Tags")
        cloud.refuse_foreign(tags, wanted.name, f"a user {user}")
    policy = rules.access_policy(wanted.name, account, wanted.region, site, wanted.function_regions)
    told = cloud.read("iam", wanted.region, "get_user_policy", UserName=user, PolicyName=_POLICY)
    if told is None or not rules.same_policy(told["PolicyDocument"], policy):
        cloud.change(
            f"let user {user} reach its own items",
            "iam",
            wanted.region,
            "put_user_policy",
            UserName=user,
            PolicyName=_POLICY,
            PolicyDocument=json.dumps(policy),
        )


def _access_key(cloud: AwsCloud, wanted: Wanted, site: str, kept: dict[str, Any]) -> dict[str, Any]:
    """Have exactly one key, whose secret is kept. AWS shows it once: a key that nobody kept is of no use to anybody."""
    user = rules.user_name(wanted.name, site)
    told = cloud.read("iam", wanted.region, "list_access_keys", UserName=user) or {"AccessKeyMetadata": []}
    there = {key["AccessKeyId"]: key["Status"] for key in told["AccessKeyMetadata"]}
    entry = kept.get(site, {})
    place: dict[str, Any] = {"table": wanted.name, "region": wanted.region, "site": site}
    if wanted.function_regions:
        place["regions"] = list(wanted.function_regions)
    if wanted.endpoint_url:
        place["endpoint_url"] = wanted.endpoint_url
    own = entry.get("access_key_id")
    if there.get(own) != "Active" or not entry.get("secret_access_key"):
        own = None
    for key_id in sorted(there):
        if key_id != own:
            what = f"delete an access key of user {user} whose secret is not kept here"
            cloud.change(what, "iam", wanted.region, "delete_access_key", UserName=user, AccessKeyId=key_id)
    if own is None:
        made = cloud.change(
            f"make an access key of user {user}", "iam", wanted.region, "create_access_key", UserName=user
        )
        if made is None:
            return kept
        key = made["AccessKey"]
        entry = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
    entry = {**{name: entry[name] for name in ("access_key_id", "secret_access_key")}, **place}
    if kept.get(site) == entry:
        return kept
    if own is not None:
        cloud.actions.append(f"keep where the store of {site} is now")
    kept = {**kept, site: entry}
    if not cloud.check:
        private_file.write(wanted.access_file, kept)
    return kept


def _remove_site(cloud: AwsCloud, wanted: Wanted, site: str, kept: dict[str, Any]) -> dict[str, Any]:
    user = rules.user_name(wanted.name, site)
    if cloud.read("iam", wanted.region, "get_user", UserName=user) is not None:
        told = cloud.read("iam", wanted.region, "list_user_tags", UserName=user) or {}
        cloud.refuse_foreign(told.get("Tags"), wanted.name, f"a user {user}")
        keys = cloud.read("iam", wanted.region, "list_access_keys", UserName=user) or {"AccessKeyMetadata": []}
        for key in keys["AccessKeyMetadata"]:
            what = f"delete an access key of user {user}"
            key_id = key["AccessKeyId"]
            cloud.change(what, "iam", wanted.region, "delete_access_key", UserName=user, AccessKeyId=key_id)
        if cloud.read("iam", wanted.region, "get_user_policy", UserName=user, PolicyName=_POLICY) is not None:
            what = f"delete the policy of user {user}"
            cloud.change(what, "iam", wanted.region, "delete_user_policy", UserName=user, PolicyName=_POLICY)
        cloud.change(f"delete user {user}", "iam", wanted.region, "delete_user", UserName=user)
    kept = {name: entry for name, entry in kept.items() if name != site}
    if not cloud.check:
        private_file.write(wanted.access_file, kept)
    return kept
