"""The real playbooks, from nothing to an enabled skill and back, against AWS and Amazon in real server processes.

One owner's story, told in order: each test goes on where the one before left off.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.deploy import private_file
from alexa_ip_cam.signing import derive_key
from home import playbook
from home.cloud import NAME, PROFILE, Cloud
from home.inventory import STREAMS_NAME, Inventory

SKILL, REMOVE = "playbooks/skill.yml", "playbooks/remove-skill.yml"


class Story:
    """The owner's inventory, their accounts, and all that Ansible ever printed."""

    def __init__(self, cloud: Cloud, inventory: Inventory) -> None:
        self.cloud, self.inventory = cloud, inventory
        self.output = ""

    def run(self, *arguments: str, book: str = SKILL) -> playbook.Recap:
        self.inventory.write()
        only = ("--tags", "lambda") if book == SKILL else ()  # there is no appliance to hand the access key to
        try:
            recap = playbook.run(
                self.inventory.directory, *only, *arguments, playbook=book, environment=self.cloud.environment
            )
        except playbook.PlaybookError as error:
            self.output += error.recap.output
            raise
        self.output += recap.output
        return recap

    def secrets(self) -> set[str]:
        """Everything that nobody may ever see."""
        root = self.inventory.secrets["vault_signing_key"]
        found = {PROFILE.client_secret, "hush-hush", root}
        found |= {derive_key(root, purpose).hex()[:40] for purpose in ("streams", "clips", "snapshots", "media")}
        login = private_file.read(self.inventory.directory / private_file.LOGIN)
        found |= {login[name] for name in ("refresh_token", "access_token") if name in login}
        found |= {skill.client[1] for skill in self.cloud.smapi.skills.values()}
        access = private_file.read(self.inventory.directory / private_file.ACCESS)
        return found | {entry["secret_access_key"] for entry in access.values()}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    directory = tmp_path_factory.mktemp("owner") / "inventory"
    inventory = Inventory(directory, address="192.0.2.1", ssh_args=[])  # nobody is there, and nobody is asked
    for camera_id, name in (("front-porch", "Front Porch"), ("den", "The Den")):
        plain = {"manufacturer": "Axis", "model": "P3245-V", "width": 1280, "height": 720, "audio": "none"}
        address = {"url": "rtsp://192.0.2.20/media", "username": "viewer", "password": "hush-hush"}
        inventory.add_camera({"id": camera_id, "name": name, **plain, **address})
    with Cloud(directory) as cloud:
        inventory.variables.update(cloud.inventory_variables())
        yield Story(cloud, inventory)


def made(cloud: Cloud) -> list[str]:
    """What there is at AWS and at Amazon, by kind."""
    client = cloud.aws.client
    found = {
        "skill": cloud.smapi.skills,
        "function": client("lambda").list_functions()["Functions"],
        "log": client("logs").describe_log_groups()["logGroups"],
        "alarm": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "table": client("dynamodb").list_tables()["TableNames"],
        "role": client("iam").list_roles()["Roles"],
        "user": client("iam").list_users()["Users"],
    }
    return [kind for kind, things in found.items() if things]


EVERYTHING = ["skill", "function", "log", "alarm", "table", "role", "user"]


def test_without_a_log_in_one_message_says_how_to_get_one(story: Story) -> None:
    with pytest.raises(playbook.PlaybookError) as caught:
        story.run()
    output = caught.value.recap.output
    assert f"python -m alexa_ip_cam.login {story.inventory.directory}" in " ".join(output.split())
    assert output.count("fatal:") == 1
    assert made(story.cloud) == []


def test_check_mode_on_nothing_is_clean_and_changes_nothing(story: Story) -> None:
    story.cloud.log_in()
    before = sorted(path.name for path in story.inventory.directory.iterdir())
    recap = story.run("--check", "--diff", "-vvv")
    assert recap.failed == 0
    assert recap.changed > 0
    assert made(story.cloud) == []
    assert sorted(path.name for path in story.inventory.directory.iterdir()) == before


