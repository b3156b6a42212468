"""Amazon's side for the tests of the events service."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alexa_ip_cam.alexa.lwa import exchange_code
from simulators.amazon.event_gateway import EventGateway
from simulators.amazon.lwa import Lwa
from simulators.events_service import EventsService
from unit.events.rig import CLIENT, Rig

__all__ = ["CLIENT", "link"]


@pytest.fixture
def lwa() -> Iterator[Lwa]:
    """Login with Amazon, which knows the skill."""
    with Lwa() as simulator:
        simulator.add_client(*CLIENT)
        yield simulator


@pytest.fixture
def gateway(lwa: Lwa) -> Iterator[EventGateway]:
    """The event gateway; every test that uses it fails when a message was not to its taste."""
    with EventGateway(lwa.is_valid_access, CLIENT.client_id) as simulator:
        yield simulator
        assert simulator.problems == []


@pytest.fixture
def service(tmp_path: Path, lwa: Lwa, gateway: EventGateway) -> Iterator[EventsService]:
    """The service's process with four cameras, linked with Alexa but not started."""
    cameras = ("front-porch", "driveway", "garden", "side-gate")
    with EventsService(tmp_path, lwa_url=lwa.url, gateway_url=gateway.url, cameras=cameras) as process:
        link(process, lwa)
        yield process


def link(service: EventsService, lwa: Lwa, user: str = "a family") -> None:
    """The family links the skill."""
    tokens = exchange_code(lwa.new_code(CLIENT.client_id, user), CLIENT, url=lwa.url)
    service.store.link(tokens._replace(expires_at=time.time() + 3600), CLIENT)


@pytest.fixture
def rig(tmp_path: Path, lwa: Lwa, gateway: EventGateway) -> Iterator[Rig]:
    """An outbox and a publisher that is not started."""
    one = Rig(tmp_path, lwa, gateway)
    yield one
    one.stop()
    one.outbox.close()
