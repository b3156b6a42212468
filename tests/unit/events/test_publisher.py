"""What the publisher does with every answer, and with none."""

import itertools
import json
import time
from collections import Counter
from typing import Any

import pytest

from alexa_ip_cam.alexa.event_gateway import ADVICE, Answer, EventGateway, Meaning
from alexa_ip_cam.events.publisher import Timing
from alexa_ip_cam.events.queue import Message
from simulators.amazon import event_gateway as amazon
from simulators.amazon.event_gateway import Fault
from simulators.events_service import BRISK
from unit.events.rig import SITE, Rig

FOUR = SITE._replace(audio=dict.fromkeys("abcd", "NONE"))


def is_media(document: dict[str, Any]) -> bool:
    return "MediaCreatedOrUpdated" in json.dumps(document)


PASSING = [
    amazon.INVALID_TOKEN,
    amazon.NO_PERMISSION,
    amazon.NEVER_ENABLED,
    amazon.DISABLED,
    amazon.NO_SKILL,
    amazon.NO_ACCOUNT,
    amazon.THROTTLED,
    amazon.INTERNAL,
    amazon.UNAVAILABLE,
    amazon.Cut(),
    amazon.LostAnswer(),
    amazon.Garbage(),
    amazon.Refusal(302, ""),
    amazon.Refusal(418, "SOMETHING_NEW_EXCEPTION"),
]


@pytest.mark.parametrize("fault", PASSING, ids=str)
@pytest.mark.parametrize("times", [1, 2])
def test_what_passes_loses_doubles_and_disorders_nothing(rig: Rig, fault: Fault, times: int) -> None:
    rig.gateway.fail(*[fault] * times)
    for number in range(3):
        rig.clip(number)
    publisher = rig.start()
    rig.wait_empty()
    assert rig.told == ["a_0", "a_1", "a_2"]
    rig.wait(lambda: publisher.halt is None)
    assert rig.outbox.refusals() == {}
    assert rig.gateway.repeated == (times if isinstance(fault, amazon.LostAnswer) else 0)


def test_the_message_id_is_the_same_at_every_try(rig: Rig) -> None:
    rig.gateway.fail(*[amazon.LostAnswer()] * 3)
    rig.clip(1)
    rig.start()
    rig.wait_empty()
    assert len(rig.gateway.accepted) == 1
    assert rig.gateway.repeated == 3


def test_a_gateway_that_says_nothing(rig: Rig) -> None:
    rig.gateway.fail(amazon.Silence(5), amazon.Delay(0.6))
    rig.clip(1)
    rig.start(timeout=0.3)
    rig.wait_empty()
    assert rig.told == ["a_1"]


@pytest.mark.parametrize("fault", [amazon.INVALID_REQUEST, amazon.TOO_LARGE])
def test_a_message_that_is_no_good_is_parked_with_the_reason(rig: Rig, fault: amazon.Refusal) -> None:
    rig.gateway.fail_if(lambda document: fault if "a_1" in json.dumps(document) else None)
    for number in range(3):
        rig.clip(number)
    rig.start()
    rig.wait_empty()
    assert rig.told == ["a_0", "a_2"]
    (parked,) = rig.outbox.queue.listed(parked=True)
    assert parked.identity == "a_1"
    assert fault.code in str(parked.reason)
    rig.gateway.fail_if(None)
    rig.outbox.queue.retry([parked.id])
    rig.wait_empty()
    assert rig.told == ["a_0", "a_2", "a_1"]


def test_an_account_that_is_not_found_parks_the_message_in_the_end(rig: Rig) -> None:
    """The same code is for a message that comes too late."""
    rig.gateway.fail_if(lambda document: amazon.NO_ACCOUNT if "a_0" in json.dumps(document) else None)
    rig.clip(0)
    rig.clip(1)
    rig.start()
    rig.wait_empty()
    assert rig.told == ["a_1"]
    assert [one.identity for one in rig.outbox.queue.listed(parked=True)] == ["a_0"]


