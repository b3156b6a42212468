"""The log-in, with a browser that follows the redirect, and owners and strangers who do something else."""

from __future__ import annotations

import io
import os
import stat
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam import login as command
from alexa_ip_cam.alexa import lwa
from alexa_ip_cam.deploy import private_file
from alexa_ip_cam.login import Amazon, LoginError, log_in
from simulators.amazon.lwa import Lwa
from unit.deploy.conftest import CLIENT, OWNER

Answer = Callable[[dict[str, str]], dict[str, str]]


class Browser:
    """Shows the consent page; what the owner does there is in ``answer``. Ends at the redirect's address."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._threads: list[threading.Thread] = []
        self.statuses: list[int] = []
        self.asked: dict[str, str] = {}

    def __call__(self, address: str) -> None:
        self.asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        fields = urllib.parse.urlencode(self._answer(self.asked))
        base = self.asked["redirect_uri"]
        # Browsers ask for an icon, too, and others may knock.
        places = [base.replace("/cb", "/favicon.ico"), f"{base}?", f"{base}?{fields}"]
        self._threads = [threading.Thread(target=self._visit, args=(places,))]
        self._threads[0].start()

    def _visit(self, places: list[str]) -> None:
        for place in places:
            try:
                with urllib.request.urlopen(place, timeout=5) as page:  # noqa: S310
                    self.statuses.append(page.status)
            except urllib.error.HTTPError as refusal:
                with refusal:
                    self.statuses.append(refusal.code)

    def close(self) -> None:
        for thread in self._threads:
            thread.join()


@pytest.fixture
def consent(login: Lwa) -> Answer:
    def answer(asked: dict[str, str]) -> dict[str, str]:
        code = login.new_code(asked["client_id"], OWNER, redirect_uri=asked["redirect_uri"])
        return {"code": code, "state": asked["state"], "scope": asked["scope"]}

    return answer


@pytest.fixture
def browsers() -> Iterator[list[Browser]]:
    opened: list[Browser] = []
    yield opened
    for browser in opened:
        browser.close()


@pytest.fixture
def attempt(tmp_path: Path, login: Lwa, browsers: list[Browser]) -> Callable[..., tuple[str, Path, Browser]]:
    path = tmp_path / private_file.LOGIN

    def run(answer: Answer, client: lwa.Client = CLIENT, **options: Any) -> tuple[str, Path, Browser]:
        browser = Browser(answer)
        browsers.append(browser)
        amazon = Amazon(consent_url="https://www.amazon.com/ap/oa", lwa_url=login.url, port=0)
        return log_in(client, path, amazon=amazon, show=browser, patience=5, **options), path, browser

    return run


def test_consent_is_kept(attempt: Any, consent: Answer) -> None:
    user_id, path, browser = attempt(consent)
    assert user_id == OWNER
    kept = private_file.read(path)
    assert (kept["client_id"], kept["client_secret"], kept["user_id"]) == (*CLIENT, OWNER)
    assert kept["refresh_token"].startswith("Atzr|")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    browser.close()
    assert browser.statuses == [404, 404, 200]
    assert browser.asked["scope"].split() == ["alexa::ask:skills:readwrite", "alexa::ask:skills:test"]
    assert browser.asked["response_type"] == "code"


def test_the_address_may_be_pasted_from_another_machine(tmp_path: Path, login: Lwa, consent: Answer) -> None:
    reading, writing = os.pipe()

    def show(address: str) -> None:
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        fields = urllib.parse.urlencode(consent(asked))
        os.write(writing, f"\n{asked['redirect_uri']}?{fields}\n".encode())

    amazon = Amazon(lwa_url=login.url, port=0)
    with os.fdopen(reading) as pasted:
        assert log_in(CLIENT, tmp_path / "kept.txt", amazon=amazon, show=show, pasted=pasted, patience=5) == OWNER
    os.close(writing)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"state": "forged"}, "belongs to another log-in"),
        ({"error": "access_denied"}, "you did not consent"),
        ({"error": "server_error"}, "Amazon refused"),
        ({"code": ""}, "has no code"),
        ({"code": "ANmadeup"}, "takes this code no more"),
    ],
)
def test_whatever_else_comes_back_keeps_nothing(
    attempt: Any, consent: Answer, tmp_path: Path, changed: dict[str, str], words: str
) -> None:
    with pytest.raises(LoginError, match=words):
        attempt(lambda asked: {**consent(asked), **changed})
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_secret_is_told_without_showing_it(attempt: Any, consent: Answer) -> None:
    with pytest.raises(LoginError) as caught:
        attempt(consent, lwa.Client(CLIENT.client_id, "mistyped-secret"))
    assert "does not know this client id and secret" in str(caught.value)
    assert "mistyped" not in str(caught.value)


def test_nobody_consents(tmp_path: Path, login: Lwa) -> None:
    amazon = Amazon(lwa_url=login.url, port=0)
    with pytest.raises(LoginError, match="nobody consented within 0 s"):
        log_in(CLIENT, tmp_path / "kept.txt", amazon=amazon, show=lambda _address: None, patience=0.1)


def test_a_taken_port_is_told(tmp_path: Path, login: Lwa) -> None:
    port = int(login.url.rpartition(":")[2])
    with pytest.raises(LoginError, match=f"port {port} on 127.0.0.1 is taken"):
        log_in(CLIENT, tmp_path / "kept.txt", amazon=Amazon(port=port), show=lambda _address: None)


def test_the_command_asks_and_tells(
    tmp_path: Path, login: Lwa, consent: Answer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = Browser(consent)
    amazon = Amazon(lwa_url=login.url, port=0)
    answers = iter([CLIENT.client_id, "", ""])
    secrets = iter([CLIENT.client_secret, "", ""])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(answers))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(secrets))
    monkeypatch.setattr("webbrowser.open", browser)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr(command, "Amazon", lambda: amazon)
    monkeypatch.setattr(command.log_in, "__kwdefaults__", {**(command.log_in.__kwdefaults__ or {}), "amazon": amazon})
    monkeypatch.setattr("sys.argv", ["login", str(tmp_path)])
    for _ in range(2):  # the second time what is kept is taken for an empty answer
        assert command.main() == 0
        browser.close()
    shown = capsys.readouterr()
    assert f"Logged in as {OWNER}" in shown.out
    assert "https://www.amazon.com/ap/oa?client_id=" in shown.out
    assert CLIENT.client_secret not in shown.out + shown.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "usage:"), (["/nonexistent"], "is no directory"), (["--help"], "usage:")],
)
def test_a_wrong_call_is_told(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["login", *arguments])
    assert command.main() == 1
    assert words in capsys.readouterr().err


def test_a_client_id_of_another_form_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["login", str(tmp_path)])
    monkeypatch.setattr("builtins.input", lambda _prompt: "my-client")
    assert command.main() == 1
    assert "begins with amzn1.application-oa2-client" in capsys.readouterr().err
