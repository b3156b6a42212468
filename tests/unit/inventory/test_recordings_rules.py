"""The `recordings:` block: what preflight refuses is what the service would refuse, told in time."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.appliance.camera_rules import camera_problems
from ansible.module_utils.appliance.recordings_rules import CAUSES, LAYOUTS, recordings_problems

from alexa_ip_cam import media_id
from alexa_ip_cam.events import announcement
from alexa_ip_cam.events.sources import SourceError, make_source, patterns
from unit.inventory.test_camera_rules import with_

RIGHT: list[dict[str, Any]] = [
    {"type": "axis", "path": "/srv/recordings/axis-ACCC8EB0662C"},
    {"type": "axis", "path": "/r", "timezone": "Europe/Berlin", "source": "1", "triggers": ["ACC_Motion_*"]},
    {"type": "directory", "path": "/home/camera/it's [1] @ home", "layout": "reolink", "prefix": "Porch_"},
    {"type": "zoneminder", "path": "/var/cache/zoneminder/events/1", "cause": "person"},
    {"type": "command"},
]
WRONG: list[tuple[object, str]] = [
    ("axis", "recordings must be a mapping"),
    ({}, "recordings: type must be one of axis, directory, zoneminder, command"),
    ({"type": "ftp"}, "recordings: type must be one of"),
    ({"type": "axis"}, "recordings: path is missing"),
    ({"type": "directory", "path": "/r"}, "recordings: layout is missing"),
    ({"type": "directory", "path": "/r", "layout": "reo"}, "recordings: layout must be one of reolink"),
    ({"type": "directory", "path": "/r", "layuot": "dahua", "layout": "dahua"}, "did you mean layout?"),
    ({"type": "axis", "path": "recordings"}, "recordings: path must be the absolute path"),
    ({"type": "axis", "path": 7}, "recordings: path must be"),
    ({"type": "axis", "path": "/r", "timezone": "CET-1"}, "recordings: timezone must be a time zone's name"),
    ({"type": "axis", "path": "/r", "source": 1}, "recordings: source must be text, with quotes"),
    ({"type": "axis", "path": "/r", "triggers": "Motion"}, "recordings: triggers must be a list"),
    ({"type": "zoneminder", "path": "/r", "cause": "boredom"}, "recordings: cause must be one of motion"),
    ({"type": "command", "path": "/r"}, "recordings: path is no option of type command; it has none"),
]


@pytest.mark.parametrize("block", RIGHT)
def test_right_blocks_pass_and_make_a_source(block: dict[str, Any]) -> None:
    assert recordings_problems(block) == []
    assert camera_problems(with_(recordings=block)) == []
    make_source("front-porch", block)


@pytest.mark.parametrize(("block", "words"), WRONG)
def test_wrong_blocks_are_told(block: object, words: str) -> None:
    (problem,) = camera_problems(with_(recordings=block))
    assert words in problem


@pytest.mark.parametrize("path", ["/r/../etc", "/r\n", "r", ""])
def test_paths_that_lead_elsewhere_are_told(path: str) -> None:
    assert recordings_problems({"type": "axis", "path": path}) != []


@pytest.mark.parametrize(
    "block", [block for block, _ in WRONG if isinstance(block, dict) and block != {"type": "command", "path": "/r"}]
)
def test_the_service_refuses_the_same(block: dict[str, Any]) -> None:
    with pytest.raises(SourceError):
        make_source("front-porch", block)


def test_the_lists_of_words_are_the_services() -> None:
    assert set(LAYOUTS) == set(patterns.LAYOUTS)
    assert set(CAUSES) == set(announcement.CAUSES) == set(media_id.CAUSES)
