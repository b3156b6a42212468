"""The family's story: what was deployed is linked and spoken to, by the very zip that is live at AWS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alexa_ip_cam.alexa.store import Sample, Store
from alexa_ip_cam.care import cloud as self_check
from alexa_ip_cam.deploy import private_file
from alexa_ip_cam.self_check import QUESTION
from home.cloud import Cloud
from home.inventory import STREAMS_NAME, Inventory
from simulators.amazon.alexa import Alexa, RefusedError


def test_from_the_playbook_to_the_living_room(tmp_path: Path) -> None:
    inventory = Inventory(tmp_path / "inventory", address="192.0.2.1", ssh_args=[])
    plain = {"manufacturer": "Axis", "model": "P3245-V", "width": 1280, "height": 720, "audio": "none"}
    inventory.add_camera({"id": "front-porch", "name": "Front Porch", "url": "rtsp://192.0.2.20/media", **plain})
    with Cloud(inventory.directory) as cloud:
        cloud.log_in()
        inventory.variables.update(cloud.inventory_variables())
        inventory.write()
        cloud.deploy(inventory)
        with cloud.function([inventory.resolved()]) as function:
            alexa = cloud.link(function.invoke)
            porch = alexa.find("the front porch camera")
            assert [one.friendly_name for one in alexa.discover()] == ["Front Porch"]
            assert alexa.show(porch).uri.startswith(f"rtsp://{STREAMS_NAME}:443/front-porch/")
            assert "/snapshots/front-porch.jpg?" in alexa.snapshot(porch).uri

            # The appliance, with the access key that the deployment keeps for it.
            access = private_file.read(inventory.directory / private_file.ACCESS)[STREAMS_NAME]
            store = Store(
                access["table"],
                access["site"],
                region=access["region"],
                endpoint_url=access["endpoint_url"],
                access_key=(access["access_key_id"], access["secret_access_key"]),
            )
            grant = store.grant()
            assert grant is not None
            assert (grant.region, tuple(grant.client)) == ("EU", cloud.skill().client)
            for aspect, value in (("detection", "DETECTED"), ("connectivity", "UNREACHABLE")):
                store.put_state("front-porch", aspect, Sample(value, datetime.now(UTC)))  # type: ignore[arg-type]
            report = alexa.report_state(porch)
            assert (report.detection, report.connectivity) == ("DETECTED", "UNREACHABLE")

            asked = {QUESTION: {"site": STREAMS_NAME, "nonce": "once"}}
            answer = self_check.ask(self_check.access(access), access["regions"][0], asked)
            assert (answer.content or {}).get(QUESTION, {}).get("known") is True, answer

            stranger = Alexa(function.invoke, cloud.lwa.new_bearer(alexa_client(cloud), "amzn1.account.STRANGER"))
            with pytest.raises(RefusedError):
                stranger.show(porch)
            assert alexa.token not in function.logs


def alexa_client(cloud: Cloud) -> str:
    """The client id that account linking is set to."""
    linking = cloud.skill().linking
    assert linking is not None
    return str(linking["clientId"])
