#!/usr/bin/python
"""Ansible module: a role's directories and the files made from its templates, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mirrored_files
short_description: Have directories, and files made from templates that lie as the files do
description:
  - C(etc/motd) is made from the role's C(templates/etc/motd.j2) and becomes C(/etc/motd).
  - All of it goes to the target in one call. Ansible's own modules take two calls for each file and one for each
    directory, half a second together.
  - It makes the directories, then writes the files, then removes what is not to be there.
options:
  directories:
    description:
      - Directories that have to be there, an absolute path or a dictionary each.
    type: list
    elements: raw
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      owner:
        description: User's name.
        type: str
        default: root
      group:
        description: Group's name.
        type: str
        default: root
      mode:
        description: Octal digits.
        type: str
        default: "0755"
  files:
    description:
      - Files that have to be there, a path below the role's templates without the C(.j2), or a dictionary each.
    type: list
    elements: raw
    default: []
    suboptions:
      path:
        description: Path below the role's templates, without a slash in front and without C(.j2).
        type: str
        required: true
      owner:
        description: User's name.
        type: str
        default: root
      group:
        description: Group's name.
        type: str
        default: root
      mode:
        description: Octal digits.
        type: str
        default: "0644"
      validate:
        description: Command that refuses a wrong file by its exit status; C(%s) is the file. Not run in check mode.
        type: str
        default: ""
  absent:
    description: Absolute paths of files and directories that are not to be there.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    description: Says what would change and changes nothing. Users and groups may be missing then.
    support: full
  diff_mode:
    description: The text of each file before and after.
    support: full
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Configure
  mirrored_files:
    directories:
      - /etc/alexa-ip-cam
      - {path: /var/lib/alexa-ip-cam-alarm, group: alexa-alarm, mode: "2770"}
    files:
      - etc/alexa-ip-cam/alarm.json
      - path: etc/systemd/system/alexa-ip-cam-alarm.service
        validate: systemd-analyze verify %s:alexa-ip-cam-alarm.service
    absent:
      - /etc/systemd/system/alexa-ip-cam-old.service
"""

RETURN = r"""
paths:
  description: What was made, written, mended or removed, or would be in check mode.
  type: list
  elements: str
  returned: success
"""

import shlex
from pathlib import Path
from typing import Any

from ansible.module_utils.appliance import mirrored_files
from ansible.module_utils.basic import AnsibleModule


def _options(mode: str, **more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        "path": {"type": "path", "required": True},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "mode": {"type": "str", "default": mode},
        **more,
    }


def main() -> None:
    """Run as an Ansible module; the action plugin of the same name has put texts in the place of templates."""
    file: dict[str, dict[str, Any]] = {
        "text": {"type": "str", "required": True},
        "validate": {"type": "str", "default": ""},
    }
    module = AnsibleModule(
        argument_spec={
            "directories": {"type": "list", "elements": "dict", "default": [], "options": _options("0755")},
            "files": {"type": "list", "elements": "dict", "default": [], "options": _options("0644", **file)},
            "absent": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )

    def validate(command: str) -> str:
        status, output, errors = module.run_command(shlex.split(command))
        return "" if status == 0 else (output + errors).strip()

    wanted = [
        mirrored_files.Wanted(**{**item, "path": Path(item["path"])})
        for item in (*module.params["directories"], *module.params["files"])
    ]
    try:
        changes = mirrored_files.plan(wanted, [Path(path) for path in module.params["absent"]])
        if not module.check_mode:
            mirrored_files.apply(changes, validate)
    except (OSError, mirrored_files.MirroredFilesError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(changes),
        paths=[str(change.path) for change in changes],
        diff=[
            {
                "before": change.before,
                "after": change.after,
                "before_header": str(change.path),
                "after_header": str(change.path) if change.wanted else "(removed)",
            }
            for change in changes
        ],
    )


if __name__ == "__main__":
    main()
