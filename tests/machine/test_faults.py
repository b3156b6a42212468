"""Faults made one at a time on a whole home: the self-check names each as the first broken link, then is well again.

What a machine cannot have is in the tests of the steps (tests/unit/care).
"""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives import serialization

from home import Home, playbook
from home.cloud import NAME, Cloud
from home.inventory import CLIPS_NAME, OWNER, STREAMS_NAME
from machine.clip_client import ClipClient
from machine.support import Runs, show
from simulators.amazon.event_gateway import DISABLED
from unit.camera_audit.scripted_camera import Script
from unit.camera_audit.scripted_camera import camera as scripted_camera
from unit.edge.conftest import Authority
from world import Camera

pytestmark = pytest.mark.machine

CAMERA = "front-porch"
TIMERS = "alexa-ip-cam-check.timer alexa-ip-cam-proof.timer"
_WELL_SECONDS = 60.0
_NAMED_SECONDS = 45.0
TABLE = playbook.ROOT / "build" / "faults.md"


class World(NamedTuple):
    """The home, with its skill deployed and linked; `unfit` cameras; rows of the table of faults."""

    home: Home
    cloud: Cloud
    unfit: dict[str, Camera]
    table: list[str]

    def shell(self, script: str) -> str:
        return self.home.appliance.run(["sh", "-ec", script]).stdout

    def link(self) -> None:
        """The family enables the skill and links its account; the events service is told at once."""
        with self.cloud.function([self.home.inventory.resolved()]) as function:
            self.cloud.link(function.invoke)
        self.shell("systemctl restart alexa-ip-cam-events")

    def check(self) -> dict[str, Any]:
        done = self.home.appliance.run(["alexa-ip-cam", "check", "--json"], check=False, timeout=120)
        assert done.returncode in (0, 1), done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        assert document["well"] is (done.returncode == 0)
        return document

    def wait_until_well(self) -> None:
        end = time.monotonic() + _WELL_SECONDS
        while broken := first_broken(document := self.check()):
            assert time.monotonic() < end, (broken, document)
            time.sleep(1)


