"""AcceptGrant: exchanged at once and stored, or refused; never a success that is none."""

import json
import time
from typing import Any

import pytest

from alexa_ip_cam.alexa.store import Store
from simulators.amazon.alexa import Alexa, RefusedError
from simulators.amazon.aws import ACCESS_KEY, REGION, Aws
from simulators.amazon.judge import accept_grant_response
from simulators.amazon.lwa import TOKEN, TOKEN_INFO, Cut, Fault, Lwa, Reply
from unit.skill.family import FOREIGN, LINKING, MESSAGING, NEIGHBOUR, OWNER, STRANGER, alexa_for


def new_code(lwa: Lwa) -> str:
    return lwa.new_code(MESSAGING.client_id, OWNER)


def refused(alexa: Alexa, code: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        alexa.accept_grant(code)
    assert refusal.value.error_type == "ACCEPT_GRANT_FAILED"
    assert code not in str(refusal.value)
    return str(refusal.value)


def test_a_grant_is_exchanged_and_stored(stored: Store, alexa: Alexa, lwa: Lwa) -> None:
    alexa.accept_grant(new_code(lwa))
    grant = stored.grant()
    assert grant is not None
    assert lwa.is_valid_access(grant.tokens.access_token) == MESSAGING.client_id
    assert (grant.version, grant.client, grant.region) == (1, MESSAGING, "EU")
    assert time.time() - 60 < grant.granted_at <= time.time()


def test_a_second_grant_replaces_the_first(stored: Store, alexa: Alexa, lwa: Lwa) -> None:
    alexa.accept_grant(new_code(lwa))
    first = stored.grant()
    alexa.accept_grant(new_code(lwa))
    second = stored.grant()
    assert first is not None
    assert second is not None
    assert second.version == first.version + 1
    assert second.tokens != first.tokens


def test_the_region_is_that_of_the_function(
    stored: Store, alexa: Alexa, lwa: Lwa, monkeypatch: pytest.MonkeyPatch
) -> None:
    for region, ours in (("us-east-1", "NA"), ("us-west-2", "FE"), ("eu-west-1", "EU")):
        monkeypatch.setenv("AWS_REGION", region)
        alexa.accept_grant(new_code(lwa))
        grant = stored.grant()
        assert grant is not None
        assert grant.region == ours
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert "region" in refused(alexa, new_code(lwa))


def test_who_owns_two_homes_grants_both(stored: Store, document: dict[str, Any], aws: Aws, lwa: Lwa) -> None:
    document["sites"][0]["owners"].append(NEIGHBOUR)
    alexa_for(document, lwa, NEIGHBOUR).accept_grant(new_code(lwa))
    second = Store(document["table"], "cams.example.net", region=REGION, endpoint_url=aws.url, access_key=ACCESS_KEY)
    here, there = stored.grant(), second.grant()
    assert here is not None
    assert there is not None
    assert here.tokens == there.tokens


def test_a_neighbours_grant_stays_there(stored: Store, document: dict[str, Any], lwa: Lwa) -> None:
    alexa_for(document, lwa, NEIGHBOUR).accept_grant(new_code(lwa))
    assert stored.grant() is None


@pytest.mark.parametrize("fault", [Reply(500), Reply(400, b'{"error":"invalid_client"}'), Cut(), Reply(200)], ids=str)
def test_what_amazon_does_not_exchange_is_no_success(stored: Store, alexa: Alexa, lwa: Lwa, fault: Fault) -> None:
    alexa.discover()
    lwa.fail(TOKEN, fault)
    assert "could not be exchanged" in refused(alexa, new_code(lwa))
    assert stored.grant() is None


@pytest.mark.parametrize("fault", [Reply(500), Reply(400, b'{"error":"invalid_token"}')], ids=str)
def test_a_grantee_that_cannot_be_verified_grants_nothing(stored: Store, alexa: Alexa, lwa: Lwa, fault: Fault) -> None:
    code, asked = new_code(lwa), len(lwa.requests)
    lwa.fail(TOKEN_INFO, fault)
    refused(alexa, code)
    assert len(lwa.requests) == asked + 1  # the code was not even tried
    alexa.accept_grant(code)
    assert stored.grant() is not None


def test_a_code_counts_once_and_for_us_only(stored: Store, alexa: Alexa, lwa: Lwa) -> None:
    code = new_code(lwa)
    alexa.accept_grant(code)
    before = stored.grant()
    for dead in (code, "made-up", lwa.new_code(LINKING, OWNER), lwa.new_code(FOREIGN, OWNER)):
        assert "could not be exchanged" in refused(alexa, dead)
    assert stored.grant() == before


def test_what_cannot_be_stored_is_no_success(alexa: Alexa, lwa: Lwa, capsys: pytest.CaptureFixture[str]) -> None:
    code = new_code(lwa)
    assert "could not be stored" in refused(alexa, code)
    entry = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert entry["outcome"] == "ACCEPT_GRANT_FAILED"
    assert "EndpointConnectionError" in entry["cause"]


def test_without_messaging_credentials_the_log_says_what_to_do(
    document: dict[str, Any], lwa: Lwa, capsys: pytest.CaptureFixture[str]
) -> None:
    document["messaging"] = None
    assert "cannot send events yet" in refused(alexa_for(document, lwa), new_code(lwa))
    assert "run the deployment again" in json.loads(capsys.readouterr().out)["cause"]


@pytest.mark.parametrize(
    "grant",
    [
        None,
        {},
        "code",
        {"type": "OAuth2.AuthorizationCode"},
        {"type": "OAuth2.AuthorizationCode", "code": 5},
        {"type": "OAuth2.Implicit", "code": "x"},
        {"type": "OAuth2.AuthorizationCode", "code": "\ud800"},
    ],
)
def test_a_malformed_grant_is_refused_in_its_own_namespace(alexa: Alexa, grant: Any) -> None:
    directive = alexa.grant_directive("x")
    directive["directive"]["payload"]["grant"] = grant
    with pytest.raises(RefusedError) as refusal:
        alexa.ask(directive, accept_grant_response)
    assert refusal.value.error_type == "ACCEPT_GRANT_FAILED"


@pytest.mark.parametrize(("part", "value"), [("payload", None), ("payload", [])])
def test_even_half_a_directive_is_refused_in_its_own_namespace(alexa: Alexa, part: str, value: Any) -> None:
    directive = alexa.grant_directive("x")
    directive["directive"][part] = value
    with pytest.raises(RefusedError, match="ACCEPT_GRANT_FAILED"):
        alexa.ask(directive, accept_grant_response)


def test_a_strangers_grant_is_refused_and_not_exchanged(
    stored: Store, document: dict[str, Any], lwa: Lwa, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(lwa.requests)
    assert "owns no home" in refused(alexa_for(document, lwa, STRANGER), new_code(lwa))
    assert [asked.path for asked in lwa.requests[before:]] == ["/auth/o2/tokeninfo"]
    assert stored.grant() is None
    assert json.loads(capsys.readouterr().out)["user"] == STRANGER
