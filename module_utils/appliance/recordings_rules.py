"""What a camera's `recordings:` block may look like: each rule gives a sentence with what is wrong and the mend.

Pure of Ansible. The events service checks the same when it starts (`alexa_ip_cam.events.sources`); here it is told
before anything changes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping

CAUSES = ("motion", "audio", "person", "app", "voice", "rule")

LAYOUTS = (
    "reolink",
    "reolink-sd",
    "reolink-sd-sub",
    "dahua",
    "foscam",
    "hikvision",
    "motion",
    "yi-hack",
    "wyze",
    "generic",
)

_ZONE = re.compile(r"[A-Za-z]+(?:/[A-Za-z0-9_+-]+){0,2}")
_LOCAL = ("path", "timezone", "cause")
_OPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "axis": (("path",), (*_LOCAL, "source", "triggers")),
    "directory": (("path", "layout"), (*_LOCAL, "layout", "prefix")),
    "zoneminder": (("path",), _LOCAL),
    "command": ((), ()),
}
"""Each type's required options, and all it has."""


def recordings_problems(block: object) -> list[str]:
    """Everything wrong with a block; empty when it is right."""
    if not isinstance(block, Mapping):
        return ["recordings must be a mapping; write type: and what belongs to it below, as docs/recordings.md shows"]
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in _OPTIONS:
        return [f"recordings: type must be one of {', '.join(_OPTIONS)}; see docs/recordings.md"]
    return [f"recordings: {problem}" for problem in _option_problems(kind, block)]


def _option_problems(kind: str, block: Mapping[object, object]) -> Iterator[str]:
    required, known = _OPTIONS[kind]
    for missing in required:
        if missing not in block:
            yield f"{missing} is missing; add it"
    for name, value in block.items():
        if name == "type":
            continue
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            has = f"it has {', '.join(known)}" if known else "it has none"
            yield f"{name} is no option of type {kind}; {f'did you mean {near[0]}?' if near else has}"
        elif not _RULES[str(name)](value):
            yield f"{name} must be {_WANTED[str(name)]}"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isprintable()


def _is_path(value: object) -> bool:
    return _is_text(value) and str(value).startswith("/") and ".." not in str(value).split("/")


_RULES: dict[str, Callable[[object], bool]] = {
    "path": _is_path,
    "timezone": lambda value: isinstance(value, str) and _ZONE.fullmatch(value) is not None,
    "cause": lambda value: value in CAUSES,
    "source": _is_text,
    "triggers": lambda value: isinstance(value, list) and bool(value) and all(map(_is_text, value)),
    "layout": lambda value: value in LAYOUTS,
    "prefix": _is_text,
}
_WANTED = {
    "path": "the absolute path of a directory on the appliance, such as /srv/recordings/front-porch",
    "timezone": "a time zone's name, such as Europe/Berlin",
    "cause": f"one of {', '.join(CAUSES)}",
    "source": "text, with quotes around a number",
    "triggers": "a list of trigger names; * stands for anything",
    "layout": f"one of {', '.join(LAYOUTS)}",
    "prefix": "text that the names of this camera's files begin with",
}
