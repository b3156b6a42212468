#!/usr/bin/python
"""Ansible module: the skill's function at AWS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_function
short_description: Bring the skill's Lambda function to the wanted state
description:
  - Runs on the controller, with the credentials that boto3 finds there.
  - Builds the zip from the homes' settings, byte for byte the same each time, and updates code and configuration where
    AWS has something else. A new version is published and then put behind the alias that Alexa calls, so that no
    half-made function ever answers.
  - Makes the execution role, the log with its retention, the permission for Alexa, which is bound to the skill, and
    alarms for errors and throttles.
  - Touches only what carries the tag of this deployment.
options:
  state:
    description: V(present) makes it in O(regions); V(pruned) removes it from all other regions of Alexa; V(absent)
      removes it everywhere, with its role and its logs.
    type: str
    choices: [present, pruned, absent]
    default: present
  name:
    description: Name of the function, its role, and the table of the store.
    type: str
    required: true
  regions:
    description: Alexa's regions that call the function.
    type: list
    elements: str
    choices: [NA, EU, FE]
    default: []
  table_region:
    description: AWS region of the store's table.
    type: str
  login_file:
    description: The owner's log-in at Amazon. Tokens must be for its security profile, and its user owns every home
      that names no owners.
    type: path
  skill_file:
    description: Where the skill's id and its messaging credentials are kept.
    type: path
  homes:
    description: The variables of each home that the skill's settings are made from, without keys and passwords.
    type: list
    elements: dict
    default: []
  signing_keys:
    description: Root key of each home's signed URLs, by its streams name. Only derived keys get into the zip.
    type: dict
    default: {}
  architecture:
    description: Processor that the function runs on.
    type: str
    choices: [arm64, x86_64]
    default: arm64
  runtime:
    description: Lambda's name for the Python version.
    type: str
    default: python3.13
  memory:
    description: Memory in megabytes; the share of the processor goes with it.
    type: int
    default: 512
  timeout:
    description: Seconds after which AWS stops an answer.
    type: int
    default: 6
  retention_days:
    description: Days that the log is kept.
    type: int
    default: 30
  alarm_actions:
    description: ARNs, as of SNS topics, that are told of an alarm; each counts in its own region.
    type: list
    elements: str
    default: []
  settle_seconds:
    description: Seconds that a new permission takes to be known everywhere.
    type: float
    default: 5
  endpoint_url:
    description: An AWS that is not Amazon's; empty for the real one.
    type: str
    default: ""
  lwa_url:
    description: Login with Amazon.
    type: str
    default: https://api.amazon.com
  pause:
    description: Seconds between two looks at something that takes time.
    type: float
    default: 2
attributes:
  check_mode:
    description: Compares with what AWS has and changes nothing.
    support: full
  diff_mode:
    description: Lists what is done, step by step.
    support: full
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Have the function
  aws_function:
    name: alexa-ip-cam
    regions: [EU]
    table_region: eu-west-1
    login_file: inventory/amazon-login.txt
    skill_file: inventory/skill.txt
    homes:
      - appliance_streams_name: cams.example.com
        appliance_clips_name: clips.example.com
        cameras: []
    signing_keys:
      cams.example.com: "{{ appliance_signing_key }}"
"""

