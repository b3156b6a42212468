"""The real service in a process of its own, against Login with Amazon and an event gateway that fail."""

import json
import os
import random
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from simulators.amazon import event_gateway as amazon
from simulators.amazon.event_gateway import EventGateway
from simulators.amazon.lwa import Lwa
from simulators.events_service import BRISK, EventsService
from unit.events.conftest import link

# Larger in the benchmarks.
RECORDINGS = int(os.environ.get("EVENTS_RECORDINGS", "500"))
KILLS = int(os.environ.get("EVENTS_KILLS", "50"))
YESTERDAY = datetime.now(UTC).replace(microsecond=123_000) - timedelta(days=1)


def _record_all(service: EventsService, number: int) -> dict[str, list[str]]:
    """Recordings of all cameras in turn; the media ids by endpoint id, in order."""
    expected = defaultdict(list)
    cameras = sorted(path.name for path in service.recordings.iterdir())
    for count in range(number):
        camera = cameras[count % len(cameras)]
        identity = service.record(camera, YESTERDAY + timedelta(seconds=10 * count))
        expected[f"cams_example_com:{camera}"].append(identity)
    return dict(expected)


def _told(gateway: EventGateway) -> dict[str, list[str]]:
    told = defaultdict(list)
    for one in gateway.accepted:
        if one.name == "MediaCreatedOrUpdated":
            told[one.endpoint_id].append(one.media_id)
    return dict(told)


def _count(told: dict[str, list[str]]) -> int:
    return sum(map(len, told.values()))


def test_what_was_recorded_while_it_was_down_is_told_once_in_order_and_paced(
    service: EventsService, gateway: EventGateway
) -> None:
    service.document["messages_per_second"] = 50
    service.write_config()
    expected = _record_all(service, RECORDINGS)
    service.start()
    service.wait_until(lambda: _count(_told(gateway)) >= RECORDINGS, 60)
    assert service.stop() == 0
    assert _told(gateway) == expected
    assert gateway.repeated == 0
    assert {one.name for one in gateway.accepted} == {"MediaCreatedOrUpdated"}, "old motion is no news"
    times = gateway.times
    # A burst of ten, then fifty a second.
    assert times[-1] - times[0] >= (RECORDINGS - 10) / 50 - 0.5


def test_nothing_is_lost_or_doubled_over_kills_and_every_passing_error(
    service: EventsService, gateway: EventGateway, lwa: Lwa
) -> None:
    """Power cuts at random moments; three in ten messages fail in every way that passes."""
    rng = random.Random(4)  # noqa: S311
    # So that it takes all the kills to tell them all.
    service.document["messages_per_second"] = RECORDINGS / KILLS
    service.timing = BRISK._replace(burst=2)
    service.write_config()
    gateway.fail_often(0.3)
    expected = _record_all(service, RECORDINGS)
    service.start()
    counts = []
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.3, 1.4))
        counts.append(_count(_told(gateway)))
        service.kill()
        service.start()
        if _is_dead(service):
            # A kill between Amazon's answer and the disk: the one moment when a grant can be lost.
            link(service, lwa)
    service.wait_until(lambda: _count(_told(gateway)) >= RECORDINGS, 60)
    service.wait_ready()
    assert service.stop() == 0
    assert counts[KILLS // 2] < RECORDINGS * 0.8, "most kills came when there was nothing to do"
    told = _told(gateway)
    assert {name: sorted(ids) for name, ids in told.items()} == {name: sorted(ids) for name, ids in expected.items()}
    assert told == expected


def _is_dead(service: EventsService) -> bool:
    tokens = service.folder / "tokens.json"
    return tokens.exists() and bool(json.loads(tokens.read_text())["dead"])


def test_motion_is_told_at_once_and_its_end(service: EventsService, gateway: EventGateway) -> None:
    service.start()
    service.wait_until((service.folder / "status.json").exists)
    began = time.monotonic()
    part = service.begin("garden", datetime.now(UTC))
    service.wait_until(lambda: len(gateway.accepted) == 1)
    ended = time.monotonic()
    part.rename(part.with_suffix(".rec"))
    service.wait_until(lambda: len(gateway.accepted) == 3)
    changes = [one.document["event"]["payload"]["change"] for one in gateway.accepted if one.name == "ChangeReport"]
    assert [one["properties"][0]["value"] for one in changes] == ["DETECTED", "NOT_DETECTED"]
    assert gateway.accepted[0].at - began < 3
    assert max(one.at for one in gateway.accepted) - ended < 3
    service.wait_until(lambda: service.store.items().get("garden/detection", [""])[0] == "NOT_DETECTED")
    assert service.stop() == 0
    logged = [line for line in service.log.read_text().splitlines() if ": told " in line]
    assert [[one.message_id in line for line in logged].count(True) for one in gateway.accepted] == [1, 1, 1]


def test_a_withdrawn_interface_is_left_alone_and_all_else_goes_on(
    service: EventsService, gateway: EventGateway
) -> None:
    """What Amazon says of MediaMetadata nobody knows; it must not matter to the rest, and may change some day."""

    def refuse(document: dict[str, object]) -> amazon.Fault | None:
        return amazon.INVALID_REQUEST if "MediaCreatedOrUpdated" in json.dumps(document) else None

    gateway.fail_if(refuse)
    expected = _record_all(service, 40)
    service.start()
    service.wait_until(lambda: "Amazon refuses Alexa.MediaMetadata" in service.log.read_text())
    part = service.begin("garden", datetime.now(UTC))
    service.wait_until(lambda: gateway.accepted)
    assert gateway.accepted[0].name == "ChangeReport"
    gateway.fail_if(None)
    service.wait_until(lambda: _count(_told(gateway)) == 40)
    assert part.exists()
    assert service.stop() == 0
    assert _told(gateway) == expected
    assert service.log.read_text().count("Amazon refuses") == 1


def test_a_disabled_skill_stops_everything_until_it_is_linked_again(
    service: EventsService, gateway: EventGateway, lwa: Lwa
) -> None:
    expected = _record_all(service, 8)
    lwa.revoke("a family")
    service.start()
    service.wait_until(lambda: "link the skill again" in service.log.read_text())
    time.sleep(1)
    assert gateway.accepted == []
    link(service, lwa)
    service.wait_until(lambda: _count(_told(gateway)) == 8)
    assert service.stop() == 0
    assert _told(gateway) == expected


def test_no_token_is_ever_logged(service: EventsService, gateway: EventGateway, lwa: Lwa) -> None:
    gateway.fail_often(0.5)
    _record_all(service, 40)
    service.start()
    service.wait_until(lambda: _count(_told(gateway)) == 40)
    service.stop()
    log = service.log.read_text()
    assert "Atza" not in log
    assert "Atzr" not in log
    assert "a skill's secret" not in log
    assert (service.folder / "tokens.json").stat().st_mode & 0o777 == 0o600
    assert not [one for one in lwa.requests if one.fields.get("client_secret") not in (None, "a skill's secret")]
