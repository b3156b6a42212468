"""The simulator of the Skill Management API is as strict as the tests of the deployment need it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from simulators.amazon.lwa import Lwa
from simulators.amazon.smapi import EVENTS, Smapi
from unit.deploy.conftest import ARNS, CLIENT, OWNER, manifest

Ask = Callable[..., requests.Response]

LINKING = {
    "type": "AUTH_CODE",
    "authorizationUrl": "https://www.amazon.com/ap/oa",
    "accessTokenUrl": "https://api.amazon.com/auth/o2/token",
    "clientId": "x",
    "clientSecret": "y",
    "accessTokenScheme": "HTTP_BASIC",
    "scopes": ["profile:user_id"],
}


@pytest.fixture
def ask(login: Lwa, amazon: Smapi) -> Ask:
    token = login.new_bearer(CLIENT.client_id, OWNER)

    def run(method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        sent = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): text for name, text in headers.items()}}
        return requests.request(method, amazon.url + path, json=body, headers=sent, timeout=10)

    return run


@pytest.fixture
def path(ask: Ask, amazon: Smapi) -> str:
    """A new skill whose build is over."""
    made = ask("POST", "/v1/skills", {"vendorId": amazon.vendors[0], "manifest": manifest()})
    assert made.status_code == 202
    assert made.headers["Location"] == f"/v1/skills/{made.json()['skillId']}/status?resource=manifest"
    built(ask, made.json()["skillId"])
    return f"/v1/skills/{made.json()['skillId']}/stages/development"


def built(ask: Ask, skill_id: str) -> str:
    end = time.monotonic() + 5
    while True:
        status = ask("GET", f"/v1/skills/{skill_id}/status").json()["manifest"]["lastUpdateRequest"]["status"]
        if status != "IN_PROGRESS":
            return str(status)
        assert time.monotonic() < end
        time.sleep(0.01)


def with_endpoint(arn: str) -> dict[str, Any]:
    whole = manifest()
    whole["permissions"] = [{"name": EVENTS}]
    whole["apis"]["smartHome"] |= {"endpoint": {"uri": arn}, "regions": {"NA": {"endpoint": {"uri": arn}}}}
    return whole


def test_only_tokens_that_live_are_taken(ask: Ask, login: Lwa) -> None:
    assert ask("GET", "/v1/vendors").status_code == 200
    for token in ("Bearer made-up", f"Bearer {login.new_bearer(CLIENT.client_id, OWNER, 0)}", "Basic x", ""):
        assert ask("GET", "/v1/vendors", Authorization=token).status_code == 401


def test_nothing_is_changed_while_a_build_runs(ask: Ask, amazon: Smapi, path: str) -> None:
    amazon.build_seconds = 0.5
    etag = ask("GET", f"{path}/manifest").headers["ETag"]
    update = {"manifest": with_endpoint(ARNS["NA"])}
    assert ask("PUT", f"{path}/manifest", update, If_Match="another").status_code == 412
    assert ask("PUT", f"{path}/manifest", update, If_Match=etag).status_code == 202
    assert ask("PUT", f"{path}/manifest", update).status_code == 409
    assert ask("PUT", f"{path}/accountLinkingClient", {"accountLinkingRequest": LINKING}).status_code == 409
    assert "endpoint" not in ask("GET", f"{path}/manifest").json()["manifest"]["apis"]["smartHome"]
    assert built(ask, path.split("/")[3]) == "SUCCEEDED"
    assert ask("GET", f"{path}/manifest").json()["manifest"]["apis"]["smartHome"]["endpoint"] == {"uri": ARNS["NA"]}


def test_a_build_loses_account_linking_and_its_secret_is_never_shown(ask: Ask, path: str) -> None:
    assert ask("PUT", f"{path}/accountLinkingClient", {"accountLinkingRequest": LINKING}).status_code == 204
    shown = ask("GET", f"{path}/accountLinkingClient").json()["accountLinkingResponse"]
    assert shown == {name: value for name, value in LINKING.items() if name != "clientSecret"}
    assert ask("PUT", f"{path}/manifest", {"manifest": manifest(name="Ours")}).status_code == 202
    built(ask, path.split("/")[3])
    assert ask("GET", f"{path}/accountLinkingClient").status_code == 404
    implicit = {"accountLinkingRequest": {**LINKING, "type": "IMPLICIT"}}
    assert ask("PUT", f"{path}/accountLinkingClient", implicit).status_code == 400


@pytest.mark.parametrize("arn", [ARNS["EU"], ARNS["NA"].removesuffix(":live"), ARNS["NA"]])
def test_a_function_that_cannot_be_called_fails_the_build(ask: Ask, amazon: Smapi, path: str, arn: str) -> None:
    """In another region, not qualified, or without permission."""
    amazon._may_call = lambda _arn, _skill_id: False
    assert ask("PUT", f"{path}/manifest", {"manifest": with_endpoint(arn)}).status_code == 202
    assert built(ask, path.split("/")[3]) == "FAILED"
    assert "endpoint" not in ask("GET", f"{path}/manifest").json()["manifest"]["apis"]["smartHome"]
    assert ask("PUT", f"{path}/enablement").status_code == 400


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole.pop("manifestVersion"),
        lambda whole: whole.update(extra=1),
        lambda whole: whole["apis"]["smartHome"].update(protocolVersion="2"),
        lambda whole: whole["apis"].update(custom={}),
        lambda whole: whole["apis"]["smartHome"].update(endpoint={"uri": "arn"}),
        lambda whole: whole.update(permissions=[{"name": "alexa::everything"}]),
        lambda whole: whole["publishingInformation"].update(category="GAMES"),
        lambda whole: whole["publishingInformation"].update(locales={}),
        lambda whole: whole["publishingInformation"]["locales"]["en-US"].update(name=""),
        lambda whole: whole["privacyAndCompliance"].pop("containsAds"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(ask: Ask, amazon: Smapi, spoil: Callable[[Any], Any]) -> None:
    whole = copy.deepcopy(manifest())
    spoil(whole)
    made = ask("POST", "/v1/skills", {"vendorId": amazon.vendors[0], "manifest": whole})
    assert (made.status_code, amazon.skills) == (400, {})


def test_a_skill_that_is_gone_is_gone_everywhere(ask: Ask, amazon: Smapi, path: str) -> None:
    skill = path.removesuffix("/stages/development")
    assert ask("DELETE", skill).status_code == 204
    for place in (f"{path}/manifest", f"{skill}/status", f"{skill}/credentials", f"{path}/enablement"):
        assert ask("GET", place).status_code == 404
    assert ask("GET", f"/v1/skills?vendorId={amazon.vendors[0]}").json() == {"skills": [], "isTruncated": False}
