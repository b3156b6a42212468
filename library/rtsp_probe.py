#!/usr/bin/python
"""Ansible module: look at cameras as they are, and say what an Echo makes of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rtsp_probe
short_description: Audit cameras over RTSP
description:
  - Connects to every camera at the same time, watches until two keyframes have come, and judges what it saw.
  - Changes nothing at the cameras. Findings are told as warnings when a picture fails on an Echo; the module itself
    does not fail because of a camera.
  - With C(memory), cameras whose picture was fit for an Echo when they were last looked at, and whose settings are the
    same since, are left out.
options:
  cameras:
    description: The cameras.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Name in the findings.
        type: str
        required: true
      url:
        description: RTSP address without user and password.
        type: str
        required: true
      username:
        description: The user, or empty.
        type: str
        default: ""
      password:
        description: The password, or empty.
        type: str
        default: ""
      manufacturer:
        description: Whose menu names the mends use.
        type: str
        default: ""
      width:
        description: Width of the picture that the inventory says.
        type: int
        required: true
      height:
        description: Height of the picture that the inventory says.
        type: int
        required: true
      audio:
        description: Sound that the inventory says.
        type: str
        default: none
      transport:
        description: Transport that the inventory says.
        type: str
        default: tcp
  nal_bytes_most:
    description: What LIVE555 passes in one piece.
    type: int
    default: 400000
  seconds:
    description: Longest look at one camera, in seconds.
    type: float
    default: 10
  memory:
    description:
      - File that keeps marks of the cameras that were fit. It is not written in check mode.
      - Marks are keyed hashes; no password can be read from them.
    type: path
  everything:
    description: Look at cameras that were fit, too, and tell all that is good one by one.
    type: bool
    default: false
attributes:
  check_mode:
    description: Looks at the cameras all the same, and keeps no marks.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Look at the cameras
  rtsp_probe:
    cameras:
      - id: front-porch
        url: rtsp://192.168.1.20/axis-media/media.amp
        username: viewer
        password: "{{ vault_front_porch_password }}"
        manufacturer: Axis
        width: 1280
        height: 720
        audio: none
  register: audit
"""

RETURN = r"""
cameras:
  description: By camera that was looked at, its findings in order and what was observed.
  type: dict
  returned: success
  sample:
    front-porch:
      findings: [{level: good, key: codec, text: H.264, mend: ""}]
      observed: {codec: H264, profile: Main}
lines:
  description: The same as a table, one line for each finding.
  type: list
  elements: str
  returned: success
failing:
  description: Ids of cameras with a finding that fails.
  type: list
  elements: str
  returned: success
"""

import concurrent.futures
import dataclasses
from pathlib import Path
from typing import Any

from ansible.module_utils.appliance import audit_memory
from ansible.module_utils.appliance.camera_audit import Finding, judge, probe, table
from ansible.module_utils.basic import AnsibleModule

_CAMERA = {
    "id": {"type": "str", "required": True},
    "url": {"type": "str", "required": True},
    "username": {"type": "str", "default": ""},
    "password": {"type": "str", "default": "", "no_log": True},
    "manufacturer": {"type": "str", "default": ""},
    "width": {"type": "int", "required": True},
    "height": {"type": "int", "required": True},
    "audio": {"type": "str", "default": "none"},
    "transport": {"type": "str", "default": "tcp"},
}
_MOST_AT_ONCE = 32


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "cameras": {"type": "list", "elements": "dict", "required": True, "options": _CAMERA},
            "nal_bytes_most": {"type": "int", "default": 400_000},
            "seconds": {"type": "float", "default": 10.0},
            "memory": {"type": "path"},
            "everything": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    memory = audit_memory.Memory(Path(wanted["memory"]) if wanted["memory"] else None)
    settings = {camera["id"]: [camera, wanted["nal_bytes_most"]] for camera in wanted["cameras"]}
    fit = [] if wanted["everything"] else [name for name in settings if memory.has(name, settings[name])]
    due = [camera for camera in wanted["cameras"] if camera["id"] not in fit]

    def look(camera: dict[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
        seen = probe(
            camera["url"],
            camera["username"],
            camera["password"],
            seconds=wanted["seconds"],
            transport=camera["transport"],
        )
        return judge(seen, camera, nal_bytes_most=wanted["nal_bytes_most"]), dataclasses.asdict(seen)

    with concurrent.futures.ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        seen = {camera["id"]: found for camera, found in zip(due, pool.map(look, due), strict=True)}
    findings = {camera: found for camera, (found, _) in seen.items()}
    failing = [camera for camera, found in findings.items() if any(one.level == "fails" for one in found)]
    for camera in failing:
        for one in findings[camera]:
            if one.level == "fails":
                module.warn(f"camera {camera} will not show on an Echo ({one.key}): {one.text}; {one.mend}")
    if not module.check_mode:
        try:
            memory.keep(settings, due=list(findings), failing=failing)
        except OSError as error:
            module.fail_json(msg=f"{wanted['memory']}: {error.strerror}")
    cameras = {
        camera: {"findings": [dataclasses.asdict(one) for one in found], "observed": observed}
        for camera, (found, observed) in seen.items()
    }
    module.exit_json(
        changed=False, cameras=cameras, lines=table.lines(findings, whole=wanted["everything"]), failing=failing
    )


if __name__ == "__main__":
    main()
