"""The skill beside a running appliance: what `skill.yml` hands over opens the store that the function writes to."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from alexa_ip_cam.deploy import private_file
from home import Home, Recap, playbook
from home.cloud import Cloud
from home.inventory import STREAMS_NAME

pytestmark = pytest.mark.machine

# With the appliance's own Python and boto3, and what the events service has been given.
_ASK = """
import json, sys
sys.path.insert(0, "/usr/local/lib/alexa-ip-cam/events")
from alexa_ip_cam.alexa.store import Store
given = json.load(open("/etc/alexa-ip-cam/events-store.json"))
given.pop("regions")
key = given.pop("access_key_id"), given.pop("secret_access_key")
grant = Store(given.pop("table"), given.pop("site"), access_key=key, **given).grant()
print(json.dumps([grant.region, grant.tokens.refresh_token[:5], list(grant.client)]))
"""


@pytest.fixture
def cloud(home: Home) -> Iterator[Cloud]:
    """Amazon and AWS where the appliance can reach them, and an inventory that wants a skill."""
    before = dict(home.inventory.variables)
    with Cloud(home.inventory.directory, host=home.network.host_address) as running:
        running.log_in()
        home.inventory.variables.update(running.inventory_variables())
        home.inventory.write()
        yield running
    home.inventory.variables = before
    home.inventory.write()
    for name in (private_file.LOGIN, private_file.SKILL, private_file.ACCESS):
        (home.inventory.directory / name).unlink(missing_ok=True)


def deploy(home: Home, cloud: Cloud, *arguments: str) -> Recap:
    return playbook.run(
        home.inventory.directory, *arguments, playbook="playbooks/skill.yml", environment=cloud.environment
    )


def test_the_appliance_gets_its_key_and_finds_the_familys_grant(home: Home, cloud: Cloud) -> None:
    first = deploy(home, cloud, "--diff", "-vvv")
    access = private_file.read(home.inventory.directory / private_file.ACCESS)[STREAMS_NAME]
    assert access["secret_access_key"] not in first.output
    assert json.loads(home.appliance.read("/etc/alexa-ip-cam/events-store.json")) == access
    assert deploy(home, cloud).changed == 0

    with cloud.function([home.inventory.resolved()]) as function:
        cloud.link(function.invoke)
    said = home.appliance.run(["python3", "-c", _ASK]).stdout
    assert json.loads(said) == ["EU", "Atzr|", list(cloud.skill().client)]
