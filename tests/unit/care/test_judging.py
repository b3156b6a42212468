"""What is gathered, and the fault that is made of it; each row is one fault, and no fault is without a row."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alexa_ip_cam.care import certificate, event, judge_machine, picture, skill
from alexa_ip_cam.care.cloud import Answer
from alexa_ip_cam.care.faults import FAULTS
from alexa_ip_cam.care.machine import Disk, Kept
from alexa_ip_cam.care.names import Answers
from alexa_ip_cam.care.steps import Outcome
from alexa_ip_cam.care.stream import Seen
from alexa_ip_cam.proof.lifetime import DAY, Lifetime
from alexa_ip_cam.proof.on_disk import OnDisk
from alexa_ip_cam.proof.served import Look
from alexa_ip_cam.proof.settings import Settings as Port
from alexa_ip_cam.self_check import QUESTION, cameras_mark, key_mark

NAME, NONCE, KEY = "cams.example.com", "n", "5a" * 32
PORT = Port("127.0.0.1", 443, (NAME,), Path("/roots"), Path("/live"), Path("/state"))


class Said(NamedTuple):
    level: str
    text: str
    key: str = "codec"
    mend: str = "change it"


def camera(**status: Any) -> Kept:
    return Kept({"cameras": {"den": status}}, 3.0)


def look(problem: str = "", *, reached: bool = True, leaf: bytes = b"new") -> Look:
    return Look(NAME, reached, problem, leaf)


def names(*here: str, own: tuple[str, ...] | None = None, six: tuple[str, ...] = (), ours: bool = True) -> Answers:
    return Answers(here, six, own, here if ours else ())


def on_disk(days_left: float) -> OnDisk:
    end = time.time() + days_left * DAY
    return OnDisk(b"new", ("R", "Root"), Lifetime(end - 90 * DAY, end))


def told(**content: Any) -> Answer:
    return Answer({QUESTION: content})


def unit(state: str, key: str, **known: object) -> Outcome:
    return judge_machine.unit(state, key, **known)


FRESH = Kept({}, 1.0)
STALE = Kept({}, 100.0)
WAITING = {"messages": {"motion": {"waiting": 2, "parked": 0}}, "counts": {"told": 5}}

BAD: list[tuple[str, Callable[[], Outcome]]] = [
    ("clock-wrong", lambda: judge_machine.clock(-7200.0)),
    ("camera", lambda: picture.findings([Said("works", "GOP 6 s"), Said("fails", "it sends H.265")])),
    ("live555-stopped", lambda: unit("failed", "live555-stopped", camera="den")),
    ("gateway-stopped", lambda: unit("inactive", "gateway-stopped")),
    ("haproxy-stopped", lambda: unit("inactive", "haproxy-stopped")),
    ("stunnel-stopped", lambda: unit("inactive", "stunnel-stopped")),
    ("apache-stopped", lambda: unit("inactive", "apache-stopped")),
    ("events-stopped", lambda: unit("missing", "events-stopped")),
    ("gateway-silent", lambda: picture.gateway(STALE, "den")),
    ("gateway-silent", lambda: picture.gateway(Kept(None, None), "den")),
    ("gateway-camera-unknown", lambda: picture.gateway(FRESH, "den")),
    ("gateway-no-stream", lambda: picture.gateway(camera(connected=False, problem="no H.264"), "den")),
    ("gateway-no-stream", lambda: picture.gateway(camera(warm="on_demand", connected=False, problem="404"), "den")),
    ("port-closed", lambda: picture.tls(look("Connection refused", reached=False), PORT)),
    ("tls-refused", lambda: picture.tls(look("no TLS 1.2 (HANDSHAKE)"), PORT)),
    ("stream-broken", lambda: picture.picture(Seen(problem="the connection was closed"), "den")),
    ("stream-refused", lambda: picture.picture(Seen(404), "den")),
    ("stream-no-picture", lambda: picture.picture(Seen(200), "den")),
    ("name-missing", lambda: picture.address(NAME, names(own=()), public=False)),
    ("name-missing", lambda: picture.address(NAME, names(own=("203.0.113.5",)), public=True)),
    ("name-filtered", lambda: picture.address(NAME, names(own=("192.168.1.5",)), public=False)),
    ("name-public", lambda: picture.address(NAME, names("8.8.4.4", ours=False), public=False)),
    ("name-elsewhere", lambda: picture.address(NAME, names("192.168.1.9", ours=False), public=False)),
    ("name-ipv6", lambda: picture.address(NAME, names("192.168.1.5", six=("2001:db8::5",)), public=False)),
    ("disk-full", lambda: judge_machine.disk(Path("/srv"), Disk(12.0, read_only=False))),
    ("disk-read-only", lambda: judge_machine.disk(Path("/srv"), Disk(9e3, read_only=True))),
    ("events-silent", lambda: judge_machine.status(STALE, "events-silent")),
    ("recordings-unreadable", lambda: event.recordings({"troubles": {"den": "Permission denied"}})),
    ("not-linked", lambda: event.permission({"linked": False, "halted": "the skill is not linked yet"})),
    ("grant-dead", lambda: event.permission({"linked": True, "halted": "Alexa's permission has ended; link it"})),
    ("grant-dead", lambda: event.alexa({"halted": "x (403 ACCOUNT_NOT_FOUND_EXCEPTION)"})),
    ("skill-disabled", lambda: event.alexa({"halted": "the skill is disabled (403 SKILL_DISABLED_EXCEPTION)"})),
    ("events-held", lambda: event.alexa({"halted": "the event gateway cannot be reached"})),
    ("messages-parked", lambda: event.queue({"messages": {"media": {"waiting": 0, "parked": 1}}}, {})),
    ("messages-stuck", lambda: event.queue(WAITING, {"waiting": 1, "told": 5})),
    ("certificate-missing", lambda: certificate.disk(None)),
    ("certificate-missing", lambda: certificate.life(None, time.time())),
    ("certificate-expired", lambda: picture.tls(look("certificate has expired"), PORT)),
    ("certificate-not-yet", lambda: picture.tls(look("certificate is not yet valid"), PORT)),
    ("certificate-names", lambda: picture.tls(look("Hostname mismatch, certificate is not valid for 'x'"), PORT)),
    ("certificate-chain", lambda: picture.tls(look("unable to get local issuer certificate"), PORT)),
    ("certificate-old", lambda: certificate.all_served([look()], b"newer", PORT)),
    ("certificate-old", lambda: certificate.all_served([look("certificate has expired")], b"newer", PORT)),
    ("certificate-late", lambda: certificate.life(on_disk(5), time.time())),
    ("renewal-off", lambda: certificate.renewal("inactive", FRESH)),
    ("renewal-failed", lambda: certificate.renewal("active", Kept({"failures": 3}, 1.0))),
    ("store-key-refused", lambda: skill.store_error("DynamoDB's get_item failed: UnrecognizedClientException")),
    ("store-unreachable", lambda: skill.store_error("DynamoDB's get_item failed: EndpointConnectionError")),
    ("function-refused", lambda: skill.function("eu-west-1", NAME, Answer(None, "AccessDeniedException"))),
    ("function-missing", lambda: skill.function("eu-west-1", NAME, Answer(None, "ResourceNotFoundException"))),
    ("function-throttled", lambda: skill.function("eu-west-1", NAME, Answer(None, "TooManyRequestsException"))),
    ("function-failed", lambda: skill.function("eu-west-1", NAME, Answer(None, raised="ImportModuleError"))),
    ("function-unreachable", lambda: skill.function("eu-west-1", NAME, Answer(None, "EndpointConnectionError"))),
    ("function-old", lambda: skill.function("eu-west-1", NAME, Answer({"event": {}}))),
    ("function-other-site", lambda: skill.function("eu-west-1", NAME, told(known=False))),
    ("directive-unverified", lambda: skill.directive("eu-west-1", refused("INTERNAL_ERROR"))),
    ("directive-wrong", lambda: skill.directive("eu-west-1", refused("INVALID_DIRECTIVE"))),
    ("directive-wrong", lambda: skill.directive("eu-west-1", Answer({"event": {"payload": {"endpoints": []}}}))),
    ("directive-wrong", lambda: skill.directive("eu-west-1", Answer({}))),
    ("function-failed", lambda: skill.directive("eu-west-1", Answer(None, raised="Runtime.Error"))),
    ("keys-differ", lambda: skill.keys("eu-west-1", NONCE, {"streams": ["00" * 32]}, told(keys=marks()))),
    ("cameras-differ", lambda: skill.cameras("eu-west-1", [{"a": 1}], told(cameras=cameras_mark([])))),
]

# Found where it is gathered; the tests of the ways, and of the machine, have them.
ELSEWHERE = {"not-checked", "live555-silent", "clips-missing", "skill-not-deployed", "grant-missing"}


def refused(kind: str) -> Answer:
    return Answer({"event": {"payload": {"type": kind, "message": "so it is"}}})


def marks() -> dict[str, str]:
    return {"streams": key_mark(KEY, NONCE)}


@pytest.mark.parametrize(("key", "judge"), BAD, ids=[f"{number}-{key}" for number, (key, _) in enumerate(BAD)])
def test_each_fault_is_named_with_its_mend(key: str, judge: Callable[[], Outcome]) -> None:
    outcome = judge()
    assert outcome.key == key
    assert outcome.text
    assert outcome.mend
    assert "{" not in outcome.text + outcome.mend


def test_no_fault_is_without_a_row() -> None:
    assert set(FAULTS) - {key for key, _ in BAD} == ELSEWHERE


GOOD: list[Callable[[], Outcome]] = [
    lambda: judge_machine.clock(1.4),
    lambda: judge_machine.clock(None),
    lambda: judge_machine.unit("reloading", "gateway-stopped"),
    lambda: judge_machine.disk(Path("/srv"), Disk(9e3, read_only=False)),
    lambda: picture.findings([Said("good", "H.264"), Said("works", "GOP 6 s")]),
    lambda: picture.gateway(camera(connected=True, buffered_seconds=3.3), "den"),
    lambda: picture.gateway(camera(warm="on_demand", connected=False, problem="nobody watches"), "den"),
    lambda: picture.tls(look(), PORT),
    lambda: picture.picture(Seen(200, 0.04), "den"),
    lambda: picture.address(NAME, names("192.168.1.5", own=None), public=False),
    lambda: picture.address(NAME, names("203.0.113.9", ours=False), public=True),
    lambda: event.recordings({"recordings": {"found": 1}, "troubles": {}}),
    lambda: event.permission({"linked": True, "halted": None}),
    # Somebody else's trouble is told by the step that it belongs to.
    lambda: event.permission({"linked": True, "halted": "Login with Amazon did not answer"}),
    lambda: event.alexa({"halted": None}),
    lambda: event.queue(WAITING, {"waiting": 1, "told": 4}),
    lambda: event.queue(WAITING, {}),
    lambda: certificate.all_served([look()], b"new", PORT),
    lambda: certificate.life(on_disk(60), time.time()),
    lambda: certificate.renewal("active", Kept({"failures": 2}, 1.0)),
    lambda: certificate.renewal("active", Kept(None, None)),
    lambda: skill.function("eu-west-1", NAME, told(known=True)),
    lambda: skill.directive("eu-west-1", refused("INVALID_AUTHORIZATION_CREDENTIAL")),
    lambda: skill.directive("eu-west-1", refused("EXPIRED_AUTHORIZATION_CREDENTIAL")),
    # A new key is with the appliance before it is with the skill: the one before still opens.
    lambda: skill.keys("eu-west-1", NONCE, {"streams": ["00" * 32, KEY]}, told(keys=marks())),
    lambda: skill.cameras("eu-west-1", [{"a": 1}], told(cameras=cameras_mark([{"a": 1}]))),
]


@pytest.mark.parametrize("judge", GOOD)
def test_what_is_well_is_no_fault(judge: Callable[[], Outcome]) -> None:
    outcome = judge()
    assert outcome.key == ""
    assert outcome.text