def descendants(pid: int) -> list[int]:
    """A process and all it started, deepest last."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = [pid]
    for parent in found:
        found += [child for child, of in pairs if of == parent]
    return found


def run_until(story: Story, is_there: Callable[[], Any]) -> None:
    """Start the playbook, and kill it with all its processes once something is there."""
    story.inventory.write()
    with subprocess.Popen(
        [
            Path(sys.executable).with_name("ansible-playbook"),
            "-i",
            story.inventory.directory,
            SKILL,
            "--tags",
            "lambda",
        ],
        cwd=playbook.ROOT,
        env={**os.environ, **story.cloud.environment, "ANSIBLE_CONFIG": str(playbook.ROOT / "ansible.cfg")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        end = time.monotonic() + 60
        while process.poll() is None and not is_there():
            assert time.monotonic() < end
            time.sleep(0.02)
        assert process.poll() is None, "it ended before it could be killed"
        family = descendants(process.pid)
        for pid in family:
            os.kill(pid, signal.SIGKILL)


def test_a_run_that_is_killed_on_its_way_is_gone_on_with(story: Story) -> None:
    smapi, aws = story.cloud.smapi, story.cloud.aws
    smapi.build_seconds = 1.0  # so that the run dies while Amazon builds
    run_until(story, lambda: smapi.skills)
    functions = aws.client("lambda")
    run_until(story, lambda: functions.list_functions()["Functions"])
    smapi.build_seconds = 0.1
    recap = story.run("--diff", "-vvv")
    assert recap.failed == 0
    assert len(smapi.skills) == 1
    assert made(story.cloud) == EVERYTHING
    assert story.cloud.skill().enabled


def test_removing_removes_everything(story: Story) -> None:
    assert story.run("--diff", "-vvv", book=REMOVE).changed > 0
    assert made(story.cloud) == []
    assert not (story.inventory.directory / private_file.SKILL).exists()
    assert not (story.inventory.directory / private_file.ACCESS).exists()
    assert (story.inventory.directory / private_file.LOGIN).exists()


def test_from_nothing_to_an_enabled_skill_in_one_run(story: Story) -> None:
    recap = story.run("--diff", "-vvv")
    assert recap.failed == 0
    assert made(story.cloud) == EVERYTHING
    assert story.cloud.skill().enabled
    assert "\n    make the skill\n" in recap.output  # told while it goes on
    (vendor,) = story.cloud.smapi.vendors
    assert recap.output.count(f"https://layla.amazon.com/api/skill/link/{vendor}") >= 1
    entry = private_file.read(story.inventory.directory / private_file.ACCESS)[STREAMS_NAME]
    assert (entry["table"], entry["region"], entry["site"]) == (NAME, "eu-west-1", STREAMS_NAME)


def test_the_second_run_changes_nothing(story: Story) -> None:
    asked = len(story.cloud.smapi.changes)
    assert story.run().changed == 0
    assert len(story.cloud.smapi.changes) == asked


def test_another_name_of_a_camera_updates_only_the_code(story: Story) -> None:
    before, asked = story.cloud.code_hash(), len(story.cloud.smapi.changes)
    story.inventory.cameras[1]["name"] = "The Study"
    recap = story.run("--diff")
    assert recap.changed == 1
    assert "update the code of function" in recap.output
    assert story.cloud.code_hash() != before
    assert len(story.cloud.smapi.changes) == asked


def test_a_skill_deleted_behind_our_back_is_made_again(story: Story) -> None:
    gone = story.cloud.skill().skill_id
    story.cloud.smapi.skills.clear()
    assert story.run("--diff", "-vvv").failed == 0
    assert story.cloud.skill().skill_id != gone
    assert story.cloud.skill().enabled
    policy = story.cloud.aws.client("lambda").get_policy(FunctionName=NAME, Qualifier="live")["Policy"]
    assert gone not in policy


def test_an_owner_without_an_account_is_left_alone(story: Story) -> None:
    story.inventory.variables["skill_enabled"] = False
    try:
        recap = story.run()
    finally:
        story.inventory.variables["skill_enabled"] = True
    assert (recap.changed, recap.failed) == (0, 0)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"skill_locales": ["en-XX"]}, "skill_locales must be a list of different locales out of en-US"),
        ({"skill_name": "x"}, "skill_name must be 2 to 50 characters"),
        ({"lambda_memroy": 256}, "did you mean lambda_memory?"),
    ],
)
def test_a_wrong_input_is_told_before_anything_changes(story: Story, variables: dict[str, Any], words: str) -> None:
    asked = len(story.cloud.smapi.requests)
    before = dict(story.inventory.variables)
    story.inventory.variables.update(variables)
    try:
        with pytest.raises(playbook.PlaybookError) as caught:
            story.run()
    finally:
        story.inventory.variables = before
    assert words in " ".join(caught.value.recap.output.split())
    assert len(story.cloud.smapi.requests) == asked


def test_no_secret_was_ever_printed(story: Story) -> None:
    assert len(story.output) > 100_000
    secrets = story.secrets()
    assert len(secrets) > 9
    assert [secret[:6] for secret in secrets if secret in story.output] == []
