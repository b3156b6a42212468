#!/usr/bin/python
"""Ansible module: units of systemd that have to run, now and after each boot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: units_running
short_description: Have units of systemd started and enabled, in one call
description:
  - Enables and starts what is not; leaves alone what runs, whatever it runs with. Restarts are the handlers' task.
  - Has systemd read its files again only when those of a unit have changed. Ansible's own module does so each time that
    it is asked to, and takes one unit in each call.
options:
  names:
    description: Full names of the units.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    description: Says what would change and changes nothing. Units may be missing then.
    support: full
  diff_mode:
    description: None.
    support: none
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Start the timers
  units_running:
    names: [alexa-ip-cam-alarm.path, alexa-ip-cam-alarm.timer]
"""

RETURN = r"""
enabled:
  description: Units that were enabled, or would be in check mode.
  type: list
  elements: str
  returned: success
started:
  description: Units that were started, or would be in check mode.
  type: list
  elements: str
  returned: success
"""

from collections.abc import Sequence

from ansible.module_utils.appliance import units_running
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={"names": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )

    def run(command: Sequence[str]) -> tuple[int, str]:
        status, output, errors = module.run_command(list(command))
        return status, output if status == 0 else output + errors

    try:
        wanted = units_running.plan(module.params["names"], run)
        if not module.check_mode:
            units_running.apply(wanted, run)
    except units_running.UnitsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=wanted.changed,
        enabled=[*wanted.missing, *wanted.enable],
        started=[*wanted.missing, *wanted.start],
    )


if __name__ == "__main__":
    main()
