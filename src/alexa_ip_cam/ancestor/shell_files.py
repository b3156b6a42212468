"""``vars.sh`` and ``proxy-start.sh``: read as text, because running somebody's scripts to look at them is not safe.

``vars.sh`` sets variables such as ``CAM_1=user:password@192.168.1.15``; ``proxy-start.sh`` calls
``live555ProxyServer`` with one RTSP URL for each camera, in which these stand. The proxy's n-th URL is its stream
``proxyStream-n``.
"""

import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

PROGRAM = "live555ProxyServer"
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)=(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_END = re.compile(r"[&|;]|\d*>.*|<.*")
# Options of LIVE555's proxy, and how many words belong to each; all are what the appliance decides by itself.
_OPTIONS = {"-v": 0, "-V": 0, "-t": 0, "-T": 1, "-p": 1, "-D": 1}
_LOG_IN = "-u"


class Stream(NamedTuple):
    """What the proxy fetched: `url` without credentials; `username` and `password` empty for a camera without."""

    url: str
    username: str
    password: str


class ShellFileError(Exception):
    """A line that cannot be carried over; the message says which and what to do, and quotes no secret."""


def variables(text: str, name: str = "vars.sh") -> dict[str, str]:
    """The variables that ``vars.sh`` sets. Raises ShellFileError for a line that is more than an assignment."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{name}, line {number}"
        words = _words(line, place)
        if words[:1] == ["export"]:
            words = words[1:]
        for word in words:
            assignment = _ASSIGNMENT.fullmatch(word)
            if assignment is None:
                raise ShellFileError(f"{place} does more than set variables; leave only lines such as CAM_1=... in it")
            if "`" in assignment[2] or "$(" in assignment[2]:
                raise ShellFileError(f"{place} asks a program for {assignment[1]}; write the value itself there")
            found[assignment[1]] = expanded(assignment[2], found, place)
    return found


def streams(text: str, known: Mapping[str, str], name: str = "proxy-start.sh") -> list[Stream]:
    """The proxy's streams in their order. Raises ShellFileError."""
    lines = text.replace("\\\n", " ").splitlines()
    calls = [words for line in lines if PROGRAM in line and _calls(words := _words(line, name))]
    if len(calls) != 1:
        raise ShellFileError(
            f"{name} calls {PROGRAM} {len(calls)} times; one call with all cameras can be carried over"
        )
    (words,) = calls
    rest = words[next(i for i, word in enumerate(words) if word.endswith(PROGRAM)) + 1 :]
    log_in, urls = ("", ""), []
    while rest and not _END.fullmatch(rest[0]):
        word = rest.pop(0)
        if word == _LOG_IN and len(rest) > 1:
            log_in = (expanded(rest.pop(0), known, name), expanded(rest.pop(0), known, name))
        elif word in _OPTIONS:
            del rest[: _OPTIONS[word]]
        elif word.startswith("-"):
            raise ShellFileError(f"{name} gives {PROGRAM} the option {word}, which has no counterpart; take it out")
        else:
            urls.append(expanded(word, known, name))
    if not urls:
        raise ShellFileError(f"{name} gives {PROGRAM} no camera's URL")
    return [_stream(url, number, log_in, name) for number, url in enumerate(urls, 1)]


def expanded(text: str, known: Mapping[str, str], place: str) -> str:
    """A word with the variables' values in it. Raises ShellFileError for an unknown one."""

    def value(match: re.Match[str]) -> str:
        variable = match[1] or match[2]
        if variable not in known:
            raise ShellFileError(f"{place} uses ${variable}, which vars.sh does not set; set it there")
        return known[variable]

    return _VARIABLE.sub(value, text)


def _calls(words: list[str]) -> bool:
    return any(word.endswith(PROGRAM) for word in words)


def _words(line: str, place: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        raise ShellFileError(f"{place} has a quotation mark without its counterpart; put it right") from None


def _stream(url: str, number: int, log_in: tuple[str, str], name: str) -> Stream:
    scheme, separator, rest = url.partition("://")
    if scheme != "rtsp" or not separator:
        raise ShellFileError(f"{name}: the proxy's URL number {number} does not begin with rtsp://; correct it")
    # Passwords may hold an @ or a /; the host never does, so what counts is the last @ before it.
    credentials, found, place = rest.rpartition("@")
    username, _, password = credentials.partition(":")
    bare = f"rtsp://{place}"
    if not urlsplit(bare).hostname:
        raise ShellFileError(f"{name}: the proxy's URL number {number} names no host; correct it")
    if not found:
        return Stream(bare, *log_in)
    return Stream(bare, unquote(username), unquote(password))
