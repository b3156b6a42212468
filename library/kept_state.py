#!/usr/bin/python
"""Ansible module: an archive of what cannot be made again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kept_state
short_description: Pack what of an appliance cannot be made again, or put it back
description:
  - Packs files into one archive of mode 0600 while services go on; databases are copied by SQLite's own backup.
  - Puts an archive back only where none of its files is yet, and only if it is this appliance's.
options:
  state:
    description: C(packed) writes the archive, C(checked) sees whether it can be put back, C(restored) puts it back.
    type: str
    choices: [packed, checked, restored]
    required: true
  archive:
    description: The file.
    type: path
    required: true
  places:
    description: Absolute paths that belong into it; C(*) may stand in the last part.
    type: list
    elements: str
    required: true
  site:
    description: The streams name of the appliance.
    type: str
    required: true
attributes:
  check_mode:
    description: Says what would be put back and writes nothing.
    support: full
  diff_mode:
    description: None, for the files are secret.
    support: none
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Pack the state
  kept_state:
    state: packed
    archive: /root/state.tar.gz
    places: [/var/lib/alexa-ip-cam-events]
    site: cams.example.com
"""

RETURN = r"""
files:
  description: Paths in the archive, without their leading slash.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path

from ansible.module_utils.appliance import kept_state
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["packed", "checked", "restored"], "required": True},
            "archive": {"type": "path", "required": True},
            "places": {"type": "list", "elements": "str", "required": True},
            "site": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    state = module.params["state"]
    arguments = (Path(module.params["archive"]), module.params["places"], module.params["site"])
    if module.check_mode and state == "packed":
        module.exit_json(changed=True, files=[])
    act = {"packed": kept_state.pack, "restored": kept_state.restore}.get(state, kept_state.check)
    try:
        files = kept_state.check(*arguments) if module.check_mode else act(*arguments)
    except kept_state.KeptStateError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    module.exit_json(changed=state != "checked", files=files)


if __name__ == "__main__":
    main()
