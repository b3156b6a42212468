#!/usr/bin/python
"""Ansible module: instances of one systemd template unit, exactly as wanted."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unit_instances
short_description: Run exactly the wanted instances of a systemd template unit
description:
  - Stops and disables instances that are not wanted, enables and starts those that are, and restarts those that run
    an older program, configuration or unit file than there is now. Leaves all others alone.
  - Then waits until each instance it started is active and listens on its port of 127.0.0.1.
options:
  prefix:
    description: The unit's name up to and including the @.
    type: str
    required: true
  instances:
    description: The wanted instances, name to TCP port.
    type: dict
    required: true
  program:
    description: The executable that the unit starts.
    type: path
    required: true
  configurations:
    description: Directory that has a file C(<instance>.conf) for each instance.
    type: path
    required: true
  credential:
    description: Name of the credential that C(LoadCredential=) makes of that file.
    type: str
    required: true
attributes:
  check_mode:
    description: Says what would change and changes nothing.
    support: full
  diff_mode:
    description: None.
    support: none
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Run one instance per camera
  unit_instances:
    prefix: live555@
    instances:
      front-porch: 21234
    program: /usr/local/lib/alexa-ip-cam/live555-proxy
    configurations: /etc/alexa-ip-cam/live555
    credential: camera.conf
"""

RETURN = r"""
stopped:
  description: Instances that were stopped and disabled.
  type: list
  elements: str
  returned: success
started:
  description: Instances that were started or restarted.
  type: list
  elements: str
  returned: success
"""

from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.appliance import unit_instances
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "prefix": {"type": "str", "required": True},
            "instances": {"type": "dict", "required": True},
            "program": {"type": "path", "required": True},
            "configurations": {"type": "path", "required": True},
            "credential": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )

    def run(command: Sequence[str]) -> tuple[int, str]:
        status, output, errors = module.run_command(list(command))
        return status, output if status == 0 else output + errors

    params = module.params
    template = unit_instances.Template(
        params["prefix"], params["program"], Path(params["configurations"]), params["credential"]
    )
    ports = {name: int(port) for name, port in params["instances"].items()}
    wanted = unit_instances.plan(template, ports, run)
    try:
        if not module.check_mode:
            unit_instances.apply(template, wanted, run)
            unit_instances.prove(template, {name: ports[name] for name in wanted.restart}, run)
    except unit_instances.InstanceError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=wanted.changed, stopped=wanted.stop, started=wanted.restart)


if __name__ == "__main__":
    main()
