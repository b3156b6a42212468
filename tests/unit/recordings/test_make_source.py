"""Which source a camera's block makes, and what is said of a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_ip_cam.events.sources import SourceError, make_source
from alexa_ip_cam.events.sources.axis import AxisSource
from alexa_ip_cam.events.sources.command import CommandSource
from alexa_ip_cam.events.sources.directory import DirectorySource
from alexa_ip_cam.events.sources.zoneminder import ZoneMinderSource


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        ({"type": "axis", "path": "/r"}, AxisSource),
        (
            {"type": "axis", "path": "/r", "source": "1", "triggers": ["a*"], "timezone": "America/Los_Angeles"},
            AxisSource,
        ),
        ({"type": "directory", "path": "/r", "layout": "dahua", "prefix": "a", "cause": "person"}, DirectorySource),
        ({"type": "zoneminder", "path": "/r", "cause": "rule"}, ZoneMinderSource),
        ({"type": "command"}, CommandSource),
    ],
)
def test_right_blocks(block: dict[str, Any], kind: type) -> None:
    assert isinstance(make_source("porch", block), kind)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({}, "type must be one of axis, command, directory, zoneminder"),
        ({"type": "ftp"}, "type must be one of"),
        ({"type": "axis"}, "path must be the absolute path"),
        ({"type": "axis", "path": "r"}, "path must be the absolute path"),
        ({"type": "axis", "path": 7}, "path must be text"),
        ({"type": "axis", "path": "/r", "layout": "dahua"}, "layout is no option of this type"),
        ({"type": "axis", "path": "/r", "triggers": "Motion"}, "triggers must be a list"),
        ({"type": "directory", "path": "/r"}, "layout must be one of reolink"),
        ({"type": "directory", "path": "/r", "layout": "x"}, "layout must be one of reolink"),
        ({"type": "directory", "path": "/r", "layout": "reolink", "cause": "x"}, "cause must be one of motion"),
        ({"type": "zoneminder", "path": "/r", "timezone": "Berlin"}, "timezone 'Berlin' is not known"),
        ({"type": "zoneminder", "path": "/r", "timezone": "../../etc/passwd"}, "is not known"),
        ({"type": "command", "cause": "motion"}, "cause is no option"),
    ],
)
def test_wrong_blocks_are_told(block: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceError, match="camera porch: recordings: ") as told:
        make_source("porch", block)
    assert words in str(told.value)
