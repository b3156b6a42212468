"""Checks that the settings are put together from: each takes one value out of an object or says what is wrong."""

import re
from collections.abc import Mapping
from typing import Any

_DNS_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


class SettingsError(ValueError):
    """The settings cannot be used. The message names the setting and the mend, and never shows a key."""


def an_object(value: object, where: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """An object with exactly these keys."""
    if not isinstance(value, Mapping):
        raise SettingsError(f"{where} must be an object")
    if missing := [key for key in keys if key not in value]:
        raise SettingsError(f"{where}: missing {', '.join(missing)}")
    if unknown := [str(key) for key in value if key not in keys]:
        raise SettingsError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(keys)}")
    return value


def dns_name(values: Mapping[str, Any], key: str, where: str) -> str:
    """A host that an Echo connects to."""
    value = values[key]
    if not isinstance(value, str) or not _DNS_NAME.fullmatch(value) or len(value) > 253:
        raise SettingsError(
            f"{where}: {key} must be a DNS name in lower case with at least one dot, such as cams.example.com, not "
            f"{value!r}; Echo devices refuse IP addresses"
        )
    return value


def text(values: Mapping[str, Any], key: str, longest: int, where: str) -> str:
    """Printable text that is not blank."""
    value = values[key]
    if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
        raise SettingsError(f"{where}: {key} must be 1 to {longest} printable characters, not {value!r}")
    return value


def secret_text(values: Mapping[str, Any], key: str, where: str) -> str:
    """Text of visible ASCII characters, which no message shows."""
    value = values[key]
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,512}", value):
        raise SettingsError(f"{where}: {key} must be 1 to 512 visible ASCII characters")
    return value


def whole_number(values: Mapping[str, Any], key: str, low: int, high: int, where: str) -> int:
    """A whole number within limits."""
    value = values[key]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise SettingsError(f"{where}: {key} must be a whole number from {low} to {high}, not {value!r}")
    return value


def boolean(values: Mapping[str, Any], key: str, where: str) -> bool:
    """True or false."""
    value = values[key]
    if not isinstance(value, bool):
        raise SettingsError(f"{where}: {key} must be true or false, not {value!r}")
    return value


def choice(values: Mapping[str, Any], key: str, choices: tuple[str, ...], where: str) -> str:
    """One of some words."""
    value = values[key]
    if not isinstance(value, str) or value not in choices:
        raise SettingsError(f"{where}: {key} must be one of {', '.join(choices)}, not {value!r}")
    return value


def hex_key(values: Mapping[str, Any], key: str, digits: int, where: str) -> str:
    """A key of exactly so many hexadecimal digits."""
    value = values[key]
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]*", value) or len(value) != digits:
        raise SettingsError(f"{where}: {key} must be {digits} lower-case hexadecimal digits")
    return value


def url(values: Mapping[str, Any], key: str, where: str) -> str:
    """An address of a service without a path: HTTPS, or HTTP at a numeric address, where only a simulator can be."""
    value = values[key]
    if not isinstance(value, str) or not re.fullmatch(r"(https://[a-z0-9.-]+|http://[0-9.]+)(:[0-9]+)?", value):
        raise SettingsError(f"{where}: {key} must be an address such as https://api.amazon.com, not {value!r}")
    return value
