"""Headless Chromium as a member of the family uses it: by name, over TLS that it really verifies."""

from browser.chromium import Chromium

__all__ = ["Chromium"]
