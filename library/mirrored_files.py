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
  - It makes the directories, then brings the trees and the files to their state, then removes what is not to be there.
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
  trees:
    description:
      - Directories that hold these text files and nothing else, readable by all, as M(file_tree) has them.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The directory's absolute path.
        type: path
        required: true
      files:
        description: The files, relative path to text.
        type: dict
        required: true
  files:
    description:
      - Files that have to be there, a path below the role's templates without the C(.j2), or a dictionary each.
    type: list
    elements: raw
    default: []
    suboptions:
      path:
        description:
          - Path below the role's templates, without a slash in front and without C(.j2). With O(files[].text) the
            absolute path of the file.
        type: str
        required: true
      text:
        description: What is in the file, when it is not made from a template.
        type: str
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
    trees:
      - {path: /usr/local/lib/alexa-ip-cam/alarm/alexa_ip_cam, files: "{{ ['alarm'] | python_sources }}"}
    files:
      - etc/alexa-ip-cam/alarm.json
      - {path: /etc/motd, text: "Be kind.\n"}
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

from ansible.module_utils.appliance import file_tree, mirrored_files
from ansible.module_utils.basic import AnsibleModule

_TREE = {"path": {"type": "path", "required": True}, "files": {"type": "dict", "required": True}}


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
            "trees": {"type": "list", "elements": "dict", "default": [], "options": _TREE},
            "files": {"type": "list", "elements": "dict", "default": [], "options": _options("0644", **file)},
            "absent": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )

    def validate(command: str) -> str:
        status, output, errors = module.run_command(shlex.split(command))
        return "" if status == 0 else (output + errors).strip()

    params = module.params
    directories, files = (
        [mirrored_files.Wanted(**{**item, "path": Path(item["path"])}) for item in params[kind]]
        for kind in ("directories", "files")
    )
    trees = {Path(tree["path"]): tree["files"] for tree in params["trees"]}
    try:
        before = mirrored_files.plan(directories, [])
        plans = {root: file_tree.plan(root, texts) for root, texts in trees.items()}
        after = mirrored_files.plan(files, [Path(path) for path in params["absent"]])
        if not module.check_mode:
            mirrored_files.apply(before, validate)
            for root, wanted in plans.items():
                root.mkdir(mode=0o755, parents=True, exist_ok=True)
                file_tree.apply(root, trees[root], wanted)
            mirrored_files.apply(after, validate)
    except (OSError, file_tree.FileTreeError, mirrored_files.MirroredFilesError) as error:
        module.fail_json(msg=str(error))
    # Programs are not shown line by line.
    written = [f"{root / name}" for root, wanted in plans.items() for name in wanted.write]
    removed = [f"{root / name}" for root, wanted in plans.items() for name in wanted.remove]
    names = [_diff(path, after="(a program's file)\n") for path in written]
    names += [_diff(path, before="(a program's file)\n") for path in removed]
    changes = [*before, *after]
    module.exit_json(
        changed=bool(changes or names),
        paths=[*(str(change.path) for change in before), *written, *removed, *(str(change.path) for change in after)],
        diff=[*names, *(_diff(str(change.path), change.before, change.after) for change in changes)],
    )


def _diff(path: str, before: str = "", after: str = "") -> dict[str, str]:
    return {"before": before, "after": after, "before_header": path, "after_header": path}


if __name__ == "__main__":
    main()
