"""A machine that was given a backup is linked as the one before was, and tells what that one still had to tell."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.module_utils.appliance import kept_state

from alexa_ip_cam.alexa.event_gateway import EventGateway as Connection
from alexa_ip_cam.events.config import INTERFACES
from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.publisher import Publisher
from alexa_ip_cam.events.tokens import Tokens
from simulators.amazon.event_gateway import EventGateway
from simulators.amazon.lwa import Lwa
from simulators.events_service import BRISK
from unit.events.rig import SITE, Rig

STATE = "var/lib/alexa-ip-cam-events"
PLACES = [f"/{STATE}/events.db", f"/{STATE}/tokens.json"]


@pytest.fixture
def before(tmp_path: Path, lwa: Lwa, gateway: EventGateway) -> Iterator[Rig]:
    """The machine before: linked, has told one clip, and one waits."""
    folder = tmp_path / "before" / STATE
    folder.mkdir(parents=True)
    rig = Rig(folder, lwa, gateway)
    rig.clip(1)
    rig.start()
    rig.wait(lambda: rig.told == ["a_1"])
    rig.stop()
    rig.clip(2)
    yield rig
    rig.outbox.close()


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("ended", [False, True])
def test_a_restored_machine_tells_what_waited_and_no_more(
    tmp_path: Path, lwa: Lwa, gateway: EventGateway, *, ended: bool
) -> None:
    """Also when the access token has ended since, without the skill's store."""
    archive, after = tmp_path / "state.tar.gz", tmp_path / "after"
    kept_state.pack(archive, PLACES, "cams.example.com", tmp_path / "before")
    kept_state.restore(archive, PLACES, "cams.example.com", after)
    path = after / STATE / "tokens.json"
    if ended:
        path.write_text(json.dumps(json.loads(path.read_text()) | {"expires_at": 0.0}))
    outbox = Outbox(after / STATE / "events.db", interfaces=INTERFACES)
    tokens = Tokens(path, None, url=lwa.url)
    publisher = Publisher(
        outbox,
        tokens,
        SITE,
        gateways=dict.fromkeys(("NA", "EU", "FE"), gateway.url),
        rate=1000,
        timing=BRISK,
        connect=lambda: Connection(5),
    )
    refreshed = len(lwa.requests)
    publisher.start()
    try:
        end = time.monotonic() + 15
        while outbox.queue.listed():
            assert time.monotonic() < end, outbox.queue.listed()
            time.sleep(0.01)
    finally:
        publisher.stop()
        outbox.close()
    assert tokens.linked
    assert [one.media_id for one in gateway.accepted] == ["a_1", "a_2"]
    assert gateway.repeated == 0
    assert len(lwa.requests) - refreshed == ended
