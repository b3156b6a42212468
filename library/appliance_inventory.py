#!/usr/bin/python
"""Documentation of the action plugin of the same name; it runs inside Ansible, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: appliance_inventory
short_description: Find every problem of the inventory in one go
description:
  - Reads the owner's variables and says what is wrong with them and how to mend it. Contacts nothing, changes nothing.
  - Takes the names of variables, not their values, and works each value out by itself. So a password variable that is
    missing is one problem of one camera and hides no other, and no secret is ever an argument or a result.
  - Does not fail by itself, so that problems of the target can be told together with these.
options:
  cameras:
    description: Name of the variable with the list of cameras.
    type: str
    required: true
  streams_name:
    description: Name of the variable with the DNS name of the live streams.
    type: str
    required: true
  clips_name:
    description: Name of the variable with the DNS name of the recordings.
    type: str
    required: true
  signing_key:
    description: Name of the variable with the root key of signed URLs.
    type: str
    required: true
  signing_key_previous:
    description: Name of the variable with the key before, or an empty text.
    type: str
    required: true
  roles:
    description: Directories of the roles whose variables are checked against their argument specifications.
    type: list
    elements: path
    default: []
  listeners:
    description: The appliance's other services, from their names to the addresses and ports they listen on.
    type: dict
    default: {}
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
- name: Check the inventory
  appliance_inventory:
    cameras: preflight_cameras
    streams_name: preflight_streams_name
    clips_name: preflight_clips_name
    signing_key: preflight_signing_key
    signing_key_previous: preflight_signing_key_previous
  register: inventory
"""

RETURN = r"""
problems:
  description: One sentence for each problem, with the mend. Empty when the inventory is right.
  type: list
  elements: str
  returned: always
names:
  description: The two DNS names, when both are right.
  type: list
  elements: str
  returned: always
camera_listeners:
  description: Where LIVE555 listens, from V(camera <id>) to address and port, for each camera where both are right.
  type: dict
  returned: always
"""
