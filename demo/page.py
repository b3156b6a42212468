"""The page that the family has besides, as a browser at home shows it."""

from __future__ import annotations

from pathlib import Path

from browser import Chromium
from demo.report import Report
from demo.stages import Stages
from home import Home
from home.inventory import CLIPS_NAME

# An Echo Show 8 or 10.
WIDTH, HEIGHT = 1280, 800

_LOADED = "() => [...document.querySelectorAll('img[data-live]')].every(image => image.naturalWidth > 0)"


def show_page(home: Home, stages: Stages, report: Report, directory: Path) -> None:
    """Log in to the page and take its picture for the report."""
    with (
        stages.stage("page", "the page with cameras, recordings and the state of everything, in a browser"),
        Chromium({CLIPS_NAME: home.appliance.address}, home.roots_pem) as browser,
    ):
        take_picture(browser, home, directory / "page.png")
    report.page = {"png": "page.png", "url": f"https://{CLIPS_NAME}/", "width": WIDTH, "height": HEIGHT}


def take_picture(browser: Chromium, home: Home, path: Path) -> None:
    """Take a picture of the page when all cameras' pictures are there, through port 443 and after a log-in."""
    user = {"username": "owner", "password": home.inventory.secrets["vault_page_password"]}
    with browser.page(viewport={"width": WIDTH, "height": HEIGHT}, http_credentials=user) as page:
        page.goto(f"https://{CLIPS_NAME}/")
        page.wait_for_function(_LOADED)
        page.screenshot(path=path)
