#!/usr/bin/python
"""Ansible module: check a source archive, edit it and pack it anew."""

from __future__ import annotations

DOCUMENTATION = r"""
module: patched_source
short_description: Check a source archive, edit it, and pack what a build needs
description:
  - Checks the archive's hash and layout, makes edits that must fit exactly one place each, and packs the wanted
    directories below one top directory, always into the same bytes.
  - Fails before anything is written when the archive is not what was asked for.
options:
  src:
    description: The archive, a tar file in any compression Python knows.
    type: path
    required: true
  sha256:
    description: The archive's SHA-256 in hexadecimal.
    type: str
    required: true
  dest:
    description: The new archive (tar.gz).
    type: path
    required: true
  top:
    description: The top directory in the new archive.
    type: str
    required: true
  directories:
    description: What to take over, below the archive's own top directory.
    type: list
    elements: str
    required: true
  edits:
    description: The changes.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The file, below the archive's top directory.
        type: str
        required: true
      pattern:
        description: Regular expression that must match exactly once.
        type: str
        required: true
      replacement:
        description: What to put there.
        type: str
        required: true
attributes:
  check_mode:
    description: Makes every check and writes nothing.
    support: full
  diff_mode:
    description: None.
    support: none
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Prepare the source
  patched_source:
    src: /tmp/live.2026.06.24.tar.gz
    sha256: 0a1b…
    dest: /tmp/patched.tar.gz
    top: live
    directories: [liveMedia]
    edits:
      - path: liveMedia/MediaSink.cpp
        pattern: maxSize = \d+;
        replacement: maxSize = 400000;
"""

RETURN = r"""
dest:
  description: The new archive.
  type: str
  returned: success
"""

from pathlib import Path

from ansible.module_utils.appliance import source_archive
from ansible.module_utils.basic import AnsibleModule

_EDIT = {
    "path": {"type": "str", "required": True},
    "pattern": {"type": "str", "required": True},
    "replacement": {"type": "str", "required": True},
}


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "sha256": {"type": "str", "required": True},
            "dest": {"type": "path", "required": True},
            "top": {"type": "str", "required": True},
            "directories": {"type": "list", "elements": "str", "required": True},
            "edits": {"type": "list", "elements": "dict", "default": [], "options": _EDIT},
        },
        supports_check_mode=True,
    )
    params = module.params
    archive = Path(params["src"])
    dest = Path(params["dest"])
    edits = [source_archive.Edit(**edit) for edit in params["edits"]]
    try:
        source_archive.check_digest(archive, params["sha256"])
        files = source_archive.read_members(archive, params["directories"])
        data = source_archive.pack(source_archive.apply_edits(files, edits, archive), params["top"])
        changed = source_archive.write_if_new(dest, data, dry=module.check_mode)
    except source_archive.SourceError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    module.exit_json(changed=changed, dest=str(dest))


if __name__ == "__main__":
    main()
