"""The page on the running appliance: who gets it and who does not, and what a browser makes of it."""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page

from browser import Chromium
from browser.chromium import played
from demo.page import LOADED, owners_page, take_picture
from home import Home
from home.inventory import CLIPS_NAME
from machine.clip_client import ClipClient

pytestmark = pytest.mark.machine

UNIT = "alexa-ip-cam-page.service"
PATIENCE = 60.0
SECONDS = 4
PICTURES = Path(__file__).resolve().parents[2] / "build/page/appliance"

# Asks from another machine of the network, for whom the address of this one is just the router's.
_ASK = """\
import http.client, socket, ssl, sys
address, name, target = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
connection = http.client.HTTPConnection(name)
connection.sock = context.wrap_socket(socket.create_connection((address, 443), 10), server_hostname=name)
connection.request("GET", target)
answer = connection.getresponse()
print(answer.status, answer.read().decode("utf-8", "replace"))
"""


def ask_from_the_lan(home: Home, target: str) -> tuple[int, str]:
    argv = ["python3", "-c", _ASK, home.appliance.address, CLIPS_NAME, target]
    status, _, body = home.world.machine.run(argv).stdout.partition(" ")
    return int(status), body


@pytest.fixture(scope="module")
def clip(virgin_home: Home, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the page has a recording that a camera has just uploaded."""
    film = tmp_path_factory.mktemp("film") / "film.mp4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=640x360:rate=15", "-t", str(SECONDS)]
    subprocess.run([*command, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "30", film], check=True)
    start = datetime.now(UTC)
    box = virgin_home.appliance
    box.push(film, f"/srv/recordings/driveway/Driveway_00_{start:%Y%m%d%H%M%S}.mp4")
    # Not one of an earlier test.
    ours = f'/recordings/driveway/[^"]*_{start:%Y%m%dT%H%M%S}000Z_[^"]*'
    look = ["sh", "-c", f"grep -o '{ours}' /run/alexa-ip-cam-page/index.html | head -n 1"]
    end = time.monotonic() + PATIENCE
    while not (path := box.run(look, check=False).stdout.strip()):
        assert time.monotonic() < end, box.journal(UNIT)
        time.sleep(1)
    return path


def logged_in(home: Home) -> str:
    password = home.inventory.secrets["vault_page_password"]
    return "Basic " + base64.b64encode(f"owner:{password}".encode()).decode()


def targets(clip: str) -> list[str]:
    return ["/", "/metrics", "/page/page.css", "/page/page.js", "/live/front-porch.jpg", clip]


def test_nobody_gets_anything_without_being_at_home_or_logging_in(home: Home, clip: str) -> None:
    """This machine is the router of the appliance's network: behind its address could be anybody."""
    posters = home.appliance.run(["ls", "/var/cache/alexa-ip-cam-page"]).stdout.split()
    wrong = "Basic " + base64.b64encode(b"owner:not-the-password").decode()
    with ClipClient(home) as client:
        for target in [*targets(clip), *(f"/posters/{name}" for name in posters)]:
            assert client.get(target).status == 401, target
            assert client.get(target, Authorization=wrong).status == 401, target
            assert client.get(target, Authorization=logged_in(home)).status == 200, target
        for target in (clip.replace("/recordings/", "/clips/"), "/snapshots/front-porch.jpg"):
            assert client.get(target, Authorization=logged_in(home)).status == 403, "only for signed URLs"


def test_other_paths_lead_nowhere(home: Home, clip: str) -> None:
    tries = ["/index.html", "/page/", "/page/../page.css", "/posters/", "/live/", "/recordings/", clip + "/more"]
    tries += ["/live/../../secret.jpg", "/live/%2e%2e/clips/x.jpg", "/recordings//", "/page/index.html", "/etc/passwd"]
    with ClipClient(home) as client:
        answers = {path: client.get(path, Authorization=logged_in(home)).status for path in tries}
    assert {path: status for path, status in answers.items() if status not in {400, 401, 403, 404}} == {}


def test_whoever_is_at_home_needs_no_log_in(home: Home, clip: str) -> None:
    status, body = ask_from_the_lan(home, "/")
    assert status == 200
    assert all(camera["name"] in body for camera in home.inventory.cameras)
    assert [ask_from_the_lan(home, target)[0] for target in ("/live/front-porch.jpg", clip)] == [200, 200]


def test_prometheus_gets_the_metrics_of_all_parts(home: Home) -> None:
    status, text = ask_from_the_lan(home, "/metrics")
    assert status == 200
    for line in (
        'alexa_gateway_camera_connected{camera="front-porch"} 1',
        "alexa_events_linked ",
        "alexa_certificate_proved 1",
    ):
        assert line in text


@pytest.fixture(scope="module")
def chromium(virgin_home: Home) -> Iterator[Chromium]:
    with Chromium({CLIPS_NAME: virgin_home.appliance.address}, virgin_home.roots_pem) as browser:
        yield browser


@pytest.fixture
def page(home: Home, chromium: Chromium) -> Iterator[Page]:
    with owners_page(chromium, home) as opened:
        yield opened


def test_a_browser_that_is_not_logged_in_is_sent_away(chromium: Chromium, home: Home) -> None:
    wrong = {"username": "owner", "password": "not-the-password"}
    with chromium.page(http_credentials=wrong) as opened:
        answer = opened.goto(f"https://{CLIPS_NAME}/")
        assert answer is not None
        assert answer.status == 401
        assert home.inventory.cameras[0]["name"] not in opened.content()


def test_it_shows_live_pictures_and_plays_a_recording(page: Page, home: Home, clip: str) -> None:
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.goto(f"https://{CLIPS_NAME}/")
    images = page.locator("img[data-live]")
    assert images.count() == len(home.inventory.cameras)
    page.wait_for_function(LOADED)
    # A newer picture has taken the first one's place.
    page.wait_for_function("() => document.querySelector('img[data-live]').src.includes('?t=')")
    page.wait_for_function(LOADED)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "page.png", full_page=True)
    page.locator(f'a[href="{clip}"]').click()
    seen = played(page, "#player video")
    assert seen["start"] < 0.1
    assert (seen["width"], seen["frames"] > 10) == (640, True)
    page.screenshot(path=PICTURES / "clip.png")
    assert troubles == []


