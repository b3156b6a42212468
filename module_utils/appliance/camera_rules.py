"""What one camera of the inventory may look like: each rule gives a sentence with what is wrong and the mend.

Pure of Ansible. No sentence ever quotes a password, a user name or the path of a URL (some cameras take the
password there).
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import SplitResult, urlsplit

from ansible.module_utils.appliance.recordings_rules import recordings_problems

CAMERA_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""Ids name a systemd instance, a file and a path segment of a URL: 1 to 32 characters that need no quoting there."""

NAME_MAX = 128
"""Characters of an Alexa ``friendlyName`` in the message schema (Alexa.Discovery, endpoint object)."""

MAKER_MAX = 128
"""Characters of an Alexa ``manufacturerName`` (Alexa.Discovery, endpoint object)."""

MODEL_MAX = 256
"""Characters of ``additionalAttributes.model`` (Alexa.Discovery, endpoint object)."""

PORT_MIN, PORT_MAX = 1024, 32767
"""From the first port that needs no privilege to the last below Linux's range for outgoing connections."""

CHOICES = {
    "audio": ("none", "aac", "g711"),
    "transport": ("tcp", "udp"),
    "warm": ("always", "on_demand"),
    "host": ("local", "remote"),
}

REQUIRED = ("id", "name", "url", "manufacturer", "model", "width", "height", "audio")
OPTIONAL = ("username", "password", "transport", "port", "warm", "recordings", "doorbell", "host")


@dataclasses.dataclass(frozen=True)
class Unresolved:
    """Stands for a value that Ansible could not work out; ``reason`` is Ansible's own sentence."""

    reason: str

    @property
    def variable(self) -> str | None:
        """The name of the variable that does not exist, when that is the reason."""
        match = re.search(r"'([A-Za-z_]\w*)' is undefined", self.reason)
        return match.group(1) if match else None


Camera = Mapping[object, object]


def camera_problems(camera: Camera) -> list[str]:
    """Everything wrong with one camera by itself, without its label; empty when it is right."""
    problems = [*_key_problems(camera)]
    for key, rule in _RULES.items():
        if key in camera:
            value = camera[key]
            problems += [unresolved(key, value)] if isinstance(value, Unresolved) else rule(value)
    return problems + _login_pair_problems(camera)


def unresolved(what: str, value: Unresolved) -> str:
    """The sentence for a value that Ansible could not work out."""
    if value.variable:
        return (
            f"{what} takes its value from the variable {value.variable}, which is not defined; define it beside the "
            "other secrets of the inventory, or correct its name"
        )
    return f"{what} cannot be worked out: {value.reason}"


def is_camera_id(value: object) -> bool:
    """Whether a value is a safe camera id."""
    return isinstance(value, str) and CAMERA_ID.fullmatch(value) is not None


def is_port(value: object) -> bool:
    """Whether a value is a port a camera may be given."""
    return isinstance(value, int) and not isinstance(value, bool) and PORT_MIN <= value <= PORT_MAX