def test_too_many_devices_are_told_in_parts(rig: Rig) -> None:
    def too_large(document: dict[str, Any]) -> Fault | None:
        return amazon.TOO_LARGE if len(document["event"]["payload"]["endpoints"]) > 2 else None

    rig.gateway.fail_if(too_large)
    endpoints = [{"endpointId": f"e{number}"} for number in range(7)]
    rig.outbox.queue.add("discovery", "", "DeleteReport", {"endpoints": endpoints}, happened=0)
    rig.start()
    rig.wait_empty()
    told = [
        one["endpointId"] for part in rig.gateway.accepted for one in part.document["event"]["payload"]["endpoints"]
    ]
    assert sorted(told) == [f"e{number}" for number in range(7)]


def test_tries_are_a_second_apart_and_slow_after_three(rig: Rig) -> None:
    rig.gateway.fail(*[amazon.INTERNAL] * 3)
    rig.clip(1)
    rig.start(Timing(slow_first=0.5, slow_longest=0.5))
    rig.wait_empty()
    times = rig.gateway.times
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert len(gaps) == 3
    assert min(gaps) >= 0.99


def test_throttling_slows_everything(rig: Rig) -> None:
    rig.gateway.fail(amazon.THROTTLED)
    for number in range(5):
        rig.clip(number, "ab"[number % 2])
    rig.start(BRISK._replace(quick=0.5, burst=1), rate=50)
    rig.wait_empty()
    times = rig.gateway.times
    assert times[1] - times[0] < 0.1 or times[1] - times[0] >= 0.49
    assert times[-1] - times[0] >= 0.49


def test_one_camera_does_not_wait_for_another(rig: Rig) -> None:
    rig.gateway.fail_if(lambda document: amazon.INTERNAL if "a_0" in json.dumps(document) else None)
    for number in range(20):
        rig.clip(number, "a")
        rig.clip(number, "b")
    rig.start()
    rig.wait(lambda: len(rig.told) == 20)
    assert rig.told == [f"b_{number}" for number in range(20)]
    rig.gateway.fail_if(None)
    rig.wait_empty()
    assert rig.told[20:] == [f"a_{number}" for number in range(20)]


def test_a_message_that_amazon_always_fails_on_is_parked_while_others_pass(rig: Rig) -> None:
    rig.gateway.fail_if(lambda document: amazon.INTERNAL if "a_0" in json.dumps(document) else None)
    rig.clip(0)
    rig.clip(1)
    rig.clip(0, "b")
    rig.start(BRISK._replace(hopeless_tries=4, slow_longest=30, slow_first=0.01))
    rig.wait_empty()
    assert rig.told == ["b_0", "a_1"]
    (parked,) = rig.outbox.queue.listed(parked=True)
    assert parked.identity == "a_0"


def test_nothing_is_hopeless_while_nothing_passes(rig: Rig) -> None:
    rig.gateway.fail(*[amazon.UNAVAILABLE] * 12)
    rig.clip(0)
    rig.start(BRISK._replace(hopeless_tries=4, slow_longest=0.02, slow_first=0.01))
    rig.wait_empty()
    assert rig.told == ["a_0"]


@pytest.mark.parametrize("refusal", [amazon.INVALID_REQUEST, amazon.NO_PERMISSION])
def test_a_refused_interface_waits_and_everything_else_is_told(
    rig: Rig, refusal: amazon.Refusal, caplog: pytest.LogCaptureFixture
) -> None:
    rig.gateway.fail_if(lambda document: refusal if is_media(document) else None)
    for number in range(8):
        rig.clip(number, "ab"[number % 2])
    rig.start(BRISK._replace(refused=1.0))
    rig.wait(lambda: "media" in rig.outbox.refusals())
    rig.wait(lambda: not rig.outbox.queue.listed(parked=True))
    asked = len(rig.gateway.times)
    rig.motion("DETECTED", "b")
    rig.wait(lambda: rig.told == ["ChangeReport"])
    assert len(rig.gateway.times) <= asked + 2
    rig.wait(lambda: len(rig.gateway.times) > asked + 2)
    rig.gateway.fail_if(None)
    rig.wait_empty()
    assert [name for name in rig.told[1:] if name.startswith("a")] == ["a_0", "a_2", "a_4", "a_6"]
    assert [name for name in rig.told[1:] if name.startswith("b")] == ["b_1", "b_3", "b_5", "b_7"]
    assert rig.outbox.refusals() == {}
    assert caplog.text.count("Amazon refuses") == 1


