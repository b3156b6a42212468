"""The page in headless Chromium: good days and bad ones, on a phone, a desk and an Echo Show, light and dark."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from browser import Chromium
from browser.chromium import played
from unit.page.conftest import ROOT, Site, check, events_status, gateway_status, proof, well

PICTURES = ROOT / "build/page"
SCREENS = {"phone": (390, 844), "desktop": (1440, 900), "echo-show": (1280, 800)}
LEVELS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

Fill = Callable[[Site], None]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with Chromium({"127.0.0.1": "127.0.0.1"}) as browser:
        yield browser


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    """A page that may not say a word of error."""
    with chromium.page(viewport={"width": 1280, "height": 800}) as opened:
        troubles = complaints(opened)
        yield opened
        assert troubles == []


def complaints(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def good(site: Site, scenes: dict[str, bytes], film: Path) -> Site:
    return well(site, scenes, film)


def make_broken(site: Site) -> None:
    """A bad day: a camera away, one without a picture, an event service that has stopped, and more."""
    away = {"connected": False, "problem": "connection refused", "frames_per_second": 0.0}
    site.write("gateway_status", gateway_status(driveway=away, garage={"connected": False}))
    (site.settings.snapshots / "garage.jpg").unlink()
    site.snapshot("driveway", (site.settings.snapshots / "driveway.jpg").read_bytes(), age=4000)
    parked = {"media": {"waiting": 3, "parked": 2}}
    site.write("events_status", events_status(linked=False, messages=parked, halted="no answer from Amazon"))
    problems = ["clips.example.com: the certificate is not renewed. Look at: journalctl -u certbot"]
    site.write("proof", proof(ok=False, days_left=2.5, problems=problems), age=20_000)
    site.write("check", check(broken=True))
    text = "camera driveway gives no pictures (connection refused) for an hour or longer. Look whether it has power."
    site.alarm("camera-driveway", text)
    site.alarm("certificate", problems[0])


def accessibility(page: Page) -> list[str]:
    found = Axe().run(page, options=LEVELS).response["violations"]
    return [f"{one['id']}: {node['html'][:120]} {node['failureSummary']}" for one in found for node in one["nodes"]]


@pytest.fixture(params=["good", "broken", "empty"])
def state(request: pytest.FixtureRequest, good: Site, tmp_path: Path) -> tuple[str, Site]:
    """A site in one of its states, with the state's name."""
    if request.param == "broken":
        make_broken(good)
    elif request.param == "empty":
        (tmp_path / "bare").mkdir()
        return "empty", Site(tmp_path / "bare")
    return request.param, good


def test_every_state_on_every_screen(chromium: Chromium, state: tuple[str, Site], serve: Callable[[Site], str]) -> None:
    """No sideways scrolling, nothing that axe finds fault with; the pictures are to be looked at."""
    name, site = state
    site.round()
    url = serve(site)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for screen, scheme in itertools.product(SCREENS, ("light", "dark")):
        width, height = SCREENS[screen]
        with chromium.page(viewport={"width": width, "height": height}, color_scheme=scheme) as opened:
            troubles = complaints(opened)
            opened.goto(url, wait_until="networkidle")
            assert opened.evaluate("document.documentElement.scrollWidth") <= width, screen
            opened.screenshot(path=PICTURES / f"{name}-{screen}-{scheme}.png", full_page=screen != "echo-show")
            assert accessibility(opened) == []
            assert troubles == []


def test_axe_finds_what_is_wrong(page: Page) -> None:
    """Otherwise its silence would prove nothing."""
    page.set_content('<!doctype html><html><body><img src="data:,"><p style="color:#eee">pale</p></body></html>')
    found = "\n".join(accessibility(page))
    assert all(rule in found for rule in ("image-alt", "color-contrast", "html-has-lang"))


