#!/usr/bin/python
"""Ansible module: the smart home skill at Amazon."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alexa_skill
short_description: Bring the smart home skill at Amazon to the wanted state
description:
  - Runs on the controller and talks to Amazon's Skill Management API with the log-in that
    C(python -m alexa_ip_cam.login) keeps.
  - Makes the skill, gives it the permission to send events, sets account linking, keeps its messaging credentials, sets
    the functions that Alexa calls, and enables it for the owner; each only where Amazon has something else. Waits while
    Amazon builds.
  - What the owner added to the manifest in the developer console stays.
  - Finds its skill by the id in O(skill_file), or, when that was lost, by name and the marker in its testing
    instructions. A skill that was deleted is made anew.
  - No secret is ever an argument or a result; they stay in files of mode 0600.
options:
  state:
    description: Whether the skill shall be there.
    type: str
    choices: [present, absent]
    default: present
  login_file:
    description: The owner's log-in at Amazon. Renewed tokens are kept in it, in check mode too.
    type: path
    required: true
  skill_file:
    description: Where the skill's id and its messaging credentials are kept; removed together with the skill.
    type: path
    required: true
  manifest:
    description: The skill's manifest, without permissions and endpoints.
    type: dict
    required: true
  endpoints:
    description: ARN of the function for each of Alexa's regions (NA, EU, FE), the default one first. When left out,
      endpoints stay as they are, and the skill is not enabled.
    type: dict
    default: {}
  vendor_id:
    description: Which developer account to use; needed only by owners of several.
    type: str
    default: ""
  patience:
    description: Seconds to wait for Amazon to build the skill.
    type: int
    default: 300
  pause:
    description: Seconds between two looks at a build.
    type: float
    default: 2
  progress_file:
    description: A file that gets a line for each action before it is done, and while Amazon builds; empty for none.
    type: str
    default: ""
  smapi_url:
    description: The Skill Management API.
    type: str
    default: https://api.amazonalexa.com
  lwa_url:
    description: Login with Amazon.
    type: str
    default: https://api.amazon.com
  consent_url:
    description: Login with Amazon's page on which members of the family consent to account linking.
    type: str
    default: https://www.amazon.com/ap/oa
attributes:
  check_mode:
    description: Compares with what Amazon has and changes nothing there.
    support: full
  diff_mode:
    description: Lists what is done, by step.
    support: full
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Have the skill at Amazon
  alexa_skill:
    login_file: inventory/amazon-login.txt
    skill_file: inventory/skill.txt
    manifest: "{{ lookup('ansible.builtin.template', 'skill-manifest.json.j2') | from_json }}"
    endpoints:
      NA: arn:aws:lambda:us-east-1:111122223333:function:alexa-ip-cam:live
"""

RETURN = r"""
skill_id:
  description: The skill's id; empty in check mode when it would be made.
  type: str
  returned: success
vendor_id:
  description: The id of the developer account that has the skill.
  type: str
  returned: success
enabled:
  description: Whether the skill is enabled for the owner; false when no endpoints were given.
  type: bool
  returned: success
actions:
  description: What was done, or would be in check mode.
  type: list
  elements: str
  returned: always
next_steps:
  description: What the owner has to do by hand, as no API can; lines of a numbered list.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "login_file": {"type": "path", "required": True},
            "skill_file": {"type": "path", "required": True},
            "manifest": {"type": "dict", "required": True},
            "endpoints": {"type": "dict", "default": {}},
            "vendor_id": {"type": "str", "default": ""},
            "patience": {"type": "int", "default": 300},
            "pause": {"type": "float", "default": 2},
            "progress_file": {"type": "str", "default": ""},
            "smapi_url": {"type": "str", "default": "https://api.amazonalexa.com"},
            "lwa_url": {"type": "str", "default": "https://api.amazon.com"},
            "consent_url": {"type": "str", "default": "https://www.amazon.com/ap/oa"},
        },
        supports_check_mode=True,
    )
    try:
        from ansible.module_utils.appliance import amazon_session, smapi  # noqa: PLC0415 - they need the controller's

        from alexa_ip_cam.deploy.private_file import PrivateFileError  # noqa: PLC0415 - packages
    except ImportError as error:
        module.fail_json(
            msg=f"The controller lacks a Python package ({error.name}); run pip install -e . in the project"
        )
    actions: list[str] = []
    try:
        result = _run(module, actions)
    except (amazon_session.SessionError, smapi.SmapiError, PrivateFileError) as problem:
        module.fail_json(msg=str(problem), actions=actions)
    after = "".join(f"{action}\n" for action in actions)
    module.exit_json(changed=bool(actions), actions=actions, diff={"before": "", "after": after}, **result)


def _run(module: AnsibleModule, actions: list[str]) -> dict[str, Any]:
    from ansible.module_utils.appliance import amazon_session, skill_rules, skill_steps, smapi  # noqa: PLC0415 - as above

    given = module.params
    session = amazon_session.AmazonSession(Path(given["login_file"]), lwa_url=given["lwa_url"])
    pace = {"patience": given["patience"], "pause": given["pause"]}

    def tell(line: str) -> None:
        if given["progress_file"]:
            with Path(given["progress_file"]).open("a", encoding="utf-8") as notes:
                notes.write(f"{line}\n")

    client = smapi.Smapi(session, url=given["smapi_url"], tell=tell, **pace)
    steps = skill_steps.SkillSteps(client, Path(given["skill_file"]), check=module.check_mode, tell=tell)
    steps.actions = actions
    urls = {"lwa_url": given["lwa_url"], "consent_url": given["consent_url"]}
    wanted = skill_steps.wanted_skill(given, skill_rules.linking_request(*session.client, **urls))
    if given["state"] == "absent":
        steps.absent(wanted)
        return {"skill_id": "", "vendor_id": steps.vendor_id, "enabled": False, "next_steps": []}
    steps.present(wanted)
    return {
        "skill_id": steps.skill_id,
        "vendor_id": steps.vendor_id,
        "enabled": steps.enabled,
        "next_steps": skill_rules.next_steps(
            session.client.client_id, steps.vendor_id, wanted.name, is_enabled=steps.enabled
        ),
    }


if __name__ == "__main__":
    main()
