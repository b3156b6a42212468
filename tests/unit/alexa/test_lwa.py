"""Login with Amazon: what its answers mean to us, against a strict simulator over real connections."""

import base64
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from alexa_ip_cam.alexa.lwa import (
    Client,
    ClientRefusedError,
    GrantDeadError,
    LwaError,
    LwaUnavailableError,
    RequestRefusedError,
    TokenExpiredError,
    TokenRefusedError,
    exchange_code,
    refresh,
    token_info,
)
from simulators.amazon.lwa import PROFILE, TOKEN, TOKEN_INFO, Cut, Delay, Drip, Fault, Lwa, Reply

CLIENT = Client("amzn1.application-oa2-client.messaging", "a secret")
OTHER = Client("amzn1.application-oa2-client.linking", "another secret")
USER = "amzn1.account.OWNER"


@pytest.fixture
def lwa() -> Iterator[Lwa]:
    with Lwa() as simulator:
        for client in (CLIENT, OTHER):
            simulator.add_client(*client)
        yield simulator


def ask(lwa: Lwa, method: str, target: str, body: str | None = None, **headers: str) -> tuple[int, Any]:
    parts = urlsplit(lwa.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, target, body, named)
    response = connection.getresponse()
    status, answer = response.status, json.loads(response.read())
    connection.close()
    return status, answer


def form(lwa: Lwa, body: str, kind: str = "application/x-www-form-urlencoded") -> tuple[int, str]:
    status, answer = ask(lwa, "POST", TOKEN, body, Content_Type=kind)
    return status, answer["error"]


def test_a_code_becomes_tokens_once(lwa: Lwa) -> None:
    code = lwa.new_code(CLIENT.client_id, USER)
    tokens = exchange_code(code, CLIENT, url=lwa.url)
    assert tokens.access_token.startswith("Atza|")
    assert 350 <= len(tokens.access_token) <= 2048
    assert tokens.refresh_token.startswith("Atzr|")
    assert 3590 < tokens.expires_at - time.time() <= 3600
    assert lwa.is_valid_access(tokens.access_token) == CLIENT.client_id
    with pytest.raises(GrantDeadError):
        exchange_code(code, CLIENT, url=lwa.url)


def test_a_refresh_token_is_replaced_at_each_use(lwa: Lwa) -> None:
    first = exchange_code(lwa.new_code(CLIENT.client_id, USER), CLIENT, url=lwa.url)
    second = refresh(first.refresh_token, CLIENT, url=lwa.url)
    assert second.refresh_token != first.refresh_token
    assert lwa.is_valid_access(first.access_token)
    assert lwa.is_valid_access(second.access_token)
    with pytest.raises(GrantDeadError):
        refresh(first.refresh_token, CLIENT, url=lwa.url)
    refresh(second.refresh_token, CLIENT, url=lwa.url)


def test_what_another_client_was_given_is_refused(lwa: Lwa) -> None:
    with pytest.raises(GrantDeadError):
        exchange_code(lwa.new_code(OTHER.client_id, USER), CLIENT, url=lwa.url)
    tokens = exchange_code(lwa.new_code(OTHER.client_id, USER), OTHER, url=lwa.url)
    with pytest.raises(GrantDeadError):
        refresh(tokens.refresh_token, CLIENT, url=lwa.url)


@pytest.mark.parametrize("client", [Client("nobody", "a secret"), CLIENT._replace(client_secret="wrong")])
def test_a_wrong_client_is_told_from_a_dead_grant(lwa: Lwa, client: Client) -> None:
    with pytest.raises(ClientRefusedError):
        exchange_code(lwa.new_code(CLIENT.client_id, USER), client, url=lwa.url)


def test_a_client_that_may_not_do_this_is_refused(lwa: Lwa) -> None:
    lwa.add_client(*CLIENT, grant_types=("refresh_token",))
    with pytest.raises(ClientRefusedError):
        exchange_code(lwa.new_code(CLIENT.client_id, USER), CLIENT, url=lwa.url)


def test_revoking_ends_everything(lwa: Lwa) -> None:
    tokens = exchange_code(lwa.new_code(CLIENT.client_id, USER), CLIENT, url=lwa.url)
    code = lwa.new_code(CLIENT.client_id, USER)
    lwa.revoke(USER)
    assert lwa.is_valid_access(tokens.access_token) is None
    with pytest.raises(GrantDeadError):
        refresh(tokens.refresh_token, CLIENT, url=lwa.url)
    with pytest.raises(GrantDeadError):
        exchange_code(code, CLIENT, url=lwa.url)


