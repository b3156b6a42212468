"""The example inventory: an owner who only replaces values gets through preflight, and one who forgot some is told."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

SHOW = {
    "name": "Show the result",
    "ansible.builtin.debug": {
        "msg": "RESULT {{ __preflight_inventory | combine({'key_hash': appliance_signing_key | hash('sha256')})"
        " | to_json | b64encode }} END"
    },
}


def first_play() -> dict[str, Any]:
    """The play that checks everything, without the part that looks at the machine."""
    play: dict[str, Any] = yaml.safe_load((ROOT / "playbooks/appliance.yml").read_text())[0]
    preflight, *others = play["tasks"]
    preflight["ansible.builtin.import_role"]["tasks_from"] = "inventory"
    play["tasks"] = [
        preflight,
        SHOW,
        {"meta": "end_play", "when": "__preflight_inventory.problems | length > 0"},
        *others,
    ]
    return play


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """What an owner has after ``cp -r inventory.example inventory``."""
    return Path(shutil.copytree(ROOT / "inventory.example", tmp_path / "inventory"))


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    }


def check(inventory: Path, *arguments: str) -> dict[str, Any]:
    """Run preflight's check of the inventory; gives the module's result, the key's hash and what was printed."""
    play = inventory.parent / "play.yml"
    play.write_text(yaml.safe_dump([first_play()]))
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", inventory, play, *arguments],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (encoded,) = re.findall(r"RESULT (\S+) END", done.stdout)
    result: dict[str, Any] = json.loads(base64.b64decode(encoded))
    return {**result, "output": done.stdout}


def fill_in(inventory: Path) -> None:
    """Give each secret that the example leaves blank a value."""
    path = inventory / "group_vars/all/vault.yml"
    blanks = yaml.safe_load(path.read_text())
    assert set(blanks.values()) == {""}
    path.write_text(yaml.safe_dump(dict.fromkeys(blanks, "hunter2")))


def test_filled_in_it_passes_and_its_key_is_made_once(inventory: Path) -> None:
    fill_in(inventory)
    first = check(inventory, "--check")
    assert first["problems"] == []
    assert first["names"] == ["cams.example.com", "clips.example.com"]
    assert len(first["camera_listeners"]) == len(
        yaml.safe_load((inventory / "group_vars/all/cameras.yml").read_text())["cameras"]
    )
    assert "hunter2" not in first["output"]

    key_file = inventory / "signing-key.txt"
    key = key_file.read_text().strip()
    assert hashlib.sha256(key.encode()).hexdigest() == first["key_hash"]
    assert key not in first["output"]
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert check(inventory)["key_hash"] == first["key_hash"]


def test_as_it_is_it_names_what_is_left_to_fill_in(inventory: Path) -> None:
    assert [problem.split(";")[0] for problem in check(inventory)["problems"]] == [
        "camera front-porch: password is empty",
        "camera back-yard: password is empty",
    ]


def test_secrets_that_are_missing_are_named_with_what_needs_them(inventory: Path) -> None:
    (inventory / "group_vars/all/vault.yml").write_text("vault_back_yard_password: hunter2\n")
    camera, dns = check(inventory)["problems"]
    assert camera.startswith(
        "camera front-porch: password takes its value from the variable vault_front_porch_password"
    )
    assert dns.startswith("certbot_dns_credentials takes its value from the variable vault_dns_api_token")


def test_an_encrypted_secret_without_the_vault_password_is_told(inventory: Path, tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("x")
    encrypted = subprocess.run(
        [BIN / "ansible-vault", "encrypt_string", "--vault-password-file", tmp_path / "pass", "hunter2"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    fill_in(inventory)
    path = inventory / "group_vars/all/vault.yml"
    path.write_text(path.read_text().replace("vault_front_porch_password: hunter2\n", ""))
    with path.open("a") as vault:
        vault.write(f"vault_front_porch_password: {encrypted}\n")
    (problem,) = check(inventory)["problems"]
    assert problem.startswith("camera front-porch: password cannot be worked out: it is encrypted")
    assert check(inventory, "--vault-password-file", str(tmp_path / "pass"))["problems"] == []


def test_the_key_file_is_not_taken_for_hosts(inventory: Path) -> None:
    (inventory / "signing-key.txt").write_text("0" * 64 + "\n")
    listed = subprocess.run(
        [BIN / "ansible-inventory", "-i", inventory, "--list"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stderr == ""
    groups = json.loads(listed.stdout)
    assert groups["appliance"]["hosts"] == ["cams"]
    assert list(groups["_meta"]["hostvars"]) == ["cams"]


def test_every_value_has_a_comment_above_it() -> None:
    """Each value an owner decides says, in the lines before it, what changing it later does."""
    lines = (ROOT / "inventory.example/group_vars/all/appliance.yml").read_text().splitlines()
    bare = []
    commented = False
    for line in lines:
        if line.startswith("#"):
            commented = True
        elif line and not line.startswith(" "):
            bare += [] if commented or line.startswith("certbot_dns_credentials") else [line]
            commented = False
    assert bare == []
