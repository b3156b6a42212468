"""What the skill at Amazon shall be, compared with what it is. Pure: contacts nothing, changes nothing.

Fields as in Amazon's "Skill Manifest Schema" and "Account Linking Schemas" pages.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]

EVENTS_PERMISSION = "alexa::async_event:write"
"""Shown as "Send Alexa Events" in the developer console."""

REGIONS = {"NA": "us-east-1", "EU": "eu-west-1", "FE": "us-west-2"}
"""Alexa's regions, and the one region of AWS that each of them calls smart home functions in."""

# Maps whose keys are ours alone: what is not wanted has to go. Elsewhere the owner may have added something.
_WHOLE = {("publishingInformation", "locales"), ("privacyAndCompliance", "locales"), ("apis", "smartHome", "regions")}

_LINK_URLS = (
    "https://pitangui.amazon.com/api/skill/link/{vendor}",
    "https://layla.amazon.com/api/skill/link/{vendor}",
    "https://alexa.amazon.co.jp/api/skill/link/{vendor}",
)


def with_permission(manifest: Mapping[str, Any]) -> Json:
    """The manifest with the permission to send events."""
    return {**manifest, "permissions": [{"name": EVENTS_PERMISSION}]}


def with_endpoints(manifest: Mapping[str, Any], endpoints: Mapping[str, str]) -> Json:
    """The manifest with the functions that Alexa calls.

    Args:
        manifest: without them.
        endpoints: ARN by Alexa's region; the first one is the default.
    """
    whole = copy.deepcopy(dict(manifest))
    smart_home = whole["apis"]["smartHome"]
    smart_home["endpoint"] = {"uri": next(iter(endpoints.values()))}
    smart_home["regions"] = {region: {"endpoint": {"uri": arn}} for region, arn in endpoints.items()}
    return whole


def merged(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Json:
    """What Amazon has, with everything wanted in it: what the owner added in the console stays."""
    result: Json = _merge(found, wanted, ())
    if "permissions" in wanted:
        others = [each for each in found.get("permissions", []) if each not in wanted["permissions"]]
        result["permissions"] = [*others, *wanted["permissions"]]
    return result


def differences(found: Mapping[str, Any], target: Mapping[str, Any]) -> list[str]:
    """Where two manifests differ, as dotted paths."""
    return list(_differences(found, target, ""))


def linking_request(client_id: str, client_secret: str, *, lwa_url: str, consent_url: str) -> Json:
    """Account linking with Login with Amazon: the token says who speaks, and nothing else about them."""
    return {
        "type": "AUTH_CODE",
        "authorizationUrl": consent_url,
        "accessTokenUrl": f"{lwa_url}/auth/o2/token",
        "clientId": client_id,
        "clientSecret": client_secret,
        "accessTokenScheme": "REQUEST_BODY_CREDENTIALS",
        "scopes": ["profile:user_id"],
        "domains": [],
        "skipOnEnablement": False,
    }


def linking_differs(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Fields of account linking that differ. Amazon never gives the secret back, so that it is left out."""
    # What is false or empty may be left out of an answer.
    return [
        name
        for name, value in wanted.items()
        if name != "clientSecret" and (found.get(name) or None) != (value or None)
    ]


def linking_digest(wanted: Mapping[str, Any]) -> str:
    """A mark of the secret that Amazon was given last, to know when it is another one."""
    return hashlib.sha256(f"{wanted['clientId']}\n{wanted['clientSecret']}".encode()).hexdigest()


def own_skills(listed: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    """Ids of the smart home skills in development that have a name; whether they are ours their manifest says."""
    found = []
    for skill in listed:
        names = skill.get("nameByLocale", {})
        is_ours = skill.get("stage") == "development" and "smartHome" in skill.get("apis", [])
        if is_ours and isinstance(names, Mapping) and name in names.values():
            found.append(str(skill.get("skillId", "")))
    return found


def marker(manifest: Mapping[str, Any]) -> str:
    """The line that tells a skill of this inventory from another one of the same name."""
    return str(manifest.get("publishingInformation", {}).get("testingInstructions", ""))


def next_steps(client_id: str, vendor_id: str, name: str, *, is_enabled: bool) -> list[str]:
    """What no API can do, as the lines of a numbered list, with the values to paste."""
    wake = "open it and link your account" if is_enabled else "enable it"
    return [
        "1. At https://developer.amazon.com/loginwithamazon/console/site/lwa/overview.html,",
        f"   in the security profile with the client id {client_id},",
        "   under Web Settings, these three must be among the Allowed Return URLs:",
        *(f"   {url.format(vendor=vendor_id)}" for url in _LINK_URLS),
        "2. In the Alexa app, under More, Skills & Games, Your Skills, Dev,",
        f"   choose {name}; {wake}:",
        "   log in with the Amazon account that your Echo devices use.",
        '3. Say: "Alexa, discover devices".',
    ]


def _merge(found: Any, wanted: Any, path: tuple[str, ...]) -> Any:
    if not isinstance(found, Mapping) or not isinstance(wanted, Mapping):
        return copy.deepcopy(wanted)
    keys = wanted if path in _WHOLE else {**found, **wanted}
    return {
        key: _merge(found.get(key), wanted[key], (*path, key)) if key in wanted else copy.deepcopy(found[key])
        for key in keys
    }


def _differences(found: Any, target: Any, path: str) -> Iterable[str]:
    if isinstance(found, Mapping) and isinstance(target, Mapping):
        for key in sorted({*found, *target}):
            yield from _differences(found.get(key), target.get(key), f"{path}.{key}" if path else key)
    elif found != target and (found or target):  # what is empty may be left out of an answer
        yield path