def test_nothing_stays_parked_when_several_senders_find_that_an_interface_is_refused(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, slow = rig.outbox.queue, itertools.chain([0.3], itertools.repeat(0.0))
    park = queue.park

    def park_late(message: Message, reason: str) -> None:
        time.sleep(next(slow))
        park(message, reason)

    monkeypatch.setattr(queue, "park", park_late)
    rig.gateway.fail_if(lambda _: amazon.INVALID_REQUEST)
    for camera in FOUR.audio:
        rig.clip(0, camera)
    rig.start(BRISK._replace(refused=1.0), site=FOUR)
    rig.wait(lambda: "media" in rig.outbox.refusals())
    rig.gateway.fail_if(None)
    rig.wait(lambda: rig.outbox.refusals() == {})
    rig.wait_empty()
    assert rig.outbox.queue.listed() == []
    assert sorted(rig.told) == ["a_0", "b_0", "c_0", "d_0"]


def test_a_refused_interface_is_tried_with_one_message_at_a_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it several, one that is refused just before Amazon takes them again would be parked."""
    send, sending, most = EventGateway.send, Counter[bool](), Counter[bool]()

    def send_slowly(gateway: EventGateway, url: str, event: dict[str, Any], token: str) -> Answer:
        refused = "media" in rig.outbox.refusals()
        sending[refused] += 1
        most[refused] = max(most[refused], sending[refused])
        time.sleep(0.1)
        sending[refused] -= 1
        return send(gateway, url, event, token)

    monkeypatch.setattr(EventGateway, "send", send_slowly)
    rig.outbox.suspend("media", 0, "refused")
    rig.gateway.fail(*[amazon.INVALID_REQUEST] * 3)
    for camera in FOUR.audio:
        rig.clip(0, camera)
        rig.clip(1, camera)
    rig.start(BRISK._replace(refused=0.05), site=FOUR)
    rig.wait_empty()
    assert len(rig.told) == 8
    assert most[True] == 1
    assert most[False] > 1


def test_motion_goes_before_the_clips_of_days(rig: Rig) -> None:
    for number in range(60):
        rig.clip(number)
    rig.start(BRISK._replace(burst=1), rate=50)
    rig.wait(lambda: len(rig.told) >= 5)
    rig.motion("DETECTED", "b")
    rig.wait(lambda: "ChangeReport" in rig.told)
    assert rig.told.index("ChangeReport") < 20
    rig.wait_empty()


def test_the_pace_is_bounded(rig: Rig) -> None:
    for number in range(40):
        rig.clip(number, "ab"[number % 2])
    rig.start(BRISK._replace(burst=5), rate=20)
    rig.wait_empty()
    times = rig.gateway.times
    assert times[-1] - times[0] >= 35 / 20 - 0.1
    for begin in times:
        assert sum(begin <= one < begin + 0.5 for one in times) <= 5 + 10 + 1


def test_motion_that_waited_too_long_is_not_told_nor_its_end(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    rig.motion("DETECTED")
    rig.motion("NOT_DETECTED")
    rig.outbox.queue.add("doorbell", "a", "DoorbellPress", {}, happened=0)
    time.sleep(0.3)
    rig.clip(1)
    rig.start(BRISK._replace(late=0.25))
    rig.wait_empty()
    assert rig.told == ["a_1"]
    assert "too late" in caplog.text


def test_the_end_of_motion_is_told_however_late(rig: Rig) -> None:
    publisher = rig.start(BRISK._replace(late=0.25))
    rig.motion("DETECTED")
    rig.wait_empty()
    publisher.stop()
    rig.motion("NOT_DETECTED")
    time.sleep(0.3)
    rig.start(BRISK._replace(late=0.25))
    rig.wait_empty()
    assert rig.told == ["ChangeReport", "ChangeReport"]


def test_the_end_of_motion_is_told_when_nobody_knows_whether_its_beginning_was(rig: Rig) -> None:
    """The answer was lost, and then it was too late to say it again: Alexa may have heard it all the same."""
    rig.gateway.fail(amazon.LostAnswer())
    rig.motion("DETECTED")
    patient = BRISK._replace(quick=5)
    publisher = rig.start(patient)
    rig.wait(lambda: rig.told == ["ChangeReport"])
    rig.wait(lambda: rig.outbox.queue.listed()[0].tries == 1)
    publisher.stop()
    rig.motion("NOT_DETECTED")
    rig.outbox.queue.retry([rig.outbox.queue.listed()[0].id])
    time.sleep(0.3)
    rig.start(BRISK._replace(late=0.25))
    rig.wait_empty()
    values = [one.document["event"]["payload"]["change"]["properties"][0]["value"] for one in rig.gateway.accepted]
    assert values == ["DETECTED", "NOT_DETECTED"]


def test_connectivity_that_changed_again_meanwhile_is_not_told(rig: Rig) -> None:
    for value in ("UNREACHABLE", "OK", "UNREACHABLE", "OK"):
        rig.outbox.set_state("a", "connectivity", value, rig.outbox.now())
    rig.start()
    rig.wait_empty()
    (told,) = rig.gateway.accepted
    assert told.document["event"]["payload"]["change"]["properties"][0]["value"] == {"value": "OK"}


def test_nobody_there_and_then_somebody(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.clip(1)
    publisher = rig.start(url="http://127.0.0.1:9/v3/events")
    rig.wait(lambda: publisher.halt is not None)
    time.sleep(0.3)
    assert rig.outbox.queue.listed()[0].tries == 0, "it is not the message's fault"
    publisher.change(SITE, dict.fromkeys(("NA", "EU", "FE"), rig.gateway.url), 1000)
    rig.wait_empty()
    assert rig.told == ["a_1"]
    assert caplog.text.count("nothing is told for now") == 1


def test_the_gateway_of_the_grants_region_is_used(rig: Rig) -> None:
    rig.clip(1)
    publisher = rig.start(url="http://127.0.0.1:9/v3/events")
    publisher.change(SITE, {"NA": "http://127.0.0.1:9/", "FE": "http://127.0.0.1:9/", "EU": rig.gateway.url}, 1000)
    rig.wait_empty()
    assert rig.told == ["a_1"]


def test_a_skill_that_is_disabled_and_enabled_again(rig: Rig) -> None:
    """Linking again puts a new grant into the store; until then hardly anything is sent."""
    rig.gateway.fail_if(lambda _: amazon.DISABLED)
    for number in range(5):
        rig.clip(number)
    publisher = rig.start(BRISK._replace(halt_first=30, halt_longest=60, grant_poll=0.1))
    rig.wait(lambda: publisher.halt is not None)
    time.sleep(0.5)
    assert len(rig.gateway.times) == 1
    assert publisher.halt is not None
    assert ADVICE["SKILL_DISABLED_EXCEPTION"] in publisher.halt.reason
    rig.gateway.fail_if(None)
    rig.link()
    rig.wait_empty()
    assert rig.told == [f"a_{number}" for number in range(5)]


def test_a_token_that_is_never_taken_stops_everything(rig: Rig) -> None:
    rig.gateway.fail_if(lambda _: amazon.INVALID_TOKEN)
    rig.clip(1)
    publisher = rig.start(BRISK._replace(halt_first=30, halt_longest=60))
    rig.wait(lambda: publisher.halt is not None)
    assert len(rig.gateway.times) == 2, "once, and once again with a new token"
    rig.gateway.fail_if(None)
    publisher.look_again()
    rig.wait_empty()


def test_what_is_switched_off_or_gone_is_dropped(rig: Rig) -> None:
    rig.clip(1)
    rig.clip(2, "gone")
    rig.motion("DETECTED", "b")
    rig.start(site=SITE._replace(interfaces=frozenset(["motion"])))
    rig.wait_empty()
    assert rig.told == ["ChangeReport"]


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [(Answer(202), Meaning.ACCEPTED), (Answer(200), Meaning.ACCEPTED)]
    + [(Answer(fault.status, fault.code), None) for fault in amazon.ALL_REFUSALS]
    + [(Answer(fault.status), None) for fault in amazon.ALL_REFUSALS]
    + [(Answer(500), Meaning.AGAIN), (Answer(302), Meaning.AGAIN), (Answer(599, "NEW"), Meaning.AGAIN)],
)
def test_every_answer_has_a_meaning(answer: Answer, meaning: Meaning | None) -> None:
    assert answer.meaning is (meaning or answer.meaning)
    if meaning is None:
        assert answer.meaning is not Meaning.ACCEPTED
        assert str(answer.status) in str(answer)
