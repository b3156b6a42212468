#!/usr/bin/python
"""Ansible module: a directory of small secret files, exactly as given."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_files
short_description: Bring a directory of small secret files to exactly the wanted state
description:
  - Writes files that are missing or differ and removes those of the same suffix that are not wanted, in one call.
  - Files have mode 0600, the directory has 0700 when it is made.
options:
  directory:
    description: The directory; its parent must exist.
    type: path
    required: true
  files:
    description: The wanted files, name to text.
    type: dict
    required: true
  suffix:
    description: What all names end in; files with other names are left alone.
    type: str
    required: true
attributes:
  check_mode:
    description: Says what would change and writes nothing.
    support: full
  diff_mode:
    description: None, for the texts are secret.
    support: none
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Write the cameras' credentials
  secret_files:
    directory: /etc/alexa-ip-cam/live555
    suffix: .conf
    files:
      front-porch.conf: "password=…\n"
"""

RETURN = r"""
written:
  description: Files that were written, or would be in check mode.
  type: list
  elements: str
  returned: success
removed:
  description: Files that were removed, or would be in check mode.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path

from ansible.module_utils.appliance import secret_files
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "files": {"type": "dict", "required": True, "no_log": True},
            "suffix": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    directory = Path(module.params["directory"])
    files = module.params["files"]
    try:
        wanted = secret_files.plan(directory, files, module.params["suffix"])
        if wanted.changed and not module.check_mode:
            secret_files.apply(directory, files, wanted)
    except ValueError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    module.exit_json(changed=wanted.changed, written=wanted.write, removed=wanted.remove)


if __name__ == "__main__":
    main()