RETURN = r"""
endpoints:
  description: ARN for Alexa to call, by its region.
  type: dict
  returned: when O(state=present)
code_sha256:
  description: Hash of the zip, as AWS tells it.
  type: str
  returned: when O(state=present)
actions:
  description: What was done, or would be in check mode.
  type: list
  elements: str
  returned: always
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DESCRIPTION = "Answers Alexa about the cameras at home"


def main() -> None:
    """Run as an Ansible module."""
    present = ["table_region", "login_file", "skill_file", "regions", "homes", "signing_keys"]
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "pruned", "absent"], "default": "present"},
            "name": {"type": "str", "required": True},
            "regions": {"type": "list", "elements": "str", "choices": ["NA", "EU", "FE"], "default": []},
            "table_region": {"type": "str"},
            "login_file": {"type": "path"},
            "skill_file": {"type": "path"},
            "homes": {"type": "list", "elements": "dict", "default": []},
            "signing_keys": {"type": "dict", "default": {}, "no_log": True},
            "architecture": {"type": "str", "choices": ["arm64", "x86_64"], "default": "arm64"},
            "runtime": {"type": "str", "default": "python3.13"},
            "memory": {"type": "int", "default": 512},
            "timeout": {"type": "int", "default": 6},
            "retention_days": {"type": "int", "default": 30},
            "alarm_actions": {"type": "list", "elements": "str", "default": []},
            "settle_seconds": {"type": "float", "default": 5},
            "endpoint_url": {"type": "str", "default": ""},
            "lwa_url": {"type": "str", "default": "https://api.amazon.com"},
            "pause": {"type": "float", "default": 2},
        },
        required_if=[("state", "present", present), ("state", "pruned", ["regions"])],
        supports_check_mode=True,
    )
    try:
        from ansible.module_utils.appliance import aws_cloud, aws_function  # noqa: PLC0415 - they need the controller's

        from alexa_ip_cam.deploy.private_file import PrivateFileError  # noqa: PLC0415 - packages
        from alexa_ip_cam.skill.settings import SettingsError  # noqa: PLC0415
    except ImportError as error:
        module.fail_json(
            msg=f"The controller lacks a Python package ({error.name}); run pip install -e . in the project"
        )
    given = module.params
    cloud = aws_cloud.AwsCloud(given["endpoint_url"], check=module.check_mode, pause=given["pause"])
    result: dict[str, Any] = {}
    try:
        if given["state"] == "present":
            wanted = _wanted(module)
            result["endpoints"] = aws_function.present(cloud, wanted)
            result["code_sha256"] = base64.b64encode(hashlib.sha256(wanted.code).digest()).decode()
        elif given["state"] == "pruned":
            aws_function.prune(cloud, given["name"], given["regions"])
        else:
            aws_function.absent(cloud, given["name"])
    except SettingsError as problem:
        module.fail_json(msg=f"The skill cannot be made from this inventory: {problem}", actions=cloud.actions)
    except (aws_cloud.AwsError, PrivateFileError) as problem:
        module.fail_json(msg=str(problem), actions=cloud.actions)
    after = "".join(f"{action}\n" for action in cloud.actions)
    module.exit_json(changed=bool(cloud.actions), actions=cloud.actions, diff={"before": "", "after": after}, **result)


def _wanted(module: AnsibleModule) -> Any:
    from ansible.module_utils.appliance import aws_function  # noqa: PLC0415 - as above

    from alexa_ip_cam.deploy import private_file, skill_zip  # noqa: PLC0415 - as above

    given = module.params
    kept = private_file.read(Path(given["skill_file"]))
    homes = skill_zip.whole_homes(given["homes"], given["signing_keys"], private_file.read(Path(given["login_file"])))
    settings = skill_zip.settings(
        homes,
        table=given["name"],
        region=given["table_region"],
        messaging=kept.get("messaging"),
        lwa_url=given["lwa_url"],
        store_url=given["endpoint_url"],
    )
    return aws_function.Wanted(
        name=given["name"],
        regions=tuple(given["regions"]),
        table_region=given["table_region"],
        sites=tuple(home["appliance_streams_name"] for home in homes),
        skill_id=str(kept.get("skill_id", "")),
        code=skill_zip.content(settings, Path(module.tmpdir)),
        configuration={
            "Runtime": given["runtime"],
            "Handler": skill_zip.HANDLER,
            "Timeout": given["timeout"],
            "MemorySize": given["memory"],
            "Description": DESCRIPTION,
        },
        architecture=given["architecture"],
        retention_days=given["retention_days"],
        alarm_actions=tuple(given["alarm_actions"]),
        settle_seconds=given["settle_seconds"],
    )


if __name__ == "__main__":
    main()
