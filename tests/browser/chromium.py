"""Starts Debian's Chromium with a home of its own, in which only the given roots are added to its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

PROGRAM = "/usr/bin/chromium"
PATIENCE_MS = 15_000.0


class Chromium:
    """A context manager; one browser, with any number of pages that share nothing.

    Args:
        names: addresses by the names that the browser shall find there, such as
            ``{"clips.example.test": "10.1.2.3"}``. No other name is found at all.
        roots_pem: a file with roots that it shall trust besides its own; None for none.
    """

    def __init__(self, names: Mapping[str, str], roots_pem: Path | None = None) -> None:
        self._names = names
        self._roots_pem = roots_pem
        self._stack = contextlib.ExitStack()
        self.browser: Browser

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chromium-")))
            if self._roots_pem is not None:
                _trust(home / ".pki/nssdb", self._roots_pem.read_text())
            rules = [f"MAP {name} {address}" for name, address in self._names.items()]
            playwright = stack.enter_context(sync_playwright())
            self.browser = playwright.chromium.launch(
                executable_path=PROGRAM,
                env={**os.environ, "HOME": str(home)},
                # It tries AAAA, DoH and its maker's services otherwise.
                args=[f"--host-resolver-rules={', '.join([*rules, 'MAP * ~NOTFOUND'])}", "--disable-gpu"],
            )
            stack.callback(self.browser.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def page(self, **context: Any) -> Iterator[Page]:
        """A page that shares nothing with others; `context` is Playwright's ``new_context`` (viewport...)."""
        opened: BrowserContext = self.browser.new_context(**context)
        opened.set_default_timeout(PATIENCE_MS)
        try:
            yield opened.new_page()
        finally:
            opened.close()


def played(page: Page, selector: str = "video", seconds: float = 1.0) -> dict[str, float]:
    """Play a video, muted, until it has shown `seconds`; returns `start` of what was played, `time`, `width`, `frames`.

    Raises AssertionError with the player's own words when it cannot.
    """
    script = """async ([selector, seconds]) => {
        const video = document.querySelector(selector);
        if (!video) throw new Error(`no ${selector} on the page`);
        video.muted = true;
        await video.play();
        for (let tries = 0; tries < 300 && video.currentTime < seconds && !video.error && !video.ended; tries++)
            await new Promise(done => setTimeout(done, 50));
        if (video.error) throw new Error(video.error.message);
        return {
            start: video.played.length ? video.played.start(0) : -1,
            time: video.currentTime,
            width: video.videoWidth,
            frames: video.getVideoPlaybackQuality().totalVideoFrames,
        };
    }"""
    try:
        seen: dict[str, float] = page.evaluate(script, [selector, seconds])
    except Error as error:
        raise AssertionError(f"the clip does not play: {error}") from error
    assert seen["time"] >= seconds, f"the clip stopped: {seen}"
    return seen


def _trust(database: Path, roots: str) -> None:
    """Make a certificate database as Chromium looks for it in its home."""
    database.mkdir(parents=True)
    base = ["certutil", "-d", f"sql:{database}"]
    subprocess.run([*base, "-N", "--empty-password"], check=True, capture_output=True)
    end = "-----END CERTIFICATE-----"
    for number, root in enumerate(part for part in roots.split(end) if part.strip()):
        argv = [*base, "-A", "-n", f"root-{number}", "-t", "C,,"]
        subprocess.run(argv, input=f"{root.strip()}\n{end}\n", text=True, check=True, capture_output=True)
