"""The inventory of a test home, in the form of ``inventory.example``; secrets apart, in a file of mode 0600."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

STREAMS_NAME = "cams.example.test"
CLIPS_NAME = "clips.example.test"
LWA_CLIENT_ID = "amzn1.application-oa2-client.00000000000000000000000000000001"
OWNER = "amzn1.account.OWNER"

RECORDINGS: dict[str, dict[str, Any]] = {
    "front-porch": {"type": "axis", "path": "/srv/recordings/axis-ACCC8E000001", "timezone": "Europe/Berlin"},
    "driveway": {"type": "directory", "path": "/srv/recordings/driveway", "layout": "reolink", "timezone": "UTC"},
    "back-garden": {"type": "command"},
}
"""Where the recordings of the world's cameras come from; the folders are made by whoever records."""


def recordings_of(camera_id: str) -> dict[str, Any]:
    """A camera's `recordings`, if it has any, to be merged into it."""
    return {"recordings": RECORDINGS[camera_id]} if camera_id in RECORDINGS else {}


def _write(path: Path, data: Mapping[str, Any], mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        yaml.safe_dump(dict(data), stream, sort_keys=False, allow_unicode=True)


class Inventory:
    """One directory that ansible-playbook takes with ``-i``; written again after each change."""

    def __init__(self, directory: Path, *, address: str, ssh_args: Iterable[str]) -> None:
        """Use ``directory``; ``address`` and ``ssh_args`` lead to the appliance."""
        self.directory = directory
        self.address = address
        self.ssh_args = list(ssh_args)
        self.variables: dict[str, Any] = {}
        self.secrets: dict[str, str] = {
            "vault_signing_key": secrets.token_hex(32),
            "vault_page_password": secrets.token_urlsafe(12),
        }
        self.cameras: list[dict[str, Any]] = []

    def add_camera(self, camera: Mapping[str, Any]) -> None:
        """Add a camera in the inventory's form; its password goes to the file of secrets."""
        entry = dict(camera)
        if "password" in entry:
            variable = "vault_" + entry["id"].replace("-", "_") + "_password"
            self.secrets[variable] = entry["password"]
            entry["password"] = "{{ " + variable + " }}"
        self.cameras.append(entry)

    def remove_camera(self, camera_id: str) -> None:
        """Take one camera out."""
        self.cameras = [camera for camera in self.cameras if camera["id"] != camera_id]

    def resolved(self) -> dict[str, Any]:
        """The variables that the skill is made from, secrets in their places."""
        return {
            "appliance_streams_name": STREAMS_NAME,
            "appliance_clips_name": CLIPS_NAME,
            "appliance_signing_key": self.secrets["vault_signing_key"],
            "skill_lwa_client_id": LWA_CLIENT_ID,
            "skill_owners": [OWNER],
            **{name: value for name, value in self.variables.items() if name.startswith("skill_")},
            "cameras": self.cameras,
        }

    def write(self) -> None:
        """Write all files."""
        host = {
            "ansible_host": self.address,
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": " ".join(self.ssh_args),
        }
        _write(self.directory / "hosts.yml", {"appliance": {"hosts": {"box": host}}})
        main = {
            "appliance_streams_name": STREAMS_NAME,
            "appliance_clips_name": CLIPS_NAME,
            "appliance_signing_key": "{{ vault_signing_key }}",
            **self.variables,
            "cameras": self.cameras,
        }
        _write(self.directory / "group_vars/all/main.yml", main)
        _write(self.directory / "group_vars/all/vault.yml", self.secrets, mode=0o600)