def first_broken(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The key of the first broken link of each way that has one."""
    return {
        (way["way"], way["subject"]): step["key"]
        for way in document["ways"]
        for step in way["steps"]
        if step["state"] == "failed"
    }


@pytest.fixture(scope="module")
def world(virgin_home: Home, runs: Runs, unfit: dict[str, Camera]) -> Iterator[World]:
    assert runs.second.failed == 0
    home = virgin_home
    before = dict(home.inventory.variables)
    with Cloud(home.inventory.directory, host=home.network.host_address) as cloud:
        cloud.log_in()
        home.inventory.variables.update(cloud.inventory_variables(), skill_media_metadata=True)
        home.inventory.write()
        playbook.run(home.inventory.directory, playbook="playbooks/skill.yml", environment=cloud.environment)
        home.appliance.run(["cp", "-p", "/etc/alexa-ip-cam/care.json", "/root/care-before.json"])
        home.site("--tags", "events,care", environment=cloud.environment)
        for folder in ("axis-ACCC8E000001", "driveway"):
            home.appliance.run(["mkdir", "-p", f"/srv/recordings/{folder}"])
        running = World(home, cloud, unfit, [])
        running.link()
        running.shell(f"systemctl stop {TIMERS}")
        running.wait_until_well()
        # All cameras are well. One is enough from here on, and quicker.
        script = "import json, sys; care = json.load(open(sys.argv[1])); care['cameras'] = care['cameras'][:1]"
        home.appliance.run(["python3", "-c", f"{script}; json.dump(care, open(sys.argv[1], 'w'), indent=4)", CARE])
        yield running
        running.shell(f"cp -p /root/care-before.json /etc/alexa-ip-cam/care.json; systemctl start {TIMERS}")
    home.inventory.variables = before
    home.inventory.write()
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(
        "\n".join(["| fault | first broken link | what is said of it |", "| --- | --- | --- |", *running.table])
    )


@contextlib.contextmanager
def done(world: World, make: str, undo: str) -> Iterator[None]:
    world.shell(make)
    try:
        yield
    finally:
        world.shell(undo)


def stopped(unit: str) -> Callable[[World], contextlib.AbstractContextManager[None]]:
    return lambda world: done(world, f"systemctl stop {unit}", f"systemctl start {unit}")


def scripted(make: str, undo: str) -> Callable[[World], contextlib.AbstractContextManager[None]]:
    return lambda world: done(world, make, undo)


@contextlib.contextmanager
def camera_off(world: World) -> Iterator[None]:
    world.home.world.stop_camera(CAMERA)
    try:
        yield
    finally:
        world.home.world.start_camera(CAMERA)


@contextlib.contextmanager
def address(world: World, answer: str | None) -> Iterator[None]:
    """The A record, as an owner changes it at the DNS host."""
    world.home.world.set_address(STREAMS_NAME, answer)
    try:
        yield
    finally:
        world.home.world.set_address(STREAMS_NAME, world.home.appliance.address)


@contextlib.contextmanager
def skill_disabled(world: World) -> Iterator[None]:
    """In the Alexa app; the appliance learns of it when there is something to tell."""
    world.cloud.events.fail_if(lambda _: DISABLED)
    world.shell(FILM)
    try:
        yield
    finally:
        world.cloud.events.fail_if(None)
        # It would ask again by itself, within an hour.
        world.shell("systemctl restart alexa-ip-cam-events")


@contextlib.contextmanager
def grant_dead(world: World) -> Iterator[None]:
    """Disabled and enabled again: the permission is another one."""
    world.cloud.lwa.revoke(OWNER)
    world.shell(FILM)
    try:
        yield
    finally:
        world.link()


@contextlib.contextmanager
def served(world: World, folder: Path, authority: Authority, *, old: bool) -> Iterator[None]:
    """Put a certificate where certbot leaves it, and one where stunnel takes it: the same, or another that is valid."""
    names = (STREAMS_NAME, CLIPS_NAME)
    days = datetime.timedelta(days=1 if old else 100)
    made = authority.issue(folder / "made", names=names, age=days)
    world.home.appliance.push(made, "/root/made")
    world.home.appliance.write("/root/root.pem", authority.root.public_bytes(serialization.Encoding.PEM))
    places = {f"{LINEAGE}/fullchain.pem": "/root/made/fullchain.pem"}
    if not old:
        places |= {
            "/etc/stunnel/alexa-ip-cam/fullchain.pem": "/root/made/fullchain.pem",
            "/etc/stunnel/alexa-ip-cam/privkey.pem": "/root/made/privkey.pem",
            ROOTS: "/root/root.pem",
        }
    restart = "" if old else "systemctl restart stunnel@alexa-ip-cam"
    make = "chgrp stunnel4 /root/made/privkey.pem; chmod 640 /root/made/privkey.pem; "
    make += "".join(f"mount --bind {source} {place}; " for place, source in places.items()) + restart
    undo = "".join(f"umount -l {place}; " for place in places) + restart
    with done(world, make, undo):
        yield


@contextlib.contextmanager
def function_throttled(world: World) -> Iterator[None]:
    function = world.cloud.aws.client("lambda")
    function.put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        function.delete_function_concurrency(FunctionName=NAME)


@contextlib.contextmanager
def sends(world: World, **settings: str) -> Iterator[None]:
    """Another camera is where this one was, or other settings are right for it."""
    edits = "; ".join(f"sed -i 's|^{key}=.*|{key}={value}|' {LIVE555}" for key, value in settings.items())
    with done(world, f"cp -p {LIVE555} /root/conf; {edits}; {RESTART}", f"cp -p /root/conf {LIVE555}; {RESTART}"):
        yield


@contextlib.contextmanager
def replaced(world: World, name: str) -> Iterator[None]:
    camera = world.unfit[name]
    world.home.world.start_camera(name)
    try:
        with sends(world, url=camera.url, username=camera.username, password=camera.password):
            yield
    finally:
        world.home.world.stop_camera(name)


@contextlib.contextmanager
def h265(world: World) -> Iterator[None]:
    script = Script(sdp="v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=control:track1\r\n")
    with scripted_camera(script, world.home.network.host_address) as url, sends(world, url=url):
        yield


LIVE555 = f"/etc/alexa-ip-cam/live555/{CAMERA}.conf"
CLOCK = """
import http.server, email.utils, time
class Late(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response_only(200)
        self.send_header("Date", email.utils.formatdate(time.time() + 7200, usegmt=True))
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8099), Late).serve_forever()
"""
FILTER = """
import socket, struct
upstream = UPSTREAM
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    question, peer = server.recvfrom(4096)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(3)
        asking.sendto(question, (upstream, 53))
        answer = asking.recv(4096)
    if b"cams" in question and question[-4:-2] == b"\\0\\1":  # its A record is cut out, as a router does
        answer = answer[:6] + b"\\0\\0\\0\\0\\0\\0" + question[12:]
    server.sendto(answer, peer)