def test_the_demo_can_take_its_picture(chromium: Chromium, home: Home, tmp_path: Path) -> None:
    take_picture(chromium, home, tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 20_000


def test_apache_comes_back_after_a_restart_a_kill_and_a_boot(home: Home) -> None:
    home.appliance.run(["systemctl", "restart", "apache2.service"])
    home.appliance.run(["systemctl", "kill", "--signal", "KILL", "apache2.service"])
    end = time.monotonic() + 20
    while home.appliance.run(["systemctl", "is-active", "apache2.service"], check=False).stdout.strip() != "active":
        assert time.monotonic() < end, home.appliance.journal("apache2.service")
        time.sleep(0.5)
    # A boot finds nothing in /run.
    boot = "systemctl stop apache2 && rm -rf /run/apache2 /run/lock/apache2 && systemd-tmpfiles --create"
    home.appliance.run(["sh", "-c", f"{boot} && systemctl start apache2"])
    assert ask_from_the_lan(home, "/page/page.css")[0] == 200


def test_it_goes_away_and_comes_back(home: Home) -> None:
    """With it goes every path to pictures and clips without a signature."""
    gone = home.site("--tags", "apache,page", "--extra-vars", "page_access=nobody")
    assert gone.failed == 0
    with ClipClient(home) as client:
        assert client.get("/", Authorization=logged_in(home)).status == 403
        assert client.get("/live/front-porch.jpg", Authorization=logged_in(home)).status in {403, 404}
    left = home.appliance.run(
        ["sh", "-c", "ls -d /run/*-page /etc/alexa-ip-cam/page.json /etc/apache2/*-users"], check=False
    )
    assert left.stdout == ""
    assert home.site("--tags", "apache,page").failed == 0
    assert ask_from_the_lan(home, "/page/page.css")[0] == 200
