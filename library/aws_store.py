#!/usr/bin/python
"""Ansible module: the store that skill and appliances share, at AWS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_store
short_description: Bring the DynamoDB table and each site's access to it to the wanted state
description:
  - Runs on the controller, with the credentials that boto3 finds there.
  - Makes the table with its time to live, and for each site a user whose one access key can read and write the items of
    that site, ask the skill's function, and nothing else.
  - AWS shows a key's secret once. It is kept at once in O(access_file); a key whose secret is not there is replaced.
  - Touches only what carries the tag of this deployment.
options:
  state:
    description: Whether the table and the users shall be there. V(absent) deletes what the table holds.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Name of the table, and beginning of the users' names.
    type: str
    required: true
  region:
    description: AWS region of the table.
    type: str
    required: true
  sites:
    description: Streams names of the sites.
    type: list
    elements: str
    required: true
  function_regions:
    description: AWS regions in which the sites' users may also ask the skill's function, for the self-check.
    type: list
    elements: str
    default: []
  access_file:
    description: Where each site's access is kept, of mode 0600.
    type: path
    required: true
  endpoint_url:
    description: An AWS that is not Amazon's; empty for the real one.
    type: str
    default: ""
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
- name: Have the store
  aws_store:
    name: alexa-ip-cam
    region: eu-west-1
    sites: [cams.example.com]
    access_file: inventory/skill-access.txt
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode.
  type: list
  elements: str
  returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "required": True},
            "region": {"type": "str", "required": True},
            "sites": {"type": "list", "elements": "str", "required": True},
            "function_regions": {"type": "list", "elements": "str", "default": []},
            "access_file": {"type": "path", "required": True},
            "endpoint_url": {"type": "str", "default": ""},
            "pause": {"type": "float", "default": 2},
        },
        supports_check_mode=True,
    )
    try:
        from ansible.module_utils.appliance import aws_cloud, aws_store  # noqa: PLC0415 - they need the controller's

        from alexa_ip_cam.deploy.private_file import PrivateFileError  # noqa: PLC0415 - packages
    except ImportError as error:
        module.fail_json(
            msg=f"The controller lacks a Python package ({error.name}); run pip install -e . in the project"
        )
    given = module.params
    cloud = aws_cloud.AwsCloud(given["endpoint_url"], check=module.check_mode, pause=given["pause"])
    wanted = aws_store.Wanted(
        given["name"],
        given["region"],
        tuple(given["sites"]),
        Path(given["access_file"]),
        given["endpoint_url"],
        tuple(given["function_regions"]),
    )
    try:
        (aws_store.present if given["state"] == "present" else aws_store.absent)(cloud, wanted)
    except (aws_cloud.AwsError, PrivateFileError) as problem:
        module.fail_json(msg=str(problem), actions=cloud.actions)
    after = "".join(f"{action}\n" for action in cloud.actions)
    module.exit_json(changed=bool(cloud.actions), actions=cloud.actions, diff={"before": "", "after": after})


if __name__ == "__main__":
    main()