"""


def program(name: str, text: str, after: str = "sleep 1") -> str:
    return f"systemd-run -q --unit={name} /usr/bin/python3 -c {shlex.quote(text)}; {after}"


@contextlib.contextmanager
def filtered(world: World) -> Iterator[None]:
    text = FILTER.replace("UPSTREAM", repr(world.home.world.address))
    make = "cp /etc/resolv.conf /root/resolv.conf; echo nameserver 127.0.0.1 > /etc/resolv.conf"
    with done(world, program("filter", text, make), "cat /root/resolv.conf > /etc/resolv.conf; systemctl stop filter"):
        yield


PICTURE, EVENT, CERTIFICATE, SKILL = ("picture", CAMERA), ("event", ""), ("certificate", ""), ("skill", "")
RESTART = f"systemctl restart live555@{CAMERA}"
LINEAGE = "/etc/letsencrypt/live/alexa-ip-cam"
STUNNEL, RESTUNNEL = "/etc/stunnel/alexa-ip-cam.conf", "systemctl restart stunnel@alexa-ip-cam"
FILM = (
    "ffmpeg -y -loglevel error -f lavfi -i testsrc=size=320x240:rate=15 -t 3 -c:v libx264 -pix_fmt yuv420p"
    " /srv/recordings/film.mp4; alexa-ip-cam-event --camera back-garden --file /srv/recordings/film.mp4"
)
CARE = "/etc/alexa-ip-cam/care.json"
ROOTS = "/etc/alexa-ip-cam/echo-roots.pem"
KEYS = "/etc/alexa-ip-cam/events-keys.json"


class Fault(NamedTuple):
    """The way that breaks, the key of the fault that has to be named, how it is made, words of what is said."""

    way: tuple[str, str]
    key: str
    make: Callable[[World], contextlib.AbstractContextManager[None]]
    says: str = ""


FAULTS = {
    "camera off": Fault(PICTURE, "camera", camera_off, "refused"),
    "wrong password": Fault(PICTURE, "camera", lambda world: sends(world, password="wrong"), "password"),
    "H.265": Fault(PICTURE, "camera", h265, "H265"),
    "High profile": Fault(PICTURE, "camera", lambda world: replaced(world, "high"), "High profile"),
    "a keyframe every 10 s": Fault(PICTURE, "camera", lambda world: replaced(world, "long"), "keyframe"),
    "advertised size wrong": Fault(
        PICTURE,
        "camera",
        scripted(
            f'cp -p {CARE} /root/; sed -i \'s/"width": 1280/"width": 640/\' {CARE}',
            f"cp -p /root/care.json {CARE}",
        ),
        "sends 1280x720, and the inventory tells Alexa 640x720",
    ),
    "LIVE555 stopped": Fault(PICTURE, "live555-stopped", stopped(f"live555@{CAMERA}")),
    "gateway stopped": Fault(PICTURE, "gateway-stopped", stopped("alexa-ip-cam-gateway")),
    "stunnel stopped": Fault(PICTURE, "stunnel-stopped", stopped("stunnel@alexa-ip-cam")),
    "Apache stopped": Fault(EVENT, "apache-stopped", stopped("apache2")),
    "port 443 closed": Fault(
        PICTURE,
        "port-closed",
        scripted(
            f"cp -p {STUNNEL} /root/stunnel; sed -i 's/0.0.0.0:443/0.0.0.0:444/' {STUNNEL}; {RESTUNNEL}",
            f"cp -p /root/stunnel {STUNNEL}; {RESTUNNEL}",
        ),
    ),
    "DNS name missing": Fault(PICTURE, "name-missing", lambda world: address(world, None)),
    "DNS name public": Fault(PICTURE, "name-public", lambda world: address(world, "8.8.4.4")),
    "DNS name filtered": Fault(PICTURE, "name-filtered", filtered),
    "clock wrong": Fault(
        CERTIFICATE,
        "clock-wrong",
        scripted(
            "cp -p /etc/alexa-ip-cam/care.json /root/; "
            + program("clock", CLOCK)
            + '; sed -i \'s|"clock_url": .*|"clock_url": "http://127.0.0.1:8099",|\' /etc/alexa-ip-cam/care.json',
            "systemctl stop clock; cp -p /root/care.json /etc/alexa-ip-cam/",
        ),
    ),
    "wrong chain": Fault(
        CERTIFICATE,
        "certificate-chain",
        scripted(
            f"cp -p {ROOTS} /root/roots; cat /etc/ssl/certs/ca-certificates.crt > {ROOTS}",
            f"cp -p /root/roots {ROOTS}",
        ),
    ),
    "disk full": Fault(
        EVENT,
        "disk-full",
        scripted("mount -t tmpfs -o size=1m tmpfs /srv/alexa-ip-cam/clips", "umount -l /srv/alexa-ip-cam/clips"),
    ),
    "grant dead": Fault(EVENT, "grant-dead", grant_dead),
    "skill disabled": Fault(EVENT, "skill-disabled", skill_disabled),
    "Lambda throttled": Fault(SKILL, "function-throttled", function_throttled),
    "signing keys differ": Fault(
        SKILL,
        "keys-differ",
        scripted(
            f"cp -p {KEYS} /root/keys; sed -i -E 's/[0-9a-f]{{40,64}}/{'0' * 40}/' {KEYS}", f"cp -p /root/keys {KEYS}"
        ),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_the_first_broken_link(world: World, fault: str) -> None:
    way, key, make, says = FAULTS[fault]
    with make(world):
        named(world, fault, way, key, says)
    world.wait_until_well()


@pytest.mark.parametrize(("fault", "old"), [("certificate expired", False), ("old certificate served", True)])
def test_the_certificate_is_the_first_broken_link(world: World, tmp_path: Path, fault: str, old: bool) -> None:
    with served(world, tmp_path, Authority("ISRG Root X1"), old=old):
        named(world, fault, CERTIFICATE, "certificate-old" if old else "certificate-expired")
    world.wait_until_well()


def test_the_timers_unit_raises_the_alarm_at_the_second_time_and_clears_it(world: World) -> None:
    """In its sandbox, with the rights that it has there."""
    world.wait_until_well()
    start = "systemctl start alexa-ip-cam-check.service; cat /var/lib/alexa-ip-cam-check/check.json"
    assert first_broken(json.loads(world.shell(start))) == {}
    with stopped("apache2")(world):
        for raised in (False, True):
            assert first_broken(json.loads(world.shell(start))) == {EVENT: "apache-stopped"}
            assert ("check-event" in world.shell("alexa-ip-cam-alarm list")) is raised
    assert first_broken(json.loads(world.shell(start))) == {}
    assert "check-event" not in world.shell("alexa-ip-cam-alarm list")


def test_the_playbook_shows_what_is_broken_and_fails(world: World) -> None:
    def play() -> playbook.Recap:
        return playbook.run(world.home.inventory.directory, playbook="playbooks/check.yml")

    well = play()
    assert "all is well" in well.output
    assert well.changed == 0
    with stopped("apache2")(world), pytest.raises(playbook.PlaybookError) as failure:
        play()
    assert "systemctl restart apache2" in failure.value.recap.output


def test_a_viewer_is_followed_by_its_address(world: World) -> None:
    show(world.home, CAMERA, seconds=1)
    log = world.shell("journalctl --unit=stunnel@alexa-ip-cam --lines=50 --output=cat")
    device = re.escape(world.home.network.host_address)
    address = re.findall(rf"accepted connection from ({device}:[0-9]+)", log)[-1]
    told = world.shell(f"alexa-ip-cam follow {address}")
    assert f"accepted connection from {address}" in told
    assert re.search(rf"alexa-ip-cam-gateway\S* .* {CAMERA}: viewer \S+ plays .*start with history", told)
    assert re.search(rf"alexa-ip-cam-gateway\S* .* {CAMERA}: viewer \S+ ended", told)
    assert world.home.appliance.run(["alexa-ip-cam", "follow", "192.0.2.1:1"], check=False).returncode == 1


def test_an_event_is_followed_by_its_media_id(world: World) -> None:
    """From the recording to Alexa and to whoever plays it."""
    listing = "find /srv/alexa-ip-cam/clips -path '*/back-garden/*.mp4'"
    before = set(world.shell(listing).split())
    world.shell(FILM)
    clip = Path(wait_for(lambda: "".join(set(world.shell(listing).split()) - before)))
    identity = clip.stem
    with ClipClient(world.home) as client:
        client.get(f"/clips/{clip.relative_to('/srv/alexa-ip-cam/clips')}")
    told = wait_for(lambda: told if "told" in (told := world.shell(f"alexa-ip-cam follow {identity}")) else "")
    assert re.search(rf"alexa-ip-cam-events\S* .* clip {identity} in ", told)
    assert re.search(rf"alexa-ip-cam-events\S* .* told MediaCreatedOrUpdated of back-garden {identity}", told)
    assert re.search(rf"apache2 .* /clips/back-garden/\S+/{identity}\.mp4", told)


def wait_for(find: Callable[[], str]) -> str:
    """What is found, as soon as there is something."""
    end = time.monotonic() + _NAMED_SECONDS
    while not (found := find()):
        assert time.monotonic() < end
        time.sleep(0.5)
    return found


def named(world: World, fault: str, way: tuple[str, str], key: str, says: str = "") -> None:
    """Check until the fault is named, and note for the table what is said of it."""
    end = time.monotonic() + _NAMED_SECONDS
    while True:
        document = world.check()
        steps = next(one["steps"] for one in document["ways"] if (one["way"], one["subject"]) == way)
        told = next((step for step in steps if step["state"] == "failed"), None)
        if told is not None and told["key"] == key and says in told["text"]:
            break
        assert time.monotonic() < end, (document, world.home.appliance.journal(lines=30))
        time.sleep(1)
    world.table.append(f"| {fault} | {way[0]}: {told['step']} | {told['text']}. {told['mend']}. |")