def test_whose_a_token_is(lwa: Lwa) -> None:
    info = token_info(lwa.new_bearer(OTHER.client_id, USER, 600), url=lwa.url)
    assert (info.audience, info.user_id) == (OTHER.client_id, USER)
    assert 595 < info.expires_at - time.time() <= 600


@pytest.mark.parametrize("token", ["", "Atza|nothing", "Atza|" + "x" * 3000, "two words", "\ud800", "Atza|é", "a&b=c"])
def test_what_is_no_token_is_refused(lwa: Lwa, token: str) -> None:
    with pytest.raises(TokenRefusedError):
        token_info(token, url=lwa.url)


def test_an_expired_token_is_refused(lwa: Lwa) -> None:
    token = lwa.new_bearer(OTHER.client_id, USER, 0)
    assert lwa.is_valid_access(token) is None
    with pytest.raises(TokenRefusedError):
        token_info(token, url=lwa.url)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, {"error": "invalid_token", "error_description": "The access token has expired"}),
        (200, {"aud": "a", "user_id": "b", "exp": 0}),
        (200, {"aud": "a", "user_id": "b", "exp": -5}),
    ],
)
def test_where_amazon_says_that_a_token_has_expired_we_know(lwa: Lwa, status: int, answer: object) -> None:
    lwa.fail(TOKEN_INFO, Reply(status, json.dumps(answer).encode()))
    with pytest.raises(TokenExpiredError):
        token_info("Atza|old", url=lwa.url)


FAULTS: list[Fault] = [
    Reply(500),
    Reply(503, b"<html>busy</html>"),
    Reply(429, b'{"error":"slow down"}'),
    Reply(302),
    Reply(200),
    Reply(200, b"[" * 60_000),
    Reply(200, b"[]"),
    Reply(200, b'{"access_token":1,"refresh_token":"b","expires_in":3600,"aud":2,"user_id":"u","exp":3600}'),
    Reply(200, b'{"access_token":"","refresh_token":"","expires_in":3600,"aud":"a","user_id":"u","exp":true}'),
    Reply(200, b"\xff" * 100_000),
    Cut(),
    Cut(5),
    Cut(40),
    Cut(200),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault)[:40])
@pytest.mark.parametrize("call", ["exchange", "refresh", "info"])
def test_amazons_own_faults_ask_for_another_try(lwa: Lwa, call: str, fault: Fault) -> None:
    with pytest.raises(LwaUnavailableError):
        calls(lwa, fault, 5)[call]()


@pytest.mark.parametrize("fault", [Delay(30), Drip(0.1)], ids=str)
@pytest.mark.parametrize("call", ["exchange", "refresh", "info"])
def test_the_time_given_is_kept(lwa: Lwa, call: str, fault: Fault) -> None:
    started = time.monotonic()
    with pytest.raises(LwaUnavailableError):
        calls(lwa, fault, 0.5)[call]()
    assert time.monotonic() - started < 5  # a body of 800 bytes, dripping, takes more than a minute


def calls(lwa: Lwa, fault: Fault, timeout: float) -> dict[str, Callable[[], object]]:
    code, bearer = lwa.new_code(CLIENT.client_id, USER), lwa.new_bearer(OTHER.client_id, USER)
    lwa.fail(TOKEN, fault)
    lwa.fail(TOKEN_INFO, fault)
    return {
        "exchange": lambda: exchange_code(code, CLIENT, url=lwa.url, timeout=timeout),
        "refresh": lambda: refresh("Atzr|any", CLIENT, url=lwa.url, timeout=timeout),
        "info": lambda: token_info(bearer, url=lwa.url, timeout=timeout),
    }


def test_a_head_that_drips_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        # The connection is taken by the kernel; nothing is ever said.
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(LwaUnavailableError):
            token_info("Atza|x", url=url, timeout=0.3)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://", "http://[::", "http://host.invalid", "http://a:b"])
def test_nobody_there_is_unavailable(url: str) -> None:
    with pytest.raises(LwaUnavailableError):
        token_info("Atza|x", url=url, timeout=1)


