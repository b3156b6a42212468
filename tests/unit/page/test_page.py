"""What the page says, that it says it safely, and when it is written."""

from __future__ import annotations

import html.parser
import json
import os
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alexa_ip_cam.page import posters
from alexa_ip_cam.page.__main__ import UNCHANGED_ROUNDS, PageService, main
from alexa_ip_cam.page.clips import newest
from alexa_ip_cam.page.settings import Camera, load
from alexa_ip_cam.page.sources import look
from alexa_ip_cam.page.view import View, view
from unit.page.conftest import CAMERAS, FILES, Site, check, events_status, gateway_status, proof

EVIL = "<script>alert(1)</script> \"'&amp;"


def shown(site: Site) -> View:
    return view(look(site.settings), site.settings.cameras, posters.made(site.settings.posters), UTC)


@dataclass
class Parsed(html.parser.HTMLParser):
    """Tags with their attributes, and the text."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(text: str) -> Parsed:
    parser = Parsed()
    parser.feed(text)
    return parser


def test_nothing_that_others_write_becomes_markup(tmp_path: Path) -> None:
    """Names, reasons, alarms and checks with tags and quotes in them stay text; a strange file is no recording."""
    site = Site(tmp_path, (Camera("front-porch", EVIL), Camera("driveway", "Driveway")))
    plain = [tag for tag, _ in parsed(site.round()).tags].count("script")
    site.snapshot("front-porch")
    site.write("gateway_status", gateway_status(driveway={"connected": False, "problem": EVIL}))
    site.write("events_status", events_status(halted=EVIL, refused={EVIL: EVIL}, troubles={EVIL: EVIL}))
    site.write("proof", proof(ok=False, problems=[EVIL]))
    steps = [{"step": EVIL, "state": "failed", "text": EVIL, "mend": EVIL}]
    site.write("check", {"ways": [{"way": EVIL, "subject": EVIL, "steps": steps}]})
    site.alarm("gateway", EVIL)
    identity = site.clip("front-porch", datetime.now(UTC))
    strange = next(site.settings.clips.rglob(f"{identity}.mp4")).parent / '"><script>.mp4'
    strange.write_bytes(b"")
    page = parsed(site.round())
    assert [tag for tag, _ in page.tags].count("script") == plain == 1
    assert [name for _, found in page.tags for name in found if name.startswith("on") or name == "style"] == []
    assert page.text.count(EVIL) == 16
    assert [found["href"] for tag, found in page.tags if tag == "a"] == [
        f"/recordings/{path.relative_to(site.settings.clips)}" for path in site.settings.clips.rglob(f"{identity}.mp4")
    ]
    assert all(
        str(found.get("src", found.get("href"))).startswith("/") for tag, found in page.tags if tag in ("img", "a")
    )


def test_nothing_comes_from_elsewhere_and_nothing_is_inline() -> None:
    for path in [FILES / "page.html.jinja", *(FILES / "www").iterdir()]:
        text = path.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert re.findall(r"https?://|@import|url\(|//[a-z]+\.[a-z]", text) == [], path
    tags = parsed((FILES / "page.html.jinja").read_text()).tags
    assert [found for tag, found in tags if tag == "script"] == [{"src": "/page/page.js", "defer": None}]
    assert [tag for tag, found in tags if tag == "style" or "style" in found] == []


def test_of_an_appliance_that_has_said_nothing_yet_it_says_so(site: Site) -> None:
    said = shown(site)
    assert {camera.state for camera in said.cameras} == {"The gateway has said nothing yet."}
    lines = [*said.queue, *said.certificate, *said.checks]
    assert {line.mood for line in lines} == {"unsure"}
    assert "The certificate has not been proved yet." in [line.text for line in lines]
    assert "No recordings yet." in parsed(site.round()).text


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[1]", b'"x"', b'{"cameras": 5, "messages": [], "ways": 7}', b"\xff\xfe"]
)
def test_damaged_files_do_no_harm(site: Site, damage: bytes) -> None:
    for name in ("gateway_status", "events_status", "proof", "check", "events_metrics"):
        getattr(site.settings, name).write_bytes(damage)
    assert "Cameras at home" in site.round()


def test_a_service_that_has_stopped_is_no_longer_believed(site: Site) -> None:
    site.write("gateway_status", gateway_status(), age=300)
    site.write("events_status", events_status(), age=7300)
    site.write("check", check(), age=40 * 3600)
    said = shown(site)
    assert said.cameras[0].state == "The gateway does not run."
    site.snapshot(said.cameras[0].id)
    assert shown(site).cameras[0].state == "The gateway does not run, so this may be an old picture."
    assert (said.queue[0].mood, said.queue[0].text) == ("bad", "The events service stopped 2 hours ago.")
    assert (said.checks[-1].mood, said.checks[-1].mend) == ("unsure", "on the appliance, run: alexa-ip-cam check")


@pytest.mark.parametrize(
    ("changed", "mood", "state"),
    [
        ({}, "good", "Connected."),
        ({"connected": False, "problem": "refused"}, "bad", "No picture from the camera: refused."),
        ({"connected": False}, "bad", "No picture from the camera: it has not answered yet."),
        ({"connected": False, "warm": "on_demand"}, "plain", "Asleep until somebody watches."),
        (
            {"connected": False, "warm": "on_demand", "problem": "nobody watches"},
            "plain",
            "Asleep until somebody watches.",
        ),
    ],
)
def test_a_cameras_state(site: Site, changed: dict[str, object], mood: str, state: str) -> None:
    site.snapshot("driveway")
    site.write("gateway_status", gateway_status(driveway=changed))
    (camera,) = [camera for camera in shown(site).cameras if camera.id == "driveway"]
    assert (camera.mood, camera.state) == (mood, state)


def test_without_a_gateway_no_camera_is_called_broken(site: Site) -> None:
    cameras = view(look(site.settings), CAMERAS, (), UTC, gateway=False).cameras
    assert {camera.mood for camera in cameras} == {"plain"}
    assert {camera.picture for camera in cameras} == {""}


def test_a_cameras_figures(site: Site) -> None:
    site.snapshot("driveway", age=4000)
    site.write("gateway_status", gateway_status(driveway={"viewers": 2, "first_picture_max_seconds": 1.26}))
    (camera,) = [camera for camera in shown(site).cameras if camera.id == "driveway"]
    assert camera.state == "Connected, but there is no new snapshot."
    assert list(camera.facts) == [
        ("Picture", "1 hour old"),
        ("Frames", "30 per second"),
        ("Watching", "2"),
        ("First picture", "41 ms, at most 1.3 s"),
    ]


def test_the_first_broken_link_of_each_way_is_told_with_its_mend(site: Site) -> None:
    site.write("check", check(broken=True))
    lines = {line.title: line for line in shown(site).checks}
    broken = lines["Live picture, Driveway"]
    assert (broken.mood, broken.text) == ("bad", "LIVE555: It has no stream of this camera.")
    assert broken.mend == "systemctl restart live555@driveway, and look at its journal."
    assert lines["Live picture, Front Porch"].text == "All 5 steps are well."


def test_a_way_that_was_not_walked_is_not_called_well(site: Site) -> None:
    steps = [{"step": "skill", "state": "untried", "text": "It is not deployed.", "mend": ""}]
    site.write("check", {"ways": [{"way": "skill", "subject": "", "steps": steps}]})
    assert shown(site).checks[0][:3] == ("unsure", "Skill", "Not tried: skill. It is not deployed.")


def test_the_certificates_days_go_on_after_the_proof(site: Site) -> None:
    site.write("proof", proof(at=time.time() - 2 * 86_400, days_left=10.5), age=2 * 86_400)
    lines = shown(site).certificate
    assert (lines[0].mood, lines[0].text) == ("good", "8 days left.")
    assert (lines[-1].mood, lines[-1].mend) == (
        "unsure",
        "on the appliance, look at: systemctl list-timers alexa-ip-cam-proof.timer",
    )


def test_recordings_are_grouped_by_the_appliances_own_days(site: Site) -> None:
    zone = ZoneInfo("Europe/Berlin")
    midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    site.clip("driveway", midnight + timedelta(seconds=1), seconds=65)
    site.clip("front-porch", midnight - timedelta(minutes=1))
    site.clip("front-porch", midnight - timedelta(days=2))
    days = view(look(site.settings), CAMERAS, (), zone).days
    assert [day.title for day in days[:2]] == ["Today", "Yesterday"]
    assert re.fullmatch(r"[A-Z]\w+day, \d\d \w+ \d{4}", days[2].title)
    assert days[0].summary == "1 recording, the last at 00:00: Driveway 1"
    assert (days[0].clips[0].time, days[0].clips[0].length, days[0].clips[0].cause) == (
        "00:00:01",
        "1 min 5 s",
        "Motion",
    )


def test_the_newest_clips_are_found_without_reading_all_days(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    wanted = [site.clip("driveway", now - timedelta(days=number)) for number in range(20)]
    listed: list[str] = []
    real = os.listdir

    def noted(path: Path) -> list[str]:
        listed.append(str(path))
        return real(path)

    monkeypatch.setattr("os.listdir", noted)
    assert [clip.identity for clip in newest(site.settings.clips, 3)] == wanted[:3]
    assert len([path for path in listed if re.search(r"\d{4}-\d\d-\d\d$", path)]) == 3


def test_it_is_written_when_something_changes_and_once_a_minute(site: Site) -> None:
    service = PageService(site.settings)
    assert service.round()
    assert [service.round() for _ in range(UNCHANGED_ROUNDS)] == [False] * (UNCHANGED_ROUNDS - 1) + [True]
    site.alarm("gateway", "the gateway does not run")
    assert service.round()
    assert "the gateway does not run" in site.html


def test_small_pictures_are_made_a_few_at_a_time_and_go_with_their_clips(site: Site, film: Path) -> None:
    now = datetime.now(UTC)
    made = [site.clip("garage", now - timedelta(minutes=number), film) for number in range(5)]
    broken = site.clip("driveway", now - timedelta(hours=1))  # an empty file
    clips = newest(site.settings.clips, 200)
    posters.make_some(clips, site.settings.clips, site.settings.posters, at_most=2)
    assert posters.made(site.settings.posters) == set(made[:2])
    posters.make_some(clips, site.settings.clips, site.settings.posters, at_most=9)
    assert posters.made(site.settings.posters) == set(made)
    assert (site.settings.posters / f"{made[0]}.jpg").read_bytes().startswith(b"\xff\xd8")
    assert (site.settings.posters / f"{broken}.jpg").stat().st_size == 0
    posters.make_some(clips[:1], site.settings.clips, site.settings.posters, at_most=9)
    assert [path.name for path in site.settings.posters.iterdir()] == [f"{made[0]}.jpg"]


def test_a_clip_that_is_a_playlist_reads_no_other_file(site: Site) -> None:
    secret = site.folder / "secret.txt"
    secret.write_text("not to be seen")
    identity = site.clip("driveway", datetime.now(UTC))
    next(site.settings.clips.rglob("*.mp4")).write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    posters.make_some(newest(site.settings.clips, 9), site.settings.clips, site.settings.posters, at_most=9)
    assert (site.settings.posters / f"{identity}.jpg").stat().st_size == 0


def test_settings_that_are_missing_or_damaged_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.json"
    assert main([str(path)]) == 1
    path.write_text(json.dumps({"cameras": []}))
    assert main([str(path)]) == 1
    assert capsys.readouterr().err.count("run the role page again") == 2
    with pytest.raises(ValueError, match="damaged"):
        load(path)
