#!/usr/bin/python
"""Ansible module: units, files and directories that shall not be there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: taken_away
short_description: Stop units and remove files and directories, in one call
description:
  - Stops and disables units, removes their files, and then what they used; does nothing where nothing is.
  - Directories that are shared with others go only when they are empty.
options:
  units:
    description: Names of units, with C(*) for the instances of a template. Files of these names below
      /etc/systemd/system are removed.
    type: list
    elements: str
    default: []
  paths:
    description: Files, links and whole directories to remove.
    type: list
    elements: path
    default: []
  if_empty:
    description: Directories to remove when nothing else is in them, inner ones first.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    description: Says what would go and changes nothing.
    support: full
  diff_mode:
    description: Names of what goes.
    support: full
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Take the gateway away
  taken_away:
    units: [alexa-ip-cam-gateway.service]
    paths: [/etc/alexa-ip-cam/gateway.json]
    if_empty: [/etc/alexa-ip-cam]
"""

RETURN = r"""
units:
  description: Units that were stopped or disabled, or would be in check mode.
  type: list
  elements: str
  returned: success
paths:
  description: What was removed, or would be in check mode.
  type: list
  elements: str
  returned: success
"""

from collections.abc import Sequence

from ansible.module_utils.appliance import taking_away
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run as an Ansible module."""
    lists = {name: {"type": "list", "elements": kind, "default": []} for name, kind in _LISTS}
    module = AnsibleModule(argument_spec=lists, supports_check_mode=True)

    def run(argv: Sequence[str]) -> tuple[int, str]:
        status, output, errors = module.run_command(list(argv))
        return status, output + errors

    units, paths, if_empty = (module.params[name] for name, _ in _LISTS)
    try:
        wanted = taking_away.plan(units, paths, if_empty, run)
        if wanted.changed and not module.check_mode:
            taking_away.apply(wanted, run)
    except taking_away.TakingAwayError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename} cannot be removed: {error.strerror}")
    gone = [*wanted.units, *map(str, wanted.paths)]
    module.exit_json(
        changed=wanted.changed,
        units=list(wanted.units),
        paths=[str(path) for path in wanted.paths],
        diff={"before": "".join(f"{one}\n" for one in gone), "after": ""},
    )


_LISTS = (("units", "str"), ("paths", "path"), ("if_empty", "path"))


if __name__ == "__main__":
    main()
