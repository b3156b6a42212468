#!/usr/bin/python
"""Ansible module: whether a machine can become the appliance. Reads only."""

from __future__ import annotations

DOCUMENTATION = r"""
module: appliance_target
short_description: Find out whether a machine can become the appliance
description:
  - Looks at the system, the room on its disks, the ports the appliance needs and the addresses of its DNS names.
  - Says which packages there are as well, in the facts of M(ansible.builtin.package_facts), so that roles need not ask
    apt, which takes a second each time, for what is installed.
  - Changes nothing, and does not fail by itself, so that problems can be told together with others.
options:
  systems:
    description: Supported systems, from ID to a list of VERSION_ID, both as in os-release.
    type: dict
    required: true
  machines:
    description: Supported processors, as uname names them.
    type: list
    elements: str
    required: true
  python:
    description: Oldest Python that will do, as major and minor number.
    type: list
    elements: int
    required: true
  free_megabytes:
    description: Room that is needed, from directory to megabytes.
    type: dict
    required: true
  listeners:
    description: Ports the appliance listens on.
    type: list
    elements: dict
    required: true
    suboptions:
      what:
        description: Who wants to listen.
        type: str
        required: true
      listen:
        description: IP address and TCP port, with a colon between.
        type: str
        required: true
      units:
        description: Our units of systemd that may have the port already, as shell patterns.
        type: list
        elements: str
        required: true
      mend:
        description: What the owner can do when another has the port.
        type: str
        required: true
  names:
    description: DNS names that should lead here; what is odd about their addresses is told as a warning.
    type: list
    elements: str
    default: []
  patience_seconds:
    description: How long to wait for DNS.
    type: float
    default: 2.0
  controller_time:
    description: The controller's time now, ISO 8601 with its zone; left out, clocks are not compared.
    type: str
attributes:
  check_mode:
    description: Changes nothing, so it is the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Look at the machine
  appliance_target:
    systems:
      debian: ["12", "13"]
    machines: [x86_64, aarch64]
    python: [3, 11]
    free_megabytes:
      /usr: 500
    listeners:
      - what: stunnel
        listen: 0.0.0.0:443
        units: [stunnel@alexa-ip-cam.service]
        mend: stop it, or move it to another port
    names: [cams.example.com]
  register: target
"""

RETURN = r"""
problems:
  description: One sentence for each problem, with the mend. Empty when the machine will do.
  type: list
  elements: str
  returned: always
remarks:
  description: What is odd about the addresses of the names and the clock; also told as warnings.
  type: list
  elements: str
  returned: always
ansible_facts:
  description: C(packages), the versions of each installed Debian package by name.
  type: dict
  returned: always
"""

import os
import sys
import time
from datetime import datetime
from pathlib import Path

from ansible.module_utils.appliance import target_rules
from ansible.module_utils.basic import AnsibleModule

_LISTENER = {
    "what": {"type": "str", "required": True},
    "listen": {"type": "str", "required": True},
    "units": {"type": "list", "elements": "str", "required": True},
    "mend": {"type": "str", "required": True},
}


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "systems": {"type": "dict", "required": True},
            "machines": {"type": "list", "elements": "str", "required": True},
            "python": {"type": "list", "elements": "int", "required": True},
            "free_megabytes": {"type": "dict", "required": True},
            "listeners": {"type": "list", "elements": "dict", "required": True, "options": _LISTENER},
            "names": {"type": "list", "elements": "str", "default": []},
            "patience_seconds": {"type": "float", "default": 2.0},
            "controller_time": {"type": "str"},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    problems = [
        *target_rules.system_problems(target_rules.os_release(Path("/etc/os-release")), wanted["systems"]),
        *target_rules.machine_problems(os.uname().machine, wanted["machines"]),
        *target_rules.systemd_problems(Path("/run/systemd/system")),
        *target_rules.python_problems(sys.version_info[:2], wanted["python"]),
        *target_rules.disk_problems(wanted["free_megabytes"]),
    ]
    for listener in wanted["listeners"]:
        problems += target_rules.listener_problems(**listener)
    addresses = target_rules.look_up(wanted["names"], wanted["patience_seconds"])
    remarks = [remark for name, found in addresses.items() for remark in target_rules.name_remarks(name, found)]
    if wanted["controller_time"]:
        try:
            controller = datetime.fromisoformat(wanted["controller_time"]).timestamp()
        except ValueError:
            module.fail_json(msg="controller_time is no time in ISO 8601")
        remarks += target_rules.clock_remarks(time.time(), controller)
    for remark in remarks:
        module.warn(remark)
    module.exit_json(changed=False, problems=problems, remarks=remarks, ansible_facts={"packages": _packages(module)})


def _packages(module: AnsibleModule) -> dict[str, list[dict[str, str]]]:
    """Installed packages in the form of package_facts; none where there is no dpkg, which is told as a problem."""
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package} ${Version}\\n"]
    if module.get_bin_path(query[0]) is None:
        return {}
    _, listed, _ = module.run_command(query)
    found: dict[str, list[dict[str, str]]] = {}
    for line in listed.splitlines():
        status, name, version = line.split(" ")
        if status == "installed":
            found.setdefault(name, []).append({"version": version, "source": "apt"})
    return found


if __name__ == "__main__":
    main()
