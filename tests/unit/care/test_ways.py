"""Whole ways on what services leave behind, in a directory of the test's own; systemctl is played."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alexa_ip_cam.alexa.lwa import Client, Tokens
from alexa_ip_cam.alexa.store import Store
from alexa_ip_cam.care import checking
from alexa_ip_cam.care.event import Event
from alexa_ip_cam.care.picture import Picture
from alexa_ip_cam.care.settings import Camera, Settings
from alexa_ip_cam.care.skill import Skill
from alexa_ip_cam.care.steps import Way, go, good
from alexa_ip_cam.proof.settings import Settings as Port
from simulators.amazon.aws import ACCESS_KEY, REGION, Aws

TABLE, SITE = "alexa-ip-cam", "cams.example.com"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for folder in ("etc/live555", "run/alexa-ip-cam-gateway", "run/alexa-ip-cam-events", "state", "clips", "var"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/live555/den.conf").write_text("# ours\nurl=rtsp://192.0.2.1/a?b=c\nusername=u\npassword=p=q\n")
    return Settings(
        streams_name=SITE,
        remote_name="",
        cameras=(Camera("den", 1, "local", {"width": 640}),),
        gateway=True,
        events=True,
        skill=True,
        clock_url="http://127.0.0.1:1",
        etc=tmp_path / "etc",
        run=tmp_path / "run",
        state=tmp_path / "state",
        renewals=tmp_path / "renewals.json",
        clips=tmp_path / "clips",
        var=tmp_path / "var",
    )


@pytest.fixture(autouse=True)
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho LoadState=loaded\necho ActiveState=active\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


class Looked:
    """The audit, which notes what it was asked to look at and finds nothing."""

    def __init__(self, *, finds: str = "size") -> None:
        self.finds = finds
        self.at: list[tuple[str, str, str, str]] = []

    def __call__(
        self, url: str, username: str, password: str, camera: Mapping[str, Any], *, transport: str = "tcp"
    ) -> list[Any]:
        assert camera == {"width": 640}
        self.at.append((url, username, password, transport))
        level = "fails" if self.finds == "reachable" and "127.0.0.1" in url else "good"
        return [Said(level, self.finds)]


class Said(NamedTuple):
    level: str
    key: str
    text: str = "as it should be"
    mend: str = ""


def picture(settings: Settings, looked: Looked) -> Way:
    port = Port("127.0.0.1", 1, (SITE,), Path("/none"), Path("/none"), Path("/none"))
    return go("picture", "den", Picture(settings, port, looked, lambda: good("right")).steps(settings.cameras[0]))


def gateway_says(settings: Settings, **status: Any) -> None:
    (settings.run / "alexa-ip-cam-gateway/status.json").write_text(json.dumps({"cameras": {"den": status}}))


def fault(way: Way) -> str:
    assert way.fault is not None
    return way.fault.key


def test_a_camera_that_works_is_looked_at_through_live555(settings: Settings) -> None:
    gateway_says(settings, connected=True)
    looked = Looked()
    assert fault(picture(settings, looked)) == "live555-silent"  # nobody listens on port 1
    assert looked.at == [("rtsp://127.0.0.1:1/den", "", "", "tcp")]


@pytest.mark.parametrize("finds", ["reachable", "credentials"])
def test_where_live555_can_tell_nothing_the_camera_is_asked_itself(settings: Settings, finds: str) -> None:
    """LIVE555 asks for no password, and may hang: neither is the camera's fault."""
    gateway_says(settings, connected=True)
    looked = Looked(finds=finds)
    assert fault(picture(settings, looked)) == "live555-silent"
    assert [url for url, *_ in looked.at] == ["rtsp://127.0.0.1:1/den", "rtsp://192.0.2.1/a?b=c"]


def test_a_camera_that_does_not_is_asked_itself(settings: Settings) -> None:
    gateway_says(settings, connected=False, problem="404 Not Found")
    looked = Looked()
    picture(settings, looked)
    assert looked.at == [("rtsp://192.0.2.1/a?b=c", "u", "p=q", "tcp")]


def test_a_camera_that_sleeps_is_left_alone(settings: Settings) -> None:
    gateway_says(settings, connected=False, problem="nobody watches", warm="on_demand")
    looked = Looked()
    picture(settings, looked)
    assert looked.at == []


def test_without_live555s_file_nothing_can_be_found_out(settings: Settings) -> None:
    (settings.etc / "live555/den.conf").unlink()
    assert fault(picture(settings, Looked())) == "not-checked"


def test_the_way_of_the_events_ends_where_the_skill_would_begin(settings: Settings) -> None:
    (settings.run / "alexa-ip-cam-events/status.json").write_text(json.dumps({"linked": False, "messages": {}}))
    assert fault(go("event", "", Event(settings, {}).steps())) == "not-linked"
    assert go("event", "", Event(dataclasses.replace(settings, skill=False), {}).steps()).fault is None
    settings.clips.rmdir()
    assert fault(go("event", "", Event(settings, {}).steps())) == "clips-missing"


def test_what_was_remembered_may_be_missing_or_damaged(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    assert checking.remembered(path) == {}
    path.write_text("{")
    assert checking.remembered(path) == {}
    path.write_text('{"counts": {"check-event": 1}}')
    assert checking.remembered(path) == {"counts": {"check-event": 1}}


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with Aws() as server:
        yield server


def test_the_way_of_the_skill_up_to_its_function(settings: Settings, aws: Aws) -> None:
    def skill() -> str:
        return fault(go("skill", "", Skill(settings).steps()))

    assert skill() == "skill-not-deployed"
    access = {
        "table": TABLE,
        "region": REGION,
        "site": SITE,
        "access_key_id": ACCESS_KEY[0],
        "secret_access_key": ACCESS_KEY[1],
        "endpoint_url": aws.url,
    }
    stored = settings.etc / "events-store.json"
    stored.write_text(json.dumps(access))
    assert skill() == "store-unreachable"  # there is no table
    aws.make_table(TABLE)
    assert skill() == "grant-missing"
    store = Store(TABLE, SITE, region=REGION, endpoint_url=aws.url, access_key=ACCESS_KEY)
    store.put_grant(Tokens("a", "r", 1.0), Client("i", "s"), "EU")
    assert skill() == "function-old"  # an older skill.yml told no regions
    stored.write_text(json.dumps({**access, "regions": [REGION]}))
    assert skill() == "function-missing"
    stored.write_text(json.dumps({**access, "regions": [REGION], "endpoint_url": "http://127.0.0.1:9"}))
    assert skill() == "store-unreachable"