def spoken_form(name: str) -> str:
    """What two names have to differ in: Alexa hears neither case nor spacing."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _key_problems(camera: Camera) -> Iterator[str]:
    known = (*REQUIRED, *OPTIONAL)
    for key in REQUIRED:
        if key not in camera:
            yield f"{key} is missing; add it"
    for unknown in camera:
        if unknown not in known:
            near = difflib.get_close_matches(str(unknown), known, n=1)
            mend = f"did you mean {near[0]}?" if near else f"a camera has {', '.join(known)}"
            yield f"{unknown} is no key of a camera; {mend}"


def _id_problems(value: object) -> list[str]:
    if is_camera_id(value):
        return []
    return ["id must be text of 1 to 32 small letters, digits and inner hyphens; write one like front-porch"]


def _text_problems(key: str, value: object, longest: int) -> list[str]:
    if not isinstance(value, str):
        return [f"{key} must be text; put it in quotes"]
    if not value.strip():
        return [f"{key} is empty; fill it in"]
    if len(value) > longest:
        return [f"{key} has {len(value)} characters; Alexa takes at most {longest}, shorten it"]
    if _has_invisible_characters(value):
        return [f"{key} holds a line break or invisible character; remove it"]
    return []


def _name_problems(value: object) -> list[str]:
    problems = _text_problems("name", value, NAME_MAX)
    if problems or not isinstance(value, str):
        return problems
    # Letters of any language with their marks, decimal digits and spaces: what Alexa calls alphanumeric.
    refused = sorted({c for c in value if c != " " and unicodedata.category(c)[0] not in "LM" and not c.isdecimal()})
    if refused:
        shown = " ".join(refused)
        problems.append(f"name holds {shown} which Alexa refuses; use letters, digits and spaces only")
    if value != value.strip() or "  " in value:
        problems.append("name begins or ends with a space, or has two in a row; leave single spaces between words")
    return problems


def _url_problems(value: object) -> list[str]:
    if not isinstance(value, str):
        return ["url must be text; write one like rtsp://192.168.1.20/path"]
    if not value.isascii() or _has_invisible_characters(value) or " " in value:
        return ["url holds a space, line break or non-ASCII character; write these percent-encoded, a space as %20"]
    if not value.startswith("rtsp://"):
        scheme = value.partition("://")[0] if "://" in value else ""
        found = f", not {scheme}://" if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,15}", scheme) else ""
        return [f"url must begin with rtsp://{found}; give the camera's RTSP address"]
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return ["url has a host or port that cannot be read; write one like rtsp://192.168.1.20:554/path"]
    return [*_authority_problems(parts, port)]


def _authority_problems(parts: SplitResult, port: int | None) -> Iterator[str]:
    if "@" in parts.netloc:
        yield "url holds a user name or password; take them out and give them as username and password"
    if not parts.hostname:
        yield "url has no host; write one like rtsp://192.168.1.20/path"
    if port == 0:
        yield "url has port 0; leave the port out for 554, or give the camera's"
    if parts.fragment:
        yield "url holds a #, which no camera sees; write it as %23"


def _username_problems(value: object) -> list[str]:
    problems = _login_problems("username", value)
    # RFC 7617 section 2 ends the name at the first colon; LIVE555 puts the name between quotes unescaped.
    if isinstance(value, str) and any(c in value for c in ':"\\'):
        problems.append(
            "username holds a colon, quote or backslash, which RTSP cannot carry; give the camera another user"
        )
    return problems


def _password_problems(value: object) -> list[str]:
    return _login_problems("password", value)


def _login_problems(key: str, value: object) -> list[str]:
    if not isinstance(value, str):
        return [f"{key} must be text; put it in quotes, or digits and words like yes change"]
    if not value:
        return [f"{key} is empty; fill it in, or leave out both username and password"]
    if _has_invisible_characters(value):
        return [f"{key} holds a line break or invisible character; remove it"]
    return []


def _login_pair_problems(camera: Camera) -> list[str]:
    for one, other in (("username", "password"), ("password", "username")):
        if one in camera and other not in camera:
            return [f"{one} is given without {other}; give both, or neither when the camera asks for none"]
    return []


def _size_problems(key: str) -> Callable[[object], list[str]]:
    def rule(value: object) -> list[str]:
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return []
        return [f"{key} must be a whole number of pixels above 0, without quotes; look in the camera's stream settings"]

    return rule


def _choice_problems(key: str) -> Callable[[object], list[str]]:
    def rule(value: object) -> list[str]:
        if isinstance(value, str) and value in CHOICES[key]:
            return []
        return [f"{key} must be one of {', '.join(CHOICES[key])}; correct it"]

    return rule


def _doorbell_problems(value: object) -> list[str]:
    if isinstance(value, bool):
        return []
    return ["doorbell must be true or false, without quotes; or leave it out for a camera without a bell"]


def _port_problems(value: object) -> list[str]:
    if is_port(value):
        return []
    return [f"port must be a whole number from {PORT_MIN} to {PORT_MAX}, without quotes; or leave it out"]


def _has_invisible_characters(value: str) -> bool:
    # Line breaks of every kind, control characters, and spaces other than the plain one.
    return not value.isprintable()


_RULES: dict[str, Callable[[object], list[str]]] = {
    "id": _id_problems,
    "name": _name_problems,
    "url": _url_problems,
    "username": _username_problems,
    "password": _password_problems,
    "manufacturer": lambda value: _text_problems("manufacturer", value, MAKER_MAX),
    "model": lambda value: _text_problems("model", value, MODEL_MAX),
    "width": _size_problems("width"),
    "height": _size_problems("height"),
    "audio": _choice_problems("audio"),
    "transport": _choice_problems("transport"),
    "warm": _choice_problems("warm"),
    "doorbell": _doorbell_problems,
    "host": _choice_problems("host"),
    "port": _port_problems,
    "recordings": recordings_problems,
}
