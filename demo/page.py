"""The page that the family has besides, as a browser at home shows it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from playwright.sync_api import Page

from browser import Chromium
from demo.report import Report
from demo.stages import Stages
from home import Home
from home.inventory import CLIPS_NAME

# An Echo Show 8 or 10.
WIDTH, HEIGHT = 1280, 800

LOADED = "() => [...document.querySelectorAll('img[data-live]')].every(image => image.naturalWidth > 0)"
"""Whether every camera's picture is there."""


def show_page(home: Home, stages: Stages, report: Report, directory: Path) -> None:
    """Log in to the page and take its picture for the report."""
    with (
        stages.stage("page", "the page with cameras, recordings and the state of everything, in a browser"),
        Chromium({CLIPS_NAME: home.appliance.address}, home.roots_pem) as browser,
    ):
        take_picture(browser, home, directory / "page.png")
    report.page = {"png": "page.png", "url": f"https://{CLIPS_NAME}/", "width": WIDTH, "height": HEIGHT}


def owners_page(browser: Chromium, home: Home) -> AbstractContextManager[Page]:
    """A page of the browser that logs in when it is asked to."""
    user = {"username": "owner", "password": home.inventory.secrets["vault_page_password"]}
    return browser.page(viewport={"width": WIDTH, "height": HEIGHT}, http_credentials=user)


def take_picture(browser: Chromium, home: Home, path: Path) -> None:
    """Take a picture of the page when all cameras' pictures are there, through port 443 and after a log-in."""
    with owners_page(browser, home) as page:
        page.goto(f"https://{CLIPS_NAME}/")
        page.wait_for_function(LOADED)
        page.screenshot(path=path)