@pytest.mark.parametrize("error", ["invalid_request", "unsupported_grant_type"])
def test_a_fault_of_ours_is_told_from_theirs(lwa: Lwa, error: str) -> None:
    lwa.fail(TOKEN, Reply(400, json.dumps({"error": error}).encode()))
    with pytest.raises(RequestRefusedError, match=error):
        refresh("Atzr|x", CLIENT, url=lwa.url)


def test_no_error_quotes_a_secret(lwa: Lwa) -> None:
    code, answers = lwa.new_code(OTHER.client_id, USER), []
    for fault in (None, Reply(500), Reply(400, b'{"error":"invalid_request","error_description":"a secret"}'), Cut()):
        if fault is not None:
            lwa.fail(TOKEN, fault)
        with pytest.raises(LwaError) as refusal:
            exchange_code(code, CLIENT, url=lwa.url)
        answers.append(repr(refusal.value) + repr(refusal.value.__cause__))
    assert not [one for one in answers if code in one or CLIENT.client_secret in one]


def test_a_code_that_is_no_text_is_dead(lwa: Lwa) -> None:
    with pytest.raises(GrantDeadError):
        exchange_code("\ud800", CLIENT, url=lwa.url)
    assert lwa.requests == []


# The simulator itself: what it refuses, so that a client that is wrong cannot pass.


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"code": None}, "invalid_request"),
        ({"code": ""}, "invalid_request"),
        ({"client_id": None}, "invalid_request"),
        ({"client_secret": None}, "invalid_request"),
        ({"scope": "profile"}, "invalid_request"),
        ({"redirect_uri": "https://example.com"}, "invalid_grant"),
    ],
)
def test_the_simulator_wants_exactly_the_fields(lwa: Lwa, change: dict[str, str | None], error: str) -> None:
    fields = {"grant_type": "authorization_code", "code": lwa.new_code(CLIENT.client_id, USER), **CLIENT._asdict()}
    wrong = {name: value for name, value in {**fields, **change}.items() if value is not None}
    assert form(lwa, urlencode(wrong)) == (400, error)
    assert form(lwa, urlencode(fields), "application/json") == (400, "invalid_request")
    assert form(lwa, json.dumps(fields)) == (400, "invalid_request")
    assert form(lwa, urlencode(fields) + "&code=twice") == (400, "invalid_request")
    exchange_code(fields["code"], CLIENT, url=lwa.url)  # none of this used the code up


def test_the_simulator_binds_a_code_to_its_redirect(lwa: Lwa) -> None:
    code = lwa.new_code(CLIENT.client_id, USER, redirect_uri="http://127.0.0.1:9090/cb")
    fields = {"grant_type": "authorization_code", "code": code, **CLIENT._asdict()}
    assert form(lwa, urlencode(fields)) == (400, "invalid_grant")
    kind = "application/x-www-form-urlencoded;charset=UTF-8"
    body = urlencode({**fields, "redirect_uri": "http://127.0.0.1:9090/cb"})
    assert ask(lwa, "POST", TOKEN, body, Content_Type=kind)[0] == 200


def test_the_simulator_tells_a_profile(lwa: Lwa) -> None:
    token = lwa.new_bearer(OTHER.client_id, USER)
    for headers in ({"Authorization": f"bearer {token}"}, {"x_amz_access_token": token}):
        assert ask(lwa, "GET", PROFILE, **headers) == (200, {"user_id": USER})
    assert ask(lwa, "GET", PROFILE)[0] == 400
    basic = base64.b64encode(token.encode()).decode()
    assert ask(lwa, "GET", PROFILE, Authorization=f"Basic {basic}")[0] == 400


def test_the_simulator_knows_no_other_page(lwa: Lwa) -> None:
    for method, target in (("GET", TOKEN), ("POST", TOKEN_INFO), ("GET", "/")):
        assert ask(lwa, method, target)[0] == 404


def test_the_simulator_remembers_what_was_asked(lwa: Lwa) -> None:
    token_info(lwa.new_bearer(OTHER.client_id, USER), url=lwa.url)
    (asked,) = lwa.requests
    assert (asked.method, asked.path, list(asked.fields)) == ("GET", TOKEN_INFO, ["access_token"])


def test_the_simulator_gives_tokens_of_known_clients_only(lwa: Lwa) -> None:
    with pytest.raises(LookupError, match="add_client"):
        lwa.new_bearer("nobody", USER)