def test_a_recording_plays_in_place_and_the_player_closes(page: Page, good: Site, serve: Callable[[Site], str]) -> None:
    good.round()
    page.goto(serve(good))
    page.locator("a[data-clip]").first.focus()
    page.keyboard.press("Enter")
    seen = played(page, "#player video")
    assert seen["start"] == 0
    assert seen["frames"] > 5
    page.screenshot(path=PICTURES / "player.png")
    assert accessibility(page) == []
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('#player').open")
    assert page.evaluate("document.querySelector('#player video').getAttribute('src')") is None


def test_a_recording_that_is_gone_is_told(chromium: Chromium, good: Site, serve: Callable[[Site], str]) -> None:
    good.round()
    with chromium.page() as opened:
        opened.goto(serve(good))
        for path in good.settings.clips.rglob("*.mp4"):
            path.unlink()
        opened.locator("a[data-clip]").first.click()
        opened.get_by_text("This recording cannot be played.").wait_for()


def test_pictures_and_state_become_fresh_by_themselves(page: Page, good: Site, serve: Callable[[Site], str]) -> None:
    page.clock.install()
    good.round()
    page.goto(serve(good))
    first = page.locator("img[data-live]").first
    before = first.get_attribute("src")
    away = {"connected": False, "problem": "no route to host"}
    good.write("gateway_status", gateway_status(front_porch=away))
    good.round()
    page.clock.run_for(16_000)
    page.get_by_text("No picture from the camera: no route to host.").wait_for()
    page.wait_for_function("before => document.querySelector('img[data-live]').src !== before", arg=before)
    page.wait_for_function("() => document.querySelector('img[data-live]').naturalWidth === 640")


def test_who_moves_by_keys_stays_where_he_is(chromium: Chromium, good: Site, serve: Callable[[Site], str]) -> None:
    good.round()
    with chromium.page() as opened:
        opened.clock.install()
        opened.goto(serve(good))
        link = opened.locator("a[data-clip]").nth(3)
        href = link.get_attribute("href")
        link.focus()
        gone = next(path for path in good.settings.clips.rglob("*.mp4") if path.name not in str(href))
        gone.unlink()
        good.round()
        opened.clock.run_for(16_000)
        opened.wait_for_function("name => !document.body.innerHTML.includes(name)", arg=gone.name)
        assert opened.evaluate("document.activeElement.getAttribute('href')") == href


def test_an_old_page_says_that_it_is_old(page: Page, good: Site, serve: Callable[[Site], str]) -> None:
    index = good.settings.out / "index.html"
    index.write_text(good.round().replace(f'data-at="{int(time.time())}"', f'data-at="{int(time.time()) - 600}"'))
    page.goto(serve(good))
    page.get_by_text("This page was written 10 minutes ago.").wait_for()


def test_an_appliance_that_is_gone_is_told(chromium: Chromium, good: Site, serve: Callable[[Site], str]) -> None:
    good.round()
    with chromium.page() as opened:
        opened.clock.install()
        opened.goto(serve(good))
        opened.context.set_offline(True)
        opened.clock.run_for(16_000)
        opened.get_by_text("The appliance does not answer").wait_for()


def test_two_hundred_recordings(
    page: Page, site: Site, scenes: dict[str, bytes], film: Path, serve: Callable[[Site], str]
) -> None:
    well(site, scenes, film, recordings=230).round()
    page.goto(serve(site), wait_until="networkidle")
    assert page.locator("a[data-clip]").count() == 200
    # Those far down are not fetched before somebody comes near them.
    seen = "[...document.querySelectorAll('.clips img')].filter(image => image.complete && image.naturalWidth).length"
    assert page.evaluate(seen) < 200
    page.screenshot(path=PICTURES / "many.png", full_page=True)


def test_it_does_not_need_scripts(chromium: Chromium, good: Site, serve: Callable[[Site], str]) -> None:
    good.round()
    with chromium.page(java_script_enabled=False) as opened:
        opened.goto(serve(good))
        assert opened.locator("noscript").count() == 1
        assert opened.get_by_text("Connected.").count() == 4
        assert str(opened.locator("a[data-clip]").first.get_attribute("href")).startswith("/recordings/")
