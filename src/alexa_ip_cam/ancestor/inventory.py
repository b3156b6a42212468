"""Writes the inventory: a new folder, whole or not at all, secrets apart in a file of mode 0600."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_FROM = "# From the files of alexa-ip-cam 1.x. inventory.example tells what each line means.\n"
_VAULT = "# Secrets. Encrypt it, if you like: ansible-vault encrypt FILE; then run playbooks with --ask-vault-pass.\n"


class InventoryExistsError(Exception):
    """There is an inventory already, which is never written over."""


def write(
    folder: Path,
    *,
    address: str,
    appliance: Mapping[str, Any],
    skill: Mapping[str, Any],
    cameras: list[dict[str, Any]],
    secrets: Mapping[str, str],
) -> None:
    """Write a folder for ``ansible-playbook -i``.

    Args:
        folder: must not exist; its parent must.
        address: of the machine that becomes the appliance.
        appliance: names and the like.
        skill: settings of the skill.
        cameras: as in the inventory.
        secrets: variables of the vault.

    Raises:
        InventoryExistsError: the folder exists.
        OSError: it cannot be written.
    """
    if folder.exists() or folder.is_symlink():
        raise InventoryExistsError(f"{folder} exists, and is not written over; name another folder, or move it away")
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        host = {"ansible_host": address, "ansible_user": "root", "ansible_python_interpreter": "/usr/bin/python3"}
        group = part / "group_vars/all"
        group.mkdir(parents=True)
        _write(part / "hosts.yml", _FROM, {"appliance": {"hosts": {"cams": host}}})
        _write(group / "appliance.yml", _FROM + _SIGNING_KEY, appliance)
        _write(group / "cameras.yml", _FROM, {"cameras": cameras})
        _write(group / "skill.yml", _FROM, skill)
        _write(group / "vault.yml", _VAULT, secrets, mode=0o600)
        part.chmod(0o755)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


_SIGNING_KEY = """\
# Made at the first run, in a file of mode 0600 beside the inventory; keep it with your backups.
appliance_signing_key: >-
  {{ lookup('ansible.builtin.password', inventory_dir ~ '/signing-key.txt',
            chars=['0123456789abcdef'], length=64) }}
"""


def _write(path: Path, head: str, content: Mapping[str, Any], mode: int = 0o644) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as stream:
        stream.write(head)
        yaml.safe_dump(dict(content), stream, sort_keys=False, allow_unicode=True)
