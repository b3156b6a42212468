#!/usr/bin/python
"""Ansible module: a directory of small text files, exactly as given."""

from __future__ import annotations

DOCUMENTATION = r"""
module: file_tree
short_description: Bring a directory of small text files to exactly the wanted state
description:
  - Writes files that are missing or differ and removes files that are not wanted, in one call.
  - Copying a Python package file by file takes a second for every three files; this takes one call for all.
options:
  dest:
    description: The directory; made when it is missing, with mode 0755.
    type: path
    required: true
  files:
    description: The wanted files, relative path to text.
    type: dict
    required: true
attributes:
  check_mode:
    description: Says what would change and writes nothing.
    support: full
  diff_mode:
    description: Names of files written and removed.
    support: full
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Install a package
  file_tree:
    dest: /usr/local/lib/alexa-ip-cam/python/alexa_ip_cam
    files:
      __init__.py: ""
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

from ansible.module_utils.appliance import file_tree
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "dest": {"type": "path", "required": True},
            "files": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    root = Path(module.params["dest"])
    files = module.params["files"]
    try:
        wanted = file_tree.plan(root, files)
        if wanted.changed and not module.check_mode:
            root.mkdir(mode=0o755, parents=True, exist_ok=True)
            file_tree.apply(root, files, wanted)
    except (OSError, file_tree.FileTreeError) as error:
        module.fail_json(msg=f"{root}: {error}")
    names = "".join(f"{name}\n" for name in wanted.write)
    gone = "".join(f"{name}\n" for name in wanted.remove)
    # The arguments carry every file's text: leave them out of the result.
    module.exit_json(
        changed=wanted.changed,
        written=list(wanted.write),
        removed=list(wanted.remove),
        diff={
            "before": gone,
            "after": names,
            "before_header": f"{root} (removed)",
            "after_header": f"{root} (written)",
        },
    )


if __name__ == "__main__":
    main()
